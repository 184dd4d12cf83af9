"""What is still to be done after a rollback, with its dates (RP-1 to RP-3), and the plan's addresses that people need meanwhile (QR)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan

_HOUR_S = 3600.0

ToDo = tuple[str, str, str]
"""Of one stage of the way back: what, its steps, and until when."""


def to_dos(plan: Plan, ended: datetime | None) -> Iterator[ToDo]:
    """The stages of the plan's way back. ``ended`` is when the rollback was done; None when that is not known."""
    for stage in plan.recovery.values():
        yield f"{stage.id}: {stage.title}", "; ".join(stage.steps), _due(stage.min_s, stage.max_s, ended)


def _due(min_s: float | None, max_s: float | None, ended: datetime | None) -> str:
    if max_s is None:
        return ""
    planned = f"{(min_s or 0) / _HOUR_S:g} to {max_s / _HOUR_S:g} h after the rollback"
    if ended is None:
        return planned
    until = (ended + timedelta(seconds=max_s)).astimezone(UTC)
    return f"{until:%Y-%m-%d %H:%M} ({planned})"


def at_hand(plan: Plan, environment: Environment) -> str:
    """The plan's addresses, each with this environment's own where that is another one."""
    own = {
        "QR-1": environment.url_of("emergency_rollback") if "emergency_endpoint" in environment.abilities else "",
        "QR-2": environment.health_url("comprehensive"),
        "QR-3": environment.urls.status_page,
    }
    found = []
    for item in plan.quick_reference.values():
        here = own.get(item.id, "") or item.url
        found.append(f"{item.title}: {item.url}" + (f" (set here: {here})" if here.rstrip("/") != item.url else ""))
    return f"at hand, by the plan: {'; '.join(found)}"
