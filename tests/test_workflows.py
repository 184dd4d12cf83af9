"""The workflows are valid, hold no known weakness, and do what the README says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    """A checker's answer."""
    return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_it_is_valid(workflow: Path) -> None:
    """By the schema of the service that runs it."""
    found = ran("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(workflow))

    assert found.returncode == 0, found.stdout


def test_nothing_weak_is_known() -> None:
    """Pinned actions, no injected templates, no kept credentials."""
    found = ran("zizmor", "--offline", "--no-progress", "--quiet", str(ROOT / ".github" / "workflows"))

    assert found.returncode == 0, found.stdout + found.stderr


def test_a_weakness_would_be_seen(tmp_path: Path) -> None:
    """The checker is seen red."""
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "name: bad\non: workflow_dispatch\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: actions/checkout@v4\n      - run: echo ${{ github.event.inputs.x }}\n",
        encoding="utf-8",
    )

    assert ran("zizmor", "--offline", "--no-progress", "--quiet", str(bad)).returncode != 0


def test_ci_calls_the_readmes_test_command() -> None:
    """What contributors run is what decides."""
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["make drill", "make test-all", "make mutants", "make soak", "make audit"])
def test_what_takes_long_runs_every_night(command: str) -> None:
    """All of it, in one workflow."""
    text = (ROOT / ".github" / "workflows" / "nightly-drill.yml").read_text(encoding="utf-8")

    assert "cron:" in text
    assert re.search(rf"run: {command}s?\n", text)
