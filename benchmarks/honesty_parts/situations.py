"""Faults of the sandbox that a verdict on the service, its data, its records or a decision has to tell."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from honesty_parts import peers
from honesty_parts.hostile import DATABASE
from honesty_parts.lane import Lane
from honesty_parts.sabotage import Experiment, Sabotage, Value

from pam_sandbox.database import in_plan_dialect

_DATA = (
    "amounts-nan", "amounts-negative", "answers-blanked", "answers-deleted", "categories-blanked",
    "conversations-orphaned", "emails-blanked", "expenses-doubled", "expenses-orphaned", "index-invalid", "key-dropped",
    "messages-doubled", "messages-of-another-user", "messages-orphaned", "migration-ahead", "profiles-deleted", "row-security-off",
    "sequence-behind", "settings-deleted", "settings-duplicated", "settings-null", "settings-wiped", "table-emptied",
    "tickets-orphaned", "timestamps-future",
)  # fmt: skip
_BLIND = ("role-blinded",)
_DATABASE_ANSWERS = {"server": "api", "path": DATABASE}


def _of_health(name: str, truth: str, fault: str, **parameters: Value) -> Sabotage:
    return Sabotage(
        f"service: {name}",
        "service",
        truth,
        ("-m", "health"),
        fault,
        parameters,
        chaos=peers.health_of_sandbox,
        plan=peers.plan_health_of_sandbox,
    )


def _of_data(what: str, truth: str) -> Sabotage:
    return Sabotage(f"data: {what}", "data", truth, ("-m", "integrity"), "data", {"what": what}, plan=_plan_sql)


def _plan_sql(lane: Lane) -> Sequence[str]:
    dsn = str(lane.state["sandbox"]["variables"]["PAM_DATABASE_DSN"])
    return peers.plan_script("data", sys.executable, in_plan_dialect(dsn))


def _of_records(what: str, truth: str, fault: str = "render-metrics", **parameters: Value) -> Sabotage:
    settings: dict[str, Value] = {"what": what} if fault == "render-metrics" else dict(parameters)
    return Sabotage(
        f"records: {what}",
        "servers' records",
        truth,
        ("checks/test_servers_records.py",),
        fault,
        settings,
    )


def _front_page(lane: Lane) -> Experiment:
    return peers.experiment([peers.get(lane.state["urls"]["frontend"] + "/", 200)])


def _of_window(name: str, truth: str, fault: str, **parameters: Value) -> Sabotage:
    return Sabotage(f"window: {name}", "windows", truth, ("-m", "window"), fault, parameters, chaos=_front_page)


def _of_decision(name: str, truth: str, fault: str, **parameters: Any) -> Sabotage:
    return Sabotage(
        f"decision: {name}", "decision", truth, ("-m", "decision", "checks/test_decision.py"), fault, parameters
    )


def rows() -> Iterator[Sabotage]:
    """All of them, and the healthy sandbox as often."""
    yield _of_health("nothing is wrong", "well", "")
    yield _of_health("another page on the way", "broken", "answers-html", **_DATABASE_ANSWERS)
    yield _of_health("garbage called JSON", "broken", "answers-garbage", **_DATABASE_ANSWERS)
    yield _of_health("a 503 that says healthy", "broken", "answers-503-healthy", **_DATABASE_ANSWERS)
    yield _of_health("the fallback page at /health", "broken", "answers-html", server="frontend", path="/health")
    yield _of_health("an old release behind one part", "broken", "answers-wrong-release", **_DATABASE_ANSWERS)
    yield _of_health("an answer without end", "broken", "answers-never-ending", **_DATABASE_ANSWERS)
    yield _of_health("an answer cut in half", "broken", "answers-half-closed", **_DATABASE_ANSWERS)
    yield _of_health("the database is stopped", "broken", "database-down")
    yield _of_health("the release was killed", "broken", "release-down", how="killed")
    yield _of_health("the release hangs", "broken", "release-down", how="hung")
    yield Sabotage("data: nothing is wrong", "data", "well", ("-m", "integrity"), plan=_plan_sql)
    yield from (_of_data(what, "broken") for what in _DATA)
    yield from (_of_data(what, "unknown") for what in _BLIND)
    yield _of_records("nothing is wrong", "well", "")
    for what in (
        "error-500",
        "unauthorized",
        "hangs",
        "garbage",
        "empty",
        "stale",
        "gaps",
        "not-a-number",
        "another-service",
    ):
        yield _of_records(what, "unknown")
    yield _of_records("errors", "broken", "errors", share=0.08)
    yield _of_window("nothing is wrong", "well", "")
    yield _of_window("8 % fail", "broken", "errors", share=0.08)
    yield _of_window("only the cached page is an error", "broken", "old-error-served")
    yield _of_window("memory cannot be read", "unknown", "answers-silence", server="api", path="/metrics")
    yield _of_window("a row is orphaned meanwhile", "broken", "data", what="expenses-orphaned")
    yield _of_decision("38 % fail", "must go back", "errors", share=0.38)
    yield _of_decision("the service is dead", "must go back", "release-down", how="killed")
    yield _of_decision("the service hangs", "must go back", "release-down", how="hung")
    yield _of_decision("rows were deleted", "must go back", "data", what="expenses-orphaned")
    yield _of_decision("memory is high and flat", "unknown", "memory-leak", mb=180, mb_per_s=0)
