"""PM-2 and PM-3: whether anything was released to everybody at once, and whether few users tried each release first.

A deploy that brings something new is let in by a ramp of its own: one that began after it and before the next deploy. The strict reading of
the plan is kept: a deploy without a ramp went to everybody who could reach it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pam_rollback.readiness.rules.finding import Finding

ALL_PCT = 100
_ROUNDING_S = 1e-3


@dataclass(frozen=True)
class Released:
    """Something new went live (seconds since 1970)."""

    what: str
    at_s: float

    def __str__(self) -> str:
        return f"{self.what} of {datetime.fromtimestamp(self.at_s, UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Stage:
    """A share of the users was let in, and watched so long without a complaint."""

    share_pct: float
    at_s: float
    watched_s: float = 0.0


@dataclass(frozen=True)
class Ramp:
    """One ramp by its journal."""

    release: str
    began_s: float
    stages: tuple[Stage, ...] = ()
    adopted: bool = False
    """Somebody vouched for stages that nobody watched."""


def at_once(releases: Iterable[Released], ramps: Sequence[Ramp], *, now_s: float, begins_within_s: float) -> Finding:
    """Whether each release was let in by steps. One that is younger than ``begins_within_s`` may still wait for its ramp."""
    holds: list[str] = []
    broken: list[str] = []
    for release, ramp in _pairs(releases, ramps):
        if ramp is None:
            waits = now_s - release.at_s < begins_within_s
            (holds if waits else broken).append(f"{release} {'waits for its ramp' if waits else 'had no ramp'}")
        elif ramp.stages and ramp.stages[0].share_pct >= ALL_PCT:
            broken.append(f"{release} went to {ramp.stages[0].share_pct:g} % of the users in its first step")
        else:
            shares = ", ".join(f"{stage.share_pct:g} %" for stage in ramp.stages) or "nobody yet"
            holds.append(f"{release}: {shares}")
    return Finding("releases by steps", (*holds,), (*broken,), advice="Let each release in by a ramp: pytest -m ramp")


def tried_first(
    releases: Iterable[Released], ramps: Sequence[Ramp], *, share_pct_max: float, hold_s_min: float
) -> Finding:
    """Whether few users had each release, for the plan's time, before more had it. Only releases that a ramp let in are asked."""
    holds: list[str] = []
    broken: list[str] = []
    for release, ramp in _pairs(releases, ramps):
        if ramp is None or not ramp.stages:
            continue
        first, later = ramp.stages[0], ramp.stages[1:]
        if ramp.adopted:
            broken.append(f"{release}: its ramp was taken over in the middle, and nobody watched its first users")
        elif first.share_pct > share_pct_max:
            broken.append(f"{release}: {first.share_pct:g} % had it first (at most {share_pct_max:g} %)")
        elif later and first.watched_s < hold_s_min - _ROUNDING_S:
            broken.append(f"{release}: its first users were watched for {first.watched_s:.0f} s of {hold_s_min:g} s")
        else:
            holds.append(f"{release}: {first.share_pct:g} % first, watched for {first.watched_s:.0f} s")
    return Finding("releases that few users tried first", (*holds,), (*broken,))


def _pairs(releases: Iterable[Released], ramps: Sequence[Ramp]) -> list[tuple[Released, Ramp | None]]:
    ordered = sorted(releases, key=lambda one: one.at_s)
    ends = [*(one.at_s for one in ordered[1:]), float("inf")]
    return [
        (release, next((ramp for ramp in ramps if release.at_s <= ramp.began_s < end_s), None))
        for release, end_s in zip(ordered, ends, strict=True)
    ]
