"""What people are told of an action that was not done to its end: never a stronger strategy for users who are well already."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed, StopRequested
from pam_rollback.notify.briefing import Users, UsersNow, ending_of, users_now
from pam_rollback.notify.escalation import FAILED, HELPED, STOPPED
from pam_rollback.probe.recovery import OutageRule
from pam_rollback.probe.samples import Sample

RULE = OutageRule(limit_pct=10)
DECIDED_S, INCIDENT_S, NOW_S = 100.0, 90.0, 140.0
WELL = UsersNow(Users.WELL, "40 of 40 probes")
ILL = UsersNow(Users.ILL, "3 of 40 probes")
UNKNOWN = UsersNow(Users.UNKNOWN, "the prober is gone")
CACHES = ActionFailed("step 'clear the caches' failed: HTTP 503")


def probes(*, bad: Iterable[tuple[float, float]] = (), until_s: float = NOW_S, every_s: float = 0.25) -> list[Sample]:
    """Probes from 80 s on; bad within these spans."""
    dues = [80 + every_s * number for number in range(int((until_s - 80) / every_s))]
    spans = tuple(bad)
    return [
        Sample(due_s=due, latency_ms=50, journey="home", ok=not any(begin <= due < end for begin, end in spans))
        for due in dues
    ]


def now(samples: list[Sample]) -> UsersNow:
    """How users are."""
    return users_now(samples, incident_s=INCIDENT_S, decided_s=DECIDED_S, now_s=NOW_S, rule=RULE)


def journal(*steps: tuple[str, str]) -> list[Mapping[str, Any]]:
    """An action with these steps."""
    lines: list[Mapping[str, Any]] = [{"event": "action", "strategy": "full-system"}]
    for step, event in steps:
        lines += [{"event": "step-started", "step": step}, {"event": event, "step": step, "problem": "HTTP 503"}]
    return lines


LATE = journal(("switch", "step-done"), ("clear the caches", "step-failed"))


@pytest.mark.parametrize(
    ("samples", "state"),
    [
        (probes(bad=[(91, 110)]), Users.WELL),
        (probes(bad=[(91, 141)]), Users.ILL),
        (probes(bad=[(91, 110), (138, 139)]), Users.ILL),
        (probes(bad=[(91, 110), (133, 134)]), Users.UNKNOWN),
        (probes(bad=[(91, 136)]), Users.UNKNOWN),
        (probes(bad=[(91, 110)], until_s=120), Users.UNKNOWN),
        (probes(), Users.UNKNOWN),
        ([], Users.UNKNOWN),
    ],
    ids=[
        "recovered",
        "suffering",
        "bad again",
        "it was bad a moment ago",
        "good for too short",
        "blind since then",
        "never seen",
        "no probes",
    ],
)
def test_well_is_said_of_whom_was_seen_to_suffer_and_to_recover(samples: list[Sample], state: Users) -> None:
    """Everything else is not known, or not well."""
    assert now(samples).state is state, now(samples)


def test_a_late_step_that_failed_asks_for_no_stronger_strategy() -> None:
    """Users are well: that is said first, then what is left to do and how; nobody else is woken."""
    ending = ending_of(CACHES, LATE, WELL, run_id="run-1", after="40 s")

    assert (ending.occasion, ending.goes_on) == (HELPED, False)
    assert ending.news.startswith("users are well again (40 of 40 probes), so no stronger strategy is needed")
    assert "Left to do: 'clear the caches'" in ending.news
    assert "--resume run-1" in ending.news


def test_users_who_suffer_need_more() -> None:
    """The same step, and users are not well."""
    ending = ending_of(CACHES, LATE, ILL, run_id="run-1", after="40 s")

    assert (ending.occasion, ending.goes_on) == (FAILED, True)
    assert "users are not well (3 of 40 probes): take the next stronger strategy" in ending.news


def test_what_is_not_known_is_not_claimed() -> None:
    """Neither that users are well, nor that they are not."""
    news = ending_of(CACHES, LATE, UNKNOWN, run_id="run-1", after="40 s").news

    assert "whether users are well is not known (the prober is gone): look first" in news


def test_an_action_without_a_step_changed_nothing() -> None:
    """Its target could not be told, for example."""
    news = ending_of(ActionFailed("no earlier deploy"), journal(), ILL, run_id="run-1", after="1 s").news

    assert "NOT BEGUN and nothing was changed: no earlier deploy" in news
    assert "FAILED" not in news


def test_a_stop_is_no_failure() -> None:
    """It says how to go on."""
    ending = ending_of(StopRequested("stopped by SIGTERM"), LATE, ILL, run_id="run-1", after="4 s")

    assert ending.occasion == STOPPED
    assert "--resume run-1, or put it back with --undo run-1" in ending.news


def test_what_a_resumed_run_did_before_counts() -> None:
    """A step that failed first and was done later is not left to do."""
    entries = [*LATE, {"event": "action", "strategy": "full-system", "resumed": True}]
    entries += [{"event": "step-done", "step": "clear the caches", "problem": ""}]
    entries += [{"event": "step-failed", "step": "see it", "problem": "HTTP 500"}]

    assert "Left to do: 'see it';" in ending_of(CACHES, entries, WELL, run_id="run-1", after="4 s").news
