"""What a session has of the gate beside its tests: what is read at its beginning, left out, missing and told in the end."""

import os
from collections.abc import Collection, Generator, Sequence
from pathlib import Path

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.gate import answers, incident_choice
from pam_rollback.gate.answered import is_answered, to_be_acknowledged
from pam_rollback.report.run_record import RunRecord
from pam_rollback.session import browser_gate, completeness, markers, selection
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.selection import LeftOut
from pam_rollback.session.situations import AS_IS

_FOLDERS = ("checks", "load")
LOAD = "load"
"""The kind of tests that say how the candidate bears the load of the plan, whoever brings them."""
_SHOWN = 4
"""Names in one line."""


def pytest_configure(config: pytest.Config) -> None:
    """Whether there is a load test is seen from the tests that ``-m`` does not select, too."""
    completeness.read_all(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Without a load test the gate has not asked all. Seen before anybody leaves tests out: those are named with their reason."""
    under_load = any(item.get_closest_marker(LOAD) for item in items)
    yield
    left_out = config.stash.get(selection.KEY, None)
    if left_out is not None and markers.is_gate(config) and not under_load and not _of_files(config):
        left_out.partial.append("load not judged: no load test is here")


def pytest_pam_situation_begins(situation: str, request: pytest.FixtureRequest) -> None:
    """Who has which feature counts as it is before anything was tried."""
    if situation == AS_IS and markers.is_gate(request.config):
        request.getfixturevalue("commits_served")
        request.getfixturevalue("flags_found")


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
    acked = {text.partition("=")[0] for text in runbook.options.ack}
    if found is not None or acked.isdisjoint(markers.criterion_ids(item)):
        return None
    return "no incident is recorded here, and a person vouches for the fix (--ack)"


def pytest_pam_unproven(request: pytest.FixtureRequest) -> str | None:
    """Whether a person chose less than what went red."""
    runbook = runbook_module.of(request.config)
    if runbook is None or not runbook.options.incident or "recorded_incident" not in request.fixturenames:
        return None
    out = request.config.rootpath / "reports" / "out"
    return incident_choice.left_out(out, runbook.environment.name, runbook.options.incident) or None


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
            by_reason.setdefault(key, []).append(nodeid.rpartition("::")[2].partition("[")[0])
    part = "files were named, and the gate is all of checks and load: name none"
    return ([part] if _of_files(config) else []) + [
        f"{reason}, so nobody asked: {', '.join([*dict.fromkeys(names)][:_SHOWN])}"
        + (f" and {len(dict.fromkeys(names)) - _SHOWN} more" if len(dict.fromkeys(names)) > _SHOWN else "")
        + (f"; a person may answer for it: {how}" if how and "--ack" not in reason else "")
        for (reason, how), names in by_reason.items()
    ]


def _of_files(config: pytest.Config) -> bool:
    """Whether somebody named files, or not all folders of the gate."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    given = {Path(os.path.normpath(config.invocation_params.dir / arg)) for arg in config.args}
    return named and not {config.rootpath / folder for folder in _FOLDERS} <= given


def pytest_pam_report(record: RunRecord) -> list[tuple[str, Sequence[str]]]:
    """A line for each question of the gate."""
    return [*answers.paragraphs(record)]
