"""``make incident`` after a real run: the draft is filled with facts, and holds no secret."""

import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from pam_rollback.ops.postmortem.service import DEPLOYS_FILE
from pam_rollback.report.redaction import scan
from tests.postmortem.test_command import made
from tests.sessions import ONLY_HEALTH, Finished, RunningSandbox, runbook_in

ROOT = Path(__file__).parents[2]
STORY = "drills/test_full_system.py"
REASON = "errors since 02:40"


@dataclass(frozen=True)
class Real:
    """A real rollback that has ended, and the environment that it was about: a range that calls itself staging."""

    ended: Finished
    env: Path
    secrets: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """The run's."""
        return self.ended.folder


@pytest.fixture(scope="module")
def real(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """A secret of its own is planted wherever somebody can write a text."""
    shared_range.remote.reset()
    shared_range.as_it_was()
    secret = shared_range.variables["PAM_ADMIN_TOKEN"]
    shared_range.remote.plant("code-errors", share=0.5)
    project = runbook_in(tmp_path_factory.mktemp("incident"))
    for found in (project.folder / "checks").glob("test_*.py"):
        if found.name not in ONLY_HEALTH:
            found.unlink()
    env = project.folder / "staging.toml"
    text = shared_range.file.read_text("utf-8").partition("[sandbox]")[0]
    template = tomllib.loads((ROOT / "environments" / "sandbox.toml").read_text("utf-8"))
    abilities = json.dumps(template["abilities"])
    head = f'name = "staging"\nkind = "staging"\npace = 600\nabilities = {abilities}'
    text = text.replace('name = "sandbox"\nkind = "sandbox"', head)
    project.environment.update(shared_range.variables)
    consent = ("--mode", "real", "--execute", "--confirm", "staging", "--initiated-by", "ann")
    try:
        env.write_text(text, "utf-8")
        ended = project.run(STORY, f"--env={env}", *consent, "--reason", f"{REASON} {secret}")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in shared_range.variables.items():
                patch.setenv(name, value)
            yield Real(ended, env, {name: value for name, value in shared_range.variables.items() if len(value) > 5})
    finally:
        shared_range.remote.reset()
        shared_range.as_it_was()


def section(page: str, heading: str) -> str:
    """What stands below that heading."""
    return page.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_draft_holds_the_facts(real: Real, tmp_path: Path) -> None:
    """Who, what, when in UTC, against which objective, what was done and seen, and what the hosts remember; each with its source."""
    page = made(real.folder, real.env, tmp_path)
    assert f"make incident RUN={real.folder.name}" in " ".join(real.ended.out.split()), real.ended.out
    what = section(page, "What happened")
    assert REASON in what
    assert "| decided by | ann | journal.jsonl |" in what
    assert "full-system (real)" in what
    when = {row.split("|")[1].strip(): row.split("|")[2].strip() for row in section(page, "When").splitlines()[3:9]}
    assert list(when) == ["onset", "detection", "decision", "first step", "mitigated", "confirmed"]
    assert datetime.fromisoformat(when["decision"]) <= datetime.fromisoformat(when["first step"]), when
    assert "RTO-4" in section(page, "Objectives")
    done = section(page, "What was done").splitlines()
    assert any("back end: run the target" in row for row in done)
    assert {row.split("|")[2].strip() for row in done if row.startswith("| 2")} >= {
        "step",
        "decision",
        "provider",
        "told",
    }
    assert "passed" in section(page, "What the checks saw")


def test_no_secret_is_in_it(real: Real, tmp_path: Path) -> None:
    """Planted in the reason and, here, in the run's records."""
    run, out = tmp_path / "run", tmp_path / "out"
    shutil.copytree(real.folder, run)
    planted = " ".join(real.secrets.values())
    entry = {"at": "2026-11-25T22:00:00+00:00", "at_s": 1.0, "event": "warning", "about": "x", "problem": planted}
    with (run / "journal.jsonl").open("a", encoding="utf-8") as journal:
        journal.write(json.dumps(entry) + "\n")
    (run / DEPLOYS_FILE).write_text(json.dumps({"render": planted}), "utf-8")

    page = made(run, real.env, out)

    assert scan(out, real.secrets) == []
    assert "[redacted:" in page
