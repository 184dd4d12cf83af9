"""The parts of a product that users need, each with the journeys that ask it.

Each part is a series of its own with its own n. No part is averaged with another one: of a back end that answers nothing, two thirds of
good pages say nothing. The worst part decides. A part that is declared and not asked is not known.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.journeys import BROWSER_JOURNEY, HEALTH_JOURNEY, PAGES, ProbeConfig
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.recovery import OutageRule, Recovery, recovery
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.window import WindowSpec, judge_without_prober_lag
from pam_rollback.target.environment import Environment

FRONT_END, BACK_END, ROWS = "front end", "back end", "rows"
BROWSER, HEALTH = "browser", "health"
SHOWN: Mapping[str, str] = {
    ROWS: "rows at Supabase",
    BROWSER: "back end, as a browser asks",
    HEALTH: "health of the back end",
}
"""What people call a part, where its name alone does not say it."""
READS = ("profile", "settings", "history", "expenses")
"""What a user's request reads."""
_NAMED = {HEALTH_JOURNEY: HEALTH, BROWSER_JOURNEY: BROWSER}
_CONTROL = "control: turned bad on purpose"
_LATE_MS = 60_000.0

Judge = Callable[..., Window]
"""Judges the samples of one part: ``judge_without_prober_lag`` or ``judge_sample``."""


@dataclass(frozen=True)
class Series:
    """The journeys that ask one part. ``lacking`` says why there are none; empty when there are."""

    part: str
    journeys: tuple[str, ...]
    rate_hz: float = 0.0
    """Probes a second."""
    lacking: str = ""

    @property
    def shown(self) -> str:
        """What people call it."""
        return SHOWN.get(self.part, self.part)


def series_of(environment: Environment, config: ProbeConfig) -> tuple[Series, ...]:
    """Return a series for each part that the product's contract declares, asked or not."""
    reads = {str(name): one for name, one in environment.contract.operations.items() if name in READS and one.address}
    declared = [FRONT_END, BACK_END, BROWSER]
    declared += [ROWS] if any(one.site == "supabase" for one in reads.values()) else []
    declared += [HEALTH] if any(one.part == HEALTH for one in config.journeys) else []
    turns = sum(one.weight for one in config.journeys)
    found = []
    for part in declared:
        own = [one for one in config.journeys if one.part == part]
        rate_hz = config.rate_hz * sum(one.weight for one in own) / turns
        lacking = (
            "" if own else _why_not_asked(part, config, reads=any(_is_of(part, one.site) for one in reads.values()))
        )
        found.append(Series(part, tuple(one.name for one in own), rate_hz, lacking))
    return tuple(found)


def part_of(name: str, site: str) -> str:
    """Return the part that a journey of this name asks, at this key of ``[urls]``."""
    if name in PAGES:
        return FRONT_END
    if name in _NAMED:
        return _NAMED[name]
    return ROWS if site == "supabase" else BACK_END


def without_health(series: Sequence[Series]) -> tuple[Series, ...]:
    """Return the parts that users wait for; where nothing else of the API is asked, health stands for it."""
    users = tuple(one for one in series if one.part != HEALTH)
    return users if any(one.journeys and one.part != FRONT_END for one in users) else tuple(series)


def turned_bad(samples: Sequence[Sample], *, duration_s: float, rate_hz: float) -> tuple[Sample, ...]:
    """Return these samples over and over from moment 0 on, each of them bad and late: what a judge would see of a part that is down."""
    n = math.floor(duration_s * rate_hz) + 1 if samples else 0
    taken = (samples[i % len(samples)] for i in range(n))
    return tuple(
        replace(one, ok=False, why=_CONTROL, due_s=i / rate_hz, lag_ms=0.0, latency_ms=_LATE_MS)
        for i, one in enumerate(taken)
    )


class Coverage:
    """Knows the parts of which nothing could be judged: those that nothing asks, and those whose badness would not be noticed.

    The control runs once for each part, with the first samples of it: all of them turned bad, they must break the criterion.
    """

    def __init__(self, series: Iterable[Series], unnoticed: Callable[[Series, Sequence[Sample]], str]) -> None:
        """``unnoticed`` judges samples that are turned bad, and says why that would not be noticed; empty when it would."""
        self._series = tuple(series)
        self._unnoticed = unnoticed
        self._proven: set[str] = set()

    def lacking(self, samples: Mapping[str, Sequence[Sample]]) -> dict[str, str]:
        """Return the parts that are not known, each with the reason."""
        found = {one.part: one.lacking for one in self._series if one.lacking}
        for one in self._series:
            measured = [sample for sample in samples.get(one.part, ()) if sample.measured()]
            if one.part in self._proven or not measured:
                continue
            if why := self._unnoticed(one, measured):
                found[one.part] = f"that all of it failed would not be noticed: {why}"
            else:
                self._proven.add(one.part)
        return found


def judge_parts(
    samples: Iterable[Sample],
    series: Sequence[Series],
    spec_at: Callable[[float], WindowSpec],
    *,
    lacking: Mapping[str, str],
    judge: Judge = judge_without_prober_lag,
    **moments: float,
) -> Window:
    """Judge each part by itself, and return the verdict of the worst, which names the others.

    ``spec_at`` is what is asked at a rate of probes; ``lacking`` are the parts that are not known. ``moments`` are those of ``judge``.
    """
    own = by_part(samples, series)
    found = [
        (one, judge(own[one.part], spec_at(one.rate_hz), rate_hz=one.rate_hz, **moments))
        for one in series
        if one.journeys
    ]
    order = (WindowState.BROKEN, WindowState.UNKNOWN, WindowState.HOLDING, WindowState.MET)
    of, verdict = min(found, key=lambda one: (order.index(one[1].state), -_value(one[1])))
    others = tuple((one.shown, other) for one, other in found if one is not of)
    # What nothing asks is not known; what is asked may still break until its time is over.
    if lacking and verdict.state is WindowState.MET:
        reason = "; ".join(f"{SHOWN.get(part, part)}: {why}" for part, why in lacking.items())
        verdict = replace(verdict, state=WindowState.UNKNOWN, reason=reason)
    return replace(verdict, part=of.shown, others=others)


def recovery_of_parts(
    samples: Iterable[Sample],
    series: Sequence[Series],
    *,
    needed: Iterable[str],
    incident_s: float | None,
    decision_s: float,
    rule: OutageRule,
    acted_s: float | None = None,
) -> Recovery:
    """Return the recovery of the part that was well last; of one that is not well where there is one.

    ``needed`` are the parts that were rolled back. Raises MeasurementFailed where nothing asks one of them, and as ``recovery`` does.
    """
    for one in series:
        if one.lacking and one.part in set(needed):
            raise MeasurementFailed(f"when users were well again is not known: {one.shown}: {one.lacking}")
    asked = [one for one in without_health(series) if one.journeys]
    own = by_part(samples, asked)
    found = [
        replace(
            recovery(
                own[one.part],
                incident_s=incident_s,
                decision_s=decision_s,
                rule=rule.at(one.rate_hz),
                acted_s=acted_s,
            ),
            part=one.shown if len(asked) > 1 else "",
        )
        for one in asked
    ]
    return max(found, key=lambda one: math.inf if one.recovered_s is None else one.recovered_s)


def window_unnoticed(spec_at: Callable[[float], WindowSpec]) -> Callable[[Series, Sequence[Sample]], str]:
    """Return the control of a window: a part that is turned bad must break it."""

    def why(one: Series, samples: Sequence[Sample]) -> str:
        spec = spec_at(one.rate_hz)
        bad = turned_bad(samples, duration_s=spec.duration_s, rate_hz=one.rate_hz)
        found = judge_without_prober_lag(
            bad, spec, start_s=0, now_s=spec.duration_s, rate_hz=one.rate_hz, settled_s=spec.duration_s
        )
        return "" if found.state is WindowState.BROKEN else str(found)

    return why


def by_part(samples: Iterable[Sample], series: Iterable[Series]) -> dict[str, tuple[Sample, ...]]:
    """Return the samples of each part that is asked."""
    samples = tuple(samples)
    return {one.part: tuple(s for s in samples if s.journey in one.journeys) for one in series if one.journeys}


def _value(verdict: Window) -> float:
    return -math.inf if verdict.value is None else verdict.value


def _is_of(part: str, site: str) -> bool:
    return part == FRONT_END or (part == ROWS) == (site == "supabase")


def _why_not_asked(part: str, config: ProbeConfig, *, reads: bool) -> str:
    if not reads:
        return f"the product's contract has no read that a user's request takes there ([operations] {', '.join(READS)})"
    if part != FRONT_END and config.sign_in is None:
        return 'nothing that users read is asked without a test account (abilities: "test_account")'
    return "everything that asks it has the weight 0 ([probing.weights])"
