"""The workflows are valid, hold no known weakness, and do what the README says."""

import copy
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

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


def read(name: str) -> Any:
    """A workflow as the service reads it."""
    return YAML(typ="safe").load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))


NAMES = [path.stem for path in WORKFLOWS]


def faults_of_checkouts(workflow: Mapping[str, Any]) -> Iterator[str]:
    """What would run another suite than the commit that was called: the ``github`` context is the caller's, ``job`` is not."""
    for name, job in workflow["jobs"].items():
        steps = job.get("steps", [])
        for step in steps:
            given = step.get("with", {})
            if not step.get("uses", "").startswith("actions/checkout@"):
                continue
            if given.get("repository") != "${{ job.workflow_repository }}":
                yield f"{name}: not the repository that was called"
            if not given.get("ref", "").startswith("${{ job.workflow_sha || '"):
                yield f"{name}: not the commit that was called, or anything where it is not known"
        used = job.get("uses", "$/")
        if not used.startswith("$/"):
            yield f"{name}: {used} is not of the commit that was called"
        if "make" in str(steps) and "actions/checkout@" not in str(steps):
            yield f"{name}: nothing is checked out"


@pytest.mark.parametrize("name", NAMES)
def test_the_commit_that_was_called_is_what_runs(name: str) -> None:
    """Whoever calls it: the suite's repository and commit, and none where that is not known."""
    assert [*faults_of_checkouts(read(name))] == []


def test_another_commit_than_the_one_called_would_be_seen() -> None:
    """By the caller's own context, a branch, nothing at all, and a call that names a branch."""
    good = read("session")

    def changed(**given: object) -> list[str]:
        bad = copy.deepcopy(good)
        step = bad["jobs"]["session"]["steps"][0]
        step["with"] = {name: value for name, value in {**step["with"], **given}.items() if value is not None}
        return [*faults_of_checkouts(bad)]

    repository = "session: not the repository that was called"
    commit = "session: not the commit that was called, or anything where it is not known"
    assert changed() == []
    assert changed(repository="${{ github.repository }}") == changed(repository=None) == [repository]
    for ref in ("${{ github.sha }}", "${{ github.workflow_sha }}", "${{ job.workflow_sha }}", "main", None):
        assert changed(ref=ref) == [commit]
    bare = copy.deepcopy(good)
    del bare["jobs"]["session"]["steps"][0]
    assert [*faults_of_checkouts(bare)] == ["session: nothing is checked out"]
    call = {"jobs": {"a": {"uses": "wheels/pam-rollback/.github/workflows/session.yml@main"}}}
    assert [*faults_of_checkouts(call)] == [f"a: {call['jobs']['a']['uses']} is not of the commit that was called"]


def faults_of_calls(workflow: Mapping[str, Any]) -> Iterator[str]:
    """What another repository cannot call as a person starts it by hand."""
    on = workflow["on"]
    if "workflow_call" not in on:
        yield "it cannot be called"
    elif "workflow_dispatch" in on:
        by_hand, called = ((on[way] or {}).get("inputs", {}) for way in ("workflow_dispatch", "workflow_call"))
        yield from (f"{name} cannot be given" for name in by_hand if name not in called)
        yield from (
            f"{name} is another by hand"
            for name in by_hand.keys() & called.keys()
            if by_hand[name].get("default") != called[name].get("default") and called[name].get("default") != ""
        )
        yield from (f"{name} is asked for and not used" for name in called if f"inputs.{name}" not in str(workflow))


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_called_by_another_repository(name: str) -> None:
    """With all that its form has."""
    assert [*faults_of_calls(read(name))] == []


def test_what_cannot_be_called_would_be_seen() -> None:
    """Each by its fault."""
    bad = read("undo")
    del bad["on"]["workflow_call"]["inputs"]["run"]
    bad["on"]["workflow_call"]["inputs"] |= {"more": {"type": "string"}}
    bad["on"]["workflow_call"]["inputs"]["environment"]["default"] = "staging"

    assert [*faults_of_calls(bad)] == [
        "run cannot be given", "environment is another by hand", "more is asked for and not used",
    ]  # fmt: skip
    assert [*faults_of_calls({"on": {"workflow_dispatch": None}})] == ["it cannot be called"]


@pytest.mark.parametrize(("name", "job"), [("rollback", "rollback"), ("undo", "undo"), ("ramp", "ramp")])
def test_what_changes_something_is_protected_whoever_calls_it(name: str, job: str) -> None:
    """By an environment whose reviewers say yes, and a group of its own: a caller can take neither away."""
    read_now = read(name)

    assert re.fullmatch(
        r"\$\{\{ inputs\.environment( \|\| 'production')? \}\}-(rollback|ramp)", read_now["jobs"][job]["environment"]
    )
    assert "inputs.environment" in read_now["concurrency"]["group"]
    assert read_now["concurrency"]["cancel-in-progress"] is False
