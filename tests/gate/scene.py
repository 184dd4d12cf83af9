"""The gate's questions: asked by themselves, of facts taken here; and sessions of the gate, among runs of the past."""

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType

from pam_rollback.plan.stories import STORIES
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import ActionStep, EnvironmentFacts, Moment, Result, RunRecord, Verdict, write
from pam_rollback.report.verdict import Outcome, classify
from pam_sandbox.repository import FEATURE, all_files, brought_by
from tests.sessions import ROOT, Finished, Project, RunningSandbox

RELEASE = "1.42.0"
FILES: Mapping[str, str] = {**all_files(RELEASE), **brought_by(RELEASE)}
"""The candidate's."""
OWN_TESTS = "test_the_candidates_own_tests_pass"
"""One test for each stage, which is its parameter."""
STAGES = ("GA-1", "GA-2", "GA-3", "GA-4", "GA-5", "GA-6")
APPLIED, DATA, WHOLE, BACK, STABLE, DOORS = (
    "test_migrations_can_be_applied",
    "test_migrations_drop_no_data",
    "test_data_is_whole_with_the_migrations",
    "test_the_deploy_can_be_taken_back",
    "test_the_stable_release_works_with_the_migrations",
    "test_the_migrations_open_no_door",
)
DATABASE = {APPLIED, DATA, WHOLE, BACK, STABLE, DOORS}
FLAGGED, NOBODY = "test_new_features_are_behind_flags", "test_a_deploy_gives_nobody_a_new_feature"
INCIDENT, DRILLED = "test_the_incident_does_not_come_back", "test_every_strategy_was_drilled_lately"
RED, UNKNOWN, GREEN = "broken criterion", "could not measure", "passed"


@dataclass(frozen=True)
class Commit:
    """A broken one: what is other in it, which of the tests are red, and which cannot know; ``words`` name the cause."""

    id: str
    files: Mapping[str, str]
    red: set[str]
    words: str
    unknown: set[str] = field(default_factory=set)


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """The candidate's file with something else in it."""
    assert old in FILES[file], f"{file} has no {old!r} any more"
    return {file: FILES[file].replace(old, new)}


def features(**changes: object) -> dict[str, str]:
    """The declaration with another first feature."""
    document = json.loads(FILES["features.json"])
    document["features"][0].update(changes)
    return {"features.json": json.dumps(document)}


@cache
def _questions() -> ModuleType:
    """The gate's own tests."""
    spec = importlib.util.spec_from_file_location("the_gate", ROOT / "load" / "test_redeployment_gate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(question: str, fact: Callable[[], object]) -> tuple[str, str]:
    """What a session would say of this test of the gate, given what ``fact`` gives or raises, and its words."""
    test: Callable[..., None] = getattr(_questions(), question)
    try:
        found = fact()
    except Exception as error:  # noqa: BLE001 - as a session does: whatever a fixture raises has an outcome
        return classify(error, in_test_body=False).value, str(error)
    try:
        test(found, lambda judged: judged)
    except Exception as error:  # noqa: BLE001 - as a session does: whatever a fixture raises has an outcome
        return classify(error, in_test_body=True).value, str(error)
    return GREEN, str(found)


def gate(
    project: Project, running_sandbox: RunningSandbox, tests: Sequence[str], *more: str, file: Path | None = None
) -> Finished:
    """A session with these tests of the gate."""
    nodes = [f"load/test_redeployment_gate.py::{name}" for name in sorted(tests)]
    return project.run(*nodes, "-m", "redeploy_gate", f"--env={file or running_sandbox.file}", *more)


def commit(running_sandbox: RunningSandbox, files: Mapping[str, str]) -> str:
    """What a colleague pushes to the branch that brought the candidate; nothing is deployed to users by it."""
    running_sandbox.remote.reset()
    running_sandbox.as_it_was()
    return running_sandbox.remote.push(dict(files), message="Try something", branch=FEATURE)


def with_outcome(found: Finished, outcome: str) -> set[str]:
    """The tests that ended so, each with its case."""
    return {name for name, one in found.outcomes_by_case().items() if one == outcome}


def one_line(found: Finished) -> str:
    """All that was printed, however it was wrapped."""
    return " ".join(found.out.split())


def first_ways() -> list[str]:
    """One story of each strategy."""
    strategies = dict.fromkeys(story.strategy for story in STORIES.values())
    return [next(name for name, story in STORIES.items() if story.strategy == strategy) for strategy in strategies]


def leave_run(
    root: Path,
    name: str,
    *,
    age: timedelta = timedelta(hours=1),
    red: Sequence[str] = (),
    drilled: Sequence[str] = (),
    verdict: Verdict = "NO-GO",
    environment: str = "sandbox",
    scope: str = "",
) -> Path:
    """A run of the past: red criteria of a check, drills that were done, or a verification that was good (``scope``)."""
    then = Moment((datetime.now(UTC) - age).isoformat(timespec="seconds"), 1.0)
    record = RunRecord(
        run_id=name,
        started=then,
        finished=then,
        environment=EnvironmentFacts(name=environment, host="127.0.0.1:1", kind="sandbox"),
        release=RELEASE,
        releases_seen=(RELEASE,),
        mode="drill",
        pace=60,
        situations=tuple(STORIES[story].situation for story in drilled) or ("as-is",),
        command_line=("pytest",),
        verdict=verdict,
        exit_code=10,
        results=tuple(
            Result(
                nodeid=f"checks/test_x.py::test_{number}",
                title="x",
                outcome=Outcome.BROKEN_CRITERION,
                criteria=(one,),
                phase="decision",
            )
            for number, one in enumerate(red)
        )
        + tuple(
            Result(
                nodeid=f"drills/test_x.py::test_{story}",
                title="x",
                outcome=Outcome.PASSED,
                phase="rollback",
                situation=STORIES[story].situation,
            )
            for story in drilled
        )
        + ((Result("checks/test_x.py::test_x", "x", Outcome.PASSED, phase="post_rollback"),) if scope else ()),
        scope=scope or None,
        steps=tuple(ActionStep(story, "a step", "done", 0, 1) for story in drilled),
    )
    folder = root / "reports" / "out" / name
    write(record, folder / "run.json", Redactor([]))
    return folder
