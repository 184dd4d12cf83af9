"""What a session has of the gate beside its tests: what is read at its beginning, left out, missing and told in the end."""

import os
from collections.abc import Collection, Generator, Sequence
from pathlib import Path
from typing import Final

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import listed
from pam_rollback.plugin import browser_gate, completeness, listeners, markers, selection
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.classification import named
from pam_rollback.plugin.selection import LeftOut
from pam_rollback.plugin.topics import access as exposure
from pam_rollback.plugin.topics import decision, health
from pam_rollback.plugin.topics import records as performance
from pam_rollback.redeploy.gate import incident_choice
from pam_rollback.redeploy.gate.features import FlagsFound
from pam_rollback.redeploy.gate.incident import VOUCH, CriterionRetest, RetestOutcome
from pam_rollback.report import wording
from pam_rollback.report.run_record import Result, RunRecord
from pam_rollback.report.verdict import Outcome
from pam_rollback.target.environment import Environment


def is_answered(ids: Sequence[str], answered: Collection[str], success_criteria: Collection[str]) -> bool:
    """Whether the answers cover what the test is about.

    A success criterion speaks for the other items that its tests serve: whoever vouches for SC-4 vouches for the data, in each table.
    Without one, every item of the test needs its own answer. A test that serves no item cannot be answered for.
    """
    needed = [one for one in ids if one in success_criteria] or ids
    return bool(needed) and set(needed) <= set(answered)


def to_be_acknowledged(ids: Sequence[str], success_criteria: Collection[str]) -> str:
    """The options with which a person answers for the test; empty when nobody can."""
    needed = [one for one in ids if one in success_criteria] or ids
    return " ".join(f'--ack {one}="who: evidence"' for one in needed)


HEADING: Final = "May it be deployed again?"
_PHASE: Final = "redeploy_gate"
_BY_FILE: Final = {
    "checks/integrity/": "the data is whole",
    "checks/test_journeys.py": "journeys in browsers",
    "checks/test_accessibility.py": "accessibility",
    "checks/test_exposure.py": "access",
    "checks/test_preflight.py": "a rollback is ready",
    "load/test_load.py": "under load",
}
_BY_CRITERION: Final = {
    "GA-": "the candidate's own tests",
    "PM-1": "new features are behind flags",
    "RP-2": "the incident stays away",
    "PM-10": "a rollback is ready",
}
_MIGRATIONS: Final = "migrations can be taken back"


def paragraphs(record: RunRecord) -> list[wording.Paragraph]:
    """One line a question, with the reason where the answer is not yes; nothing when this was no gate."""
    if record.scope != _PHASE or record.verdict == "PLANNED":
        return []
    by_question: dict[str, list[Result]] = {}
    for result in record.results:
        if not result.advisory:
            by_question.setdefault(_question(result), []).append(result)
    lines = [_line(question, results) for question, results in by_question.items()]
    unasked: dict[str, int] = {}
    for one in record.deselected:
        if not browser_gate.is_of_another_browser(one.reason):
            unasked[one.reason] = unasked.get(one.reason, 0) + 1
    lines += [
        f"[ ] {count} more question{'s' if count > 1 else ''}: NOT ASKED: {reason}" for reason, count in unasked.items()
    ]
    return [(HEADING, tuple(lines))]


def _question(result: Result) -> str:
    by_file = next((question for file, question in _BY_FILE.items() if result.nodeid.startswith(file)), "")
    if by_file:
        return by_file
    exact = next((_BY_CRITERION[one] for one in result.criteria if one in _BY_CRITERION), "")
    return exact or next((_BY_CRITERION["GA-"] for one in result.criteria if one.startswith("GA-")), _MIGRATIONS)


def _line(question: str, results: Sequence[Result]) -> str:
    """The worst kind decides; of one cause that met several tests, one reason."""
    bad = [one for one in results if one.outcome not in {Outcome.PASSED, Outcome.KNOWN}]
    if not bad:
        return f"[x] {question}: {len(results)} of {len(results)}"
    broken = [one for one in bad if one.outcome is Outcome.BROKEN_CRITERION]
    said = listed(
        [*dict.fromkeys(map(wording.said, broken or [one for one in bad if one.outcome is bad[0].outcome]))], 3
    )
    word = f"[!] {question}: NO" if broken else f"[ ] {question}: NOT KNOWN"
    return f"{word}, {len(results) - len(bad)} of {len(results)}: {said}"


_FOLDERS = ("checks", "load")
LOAD = "load"
"""The kind of tests that say how the candidate bears the load of the plan, whoever brings them."""
_SHOWN = 4
"""Names in one line."""


class GateBegins:
    """What stands before the first test of a gate; no other session has it."""

    @pytest.fixture(scope="session", autouse=True)
    def gate_begins(self, situation: str, commits_served: None, flags_found: FlagsFound) -> None:
        """Note the commits, and who has which feature, before anything is tried."""


def pytest_configure(config: pytest.Config) -> None:
    """Read all files at a gate: whether there is a load test is seen from the tests that ``-m`` does not select, too."""
    if markers.is_gate(config):
        completeness.read_all(config)
        config.stash[listeners.PARAGRAPHS] = paragraphs
        config.pluginmanager.register(GateBegins(), "pam-gate-begins")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Without a load test the gate has not asked all. Seen before anybody leaves tests out: those are named with their reason."""
    under_load = any(item.get_closest_marker(LOAD) for item in items)
    yield
    left_out = config.stash.get(selection.KEY, None)
    if left_out is not None and markers.is_gate(config) and not under_load and not _of_files(config):
        left_out.partial.append("load not judged: no load test is here")


def pytest_pam_why_left_out(item: pytest.Item) -> str | None:
    """Where no incident is recorded, a person may say that the cause is gone. Raises pytest.UsageError for a wrong ``--incident``."""
    runbook = runbook_module.of(item.config)
    if runbook is None or "recorded_incident" not in getattr(item, "fixturenames", ()):
        return None
    out = item.config.rootpath / "reports" / "out"
    try:
        found = incident_choice.chosen(out, runbook.environment.name, runbook.options.incident)
    except MeasurementFailed as error:
        raise pytest.UsageError(str(error)) from None
    if found is not None or runbook.options.acked.isdisjoint(markers.criterion_ids(item)):
        return None
    return "no incident is recorded here, and a person vouches for the fix (--ack)"


def tried_again(criterion: str, environment: Environment, request: pytest.FixtureRequest) -> CriterionRetest:
    """Measure what went red once more, as the topic does that owns the criterion; tests of this session that serve it decide themselves."""
    judged = None
    try:
        found = (
            performance.retest(criterion)
            or health.retest(criterion, environment)
            or exposure.retest(criterion)
            or decision.retest(criterion)
        )
        if found is not None:
            fixture, judge = found
            # Which criteria went red is read from a record, and each costs a wait: no other fixture may be asked for.
            judged = judge(request.getfixturevalue(fixture))
    except MeasurementFailed as error:
        return CriterionRetest(criterion, RetestOutcome.UNKNOWN, str(error))
    if judged is not None:
        good, words = judged
        return CriterionRetest(criterion, RetestOutcome.GONE if good else RetestOutcome.BACK, words)
    tests = [
        item
        for item in request.session.items
        if criterion in markers.criterion_ids(item) and not item.get_closest_marker("advisory")  # those decide nothing
    ]
    if tests:
        words = f"judged by {len(tests)} tests of this gate, which count by themselves"
        return CriterionRetest(criterion, RetestOutcome.GONE, words)
    words = f"nothing in this gate measures it; look yourself, then {VOUCH}"
    return CriterionRetest(criterion, RetestOutcome.UNKNOWN, words)


def pytest_pam_incomplete(config: pytest.Config, left_out: LeftOut, answered: Collection[str]) -> list[str]:
    """What the environment's declarations keep the gate from asking is not known, unless a person or a dated waiver answers for it."""
    runbook = runbook_module.of(config)
    if runbook is None or not markers.is_gate(config):
        return []
    success = runbook.plan.success_criteria
    by_reason: dict[tuple[str, str], list[str]] = {}
    for nodeid, reason, ids in left_out.tests:
        if not browser_gate.is_of_another_browser(reason) and not is_answered(ids, set(answered), success):
            key = (reason, to_be_acknowledged(ids, success))
            by_reason.setdefault(key, []).append(nodeid)
    found = ["files were named, and the gate is all of checks and load: name none"] if _of_files(config) else []
    for (reason, how), several in by_reason.items():
        answer = f"; a person may answer for it: {how}" if how and "--ack" not in reason else ""
        found.append(f"{reason}, so nobody asked: {named(several, _SHOWN)}{answer}")
    return found


def _of_files(config: pytest.Config) -> bool:
    """Whether somebody named files, or not all folders of the gate."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    given = {Path(os.path.normpath(config.invocation_params.dir / arg)) for arg in config.args}
    return named and not {config.rootpath / folder for folder in _FOLDERS} <= given
