"""The page of readiness: what on-call can rely on tonight, strategy by strategy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEADING = "What on-call can rely on tonight"
_GOOD, _BAD, _OPEN = "[x]", "[!]", "[ ]"


@dataclass(frozen=True)
class Strategy:
    """What is known of one way back. ``drilled_d`` is None where none was drilled, or the newest drill failed."""

    name: str
    preflight: str
    """What the preflight of the last day said (``yes, …``, ``NOT READY, …``); empty where there was none."""
    drilled_d: float | None
    drill: str
    """Where and when, in words."""
    recovery: str
    """How long recoveries took."""


def page(strategies: Iterable[Strategy], *, drill_age_d_max: float, on_call: str, others: Sequence[str]) -> list[str]:
    """A line for each strategy, then who is on call, then what is not ready. Not known is never relied on."""
    return [
        *(_line(one, drill_age_d_max) for one in strategies),
        f"{_GOOD if on_call else _OPEN} on call now: {on_call or 'not known'}",
        *(f"{_BAD} {other}" for other in others),
    ]


def _line(one: Strategy, drill_age_d_max: float) -> str:
    ready = one.preflight.startswith("yes")
    fresh = one.drilled_d is not None and one.drilled_d <= drill_age_d_max
    sign = _GOOD if ready and fresh else _BAD if one.preflight.startswith("NOT READY") else _OPEN
    preflight = f"ready: {one.preflight}" if one.preflight else "no preflight of the last day (pytest -m preflight)"
    old = "" if fresh else f", and that is more than {drill_age_d_max:g} d" if one.drilled_d is not None else ""
    return f"{sign} {one.name}: {preflight}; drilled: {one.drill}{old}; {one.recovery}"
