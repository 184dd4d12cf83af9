"""What a session has of readiness beside its tests: what is not configured, and that this is no GO."""

from collections.abc import Callable, Collection, Mapping

import pytest

from pam_rollback.ops.readiness.rules import ROOT_CAUSE
from pam_rollback.plugin import markers
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.selection import LeftOut
from pam_rollback.target.environment import Environment

PHASE = "readiness"
ANSWER = "answer"
"""The fixture that the tests of readiness judge."""
_NOT_CONFIGURED = pytest.StashKey[set[str]]()
"""The reasons that this slice gave."""


def _on_call(environment: Environment) -> str:
    settings = environment.readiness
    named = environment.has_secret("on_call_calendar") or (settings is not None and settings.calendar)
    return "" if named else "no [readiness] calendar and no on_call_calendar_env"


def _postmortems(environment: Environment) -> str:
    return (
        "" if environment.readiness is not None and environment.readiness.postmortems else "no [readiness] postmortems"
    )


NEEDED: Mapping[str, Callable[[Environment], str]] = {
    "PM-10": lambda environment: "" if environment.readiness is not None else "no table [readiness]",
    "PM-12": _on_call,
    "PM-13": _postmortems,
    ROOT_CAUSE: _postmortems,
}
"""By plan item: what the environment would have to say, and does not."""


def pytest_pam_why_left_out(item: pytest.Item) -> str | None:
    """What is not configured is not judged, and named."""
    runbook = runbook_module.of(item.config)
    if runbook is None:
        return None
    if ANSWER not in getattr(item, "fixturenames", ()):
        return None
    reasons = (NEEDED[one](runbook.environment) for one in markers.criterion_ids(item) if one in NEEDED)
    why = next(filter(None, reasons), "")
    if not why:
        return None
    reason = f"{runbook.environment.name} names {why}"
    item.config.stash.setdefault(_NOT_CONFIGURED, set()).add(reason)
    return reason


def pytest_pam_incomplete(config: pytest.Config, left_out: LeftOut, answered: Collection[str]) -> list[str]:
    """Outside the sandbox a team is not ready for what nobody wrote down, unless a person or a dated waiver answers for it."""
    runbook = runbook_module.of(config)
    if runbook is None or runbook.on_sandbox or not markers.asks_for(config.option.markexpr, PHASE):
        return []
    ours = config.stash.get(_NOT_CONFIGURED, set())
    by_reason: dict[str, list[str]] = {}
    for nodeid, reason, ids in left_out.tests:
        if reason in ours and not (ids and set(ids) <= set(answered)):
            by_reason.setdefault(reason, []).extend(ids or [nodeid.rpartition("::")[2].partition("[")[0]])
    return [f"not judged, since {reason}: {', '.join(dict.fromkeys(names))}" for reason, names in by_reason.items()]
