"""How a page loads: what its users see of it (Core Web Vitals), and how much has to travel for it.

Source of the vitals' limits: the "good" limits of Core Web Vitals (web.dev/articles/vitals): LCP 2.5 s, CLS 0.1, INP 200 ms, there at the
75th percentile of real users. Here it is a laboratory: the median of several loads on this machine, told apart by *first* visits (nothing
cached, new connections) and *return* visits (files of the first one are there). A laboratory figure is compared with another one of the
same machine; it says nothing about a user's phone.

Some pages jump in one load and not in the next, so medians of a few differ by luck. A vital is *worse than before* when nine of ten pairs
of a load now and one of the baseline say so and the mean is noticeably higher, or when its median is noticeably above the baseline's
highest load. What was above its limit in any load of the baseline was so before, and somebody may answer for it. With ten loads before
and five now, a page with two modes is wrongly red in fewer than 1 of 100 runs, whatever the share of each: 0.6 % at most, by a baseline
that met the worse mode in no load, and a run that met it in three. A shift in every load that doubles is seen in 99 of 100 runs; one in
half of the loads in 43, since a run whose median meets none of it is good. Of an older baseline the median is known alone, and stands
for its loads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from statistics import fmean, median
from typing import Any, Self

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.browser.rules.page_weight import PageWeight, Transfer
from pam_rollback.environment.known_before import NOTHING_TOLD, Finding, JudgedFindings

LOADS_MIN = 5
"""Of fewer, two unlucky ones would be the median."""
LOADS_BEFORE = 10
"""Those of a baseline: five would too often meet none of the bad loads that a page has."""
_WORSE_BY_PCT = 50
_NOTICED_SHARE_OF_LIMIT = 0.2
_PAIRS_ABOVE = 0.9
"""So many by chance, of five loads and ten before: 19 of 3003 orders, 0.6 %."""


class Visit(StrEnum):
    """Whether a browser has been there before."""

    FIRST = "first"
    RETURN = "return"


class Metric(StrEnum):
    """A vital, by the name that the web-vitals library gives it."""

    LCP = "LCP"
    CLS = "CLS"
    INP = "INP"
    FCP = "FCP"
    TTFB = "TTFB"

    @property
    def unit(self) -> str:
        """CLS is a share of the screen times a distance, and has none."""
        return "" if self is Metric.CLS else "ms"

    @property
    def words(self) -> str:
        """What it is, for people."""
        return _WORDS[self]

    def shown(self, value: float) -> str:
        """A value of it, for people."""
        return f"{value:.3f}" if self is Metric.CLS else f"{value:.0f} ms"


_WORDS = {
    Metric.LCP: "main content painted (LCP)",
    Metric.CLS: "layout shift (CLS)",
    Metric.INP: "answer to a key or click (INP)",
    Metric.FCP: "first content painted (FCP)",
    Metric.TTFB: "first byte (TTFB)",
}


@dataclass(frozen=True)
class PageLoad:
    """One load of one page. A vital that the page did not report is not in ``vitals``; ``problem`` says why there is no load at all."""

    visit: Visit
    vitals: dict[Metric, float]
    transfers: tuple[Transfer, ...]
    problem: str = ""


@dataclass(frozen=True, repr=False)
class Vital(Sentence):
    """One vital of one page, over several loads. ``before`` are the baseline's, where there is one; ``item`` is the plan's."""

    item: str
    page: str
    metric: Metric
    visit: Visit
    values: tuple[float, ...]
    limit: float
    before: tuple[float, ...] = ()
    told: JudgedFindings = NOTHING_TOLD
    """What of it is known, and why the rest counts."""

    @property
    def value(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def good(self) -> bool:
        """Within the limit (which is still good), or above it as before and known; and not worse than before."""
        return all(self.told.knows(finding.text) for finding in self.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong. No baseline has that it is worse than before: that always counts."""
        if self.worse:
            return (self._finding("worse than before"),)
        return (self._above,) if self.value > self.limit else ()

    def without(self, told: JudgedFindings) -> Self:
        """Judged without what was so before."""
        return replace(self, told=told)

    @property
    def to_record(self) -> tuple[Finding, ...]:
        """As a baseline's own: that it is above its limit, in whichever of the loads."""
        return (self._above,) if max(self.values) > self.limit else ()

    @property
    def worse(self) -> bool:
        """Noticeably more than before, and by more than what loads of one page differ by: see above."""
        if not self.before:
            return False
        pairs = [now > before for now in self.values for before in self.before]
        above = fmean(pairs) >= _PAIRS_ABOVE and self._noticed(fmean(self.values), fmean(self.before))
        return above or self._noticed(self.value, max(self.before))

    def _noticed(self, now: float, before: float) -> bool:
        """More than half as much again, and by more than a fifth of the limit: less is the machine's own scatter."""
        return now > before * (1 + _WORSE_BY_PCT / 100) and now - before > self.limit * _NOTICED_SHARE_OF_LIMIT

    @property
    def _above(self) -> Finding:
        return self._finding("above its limit")

    def _finding(self, how: str) -> Finding:
        return Finding(self.item, f"{self.page}, {self.visit} visit", f"{self.metric.words} {how}")

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        before = f", baseline {self._shown_before}" if self.before else ""
        return Figures(
            what=f"{self.page}, {self.visit} visit: {self.metric.words}",
            asked=f"<= {self.limit:g} {self.metric.unit}".rstrip(),
            measured=round(self.value, 3),
            unit=self.metric.unit,
            n=len(self.values),
            margin=round(self.limit - self.value, 3),
            definition=f"median, in a laboratory{before}",
        )

    def __str__(self) -> str:
        shown = self.metric.shown
        than_before = ", worse than before, when it was" if self.worse else ", and before it was"
        before = f"{than_before} {self._shown_before}" if self.before else ""
        found = (
            f"{self.page}, {self.visit} visit: {self.metric.words} {shown(self.value)}, "
            f"expected {shown(self.limit)} at most{before} (median of {', '.join(map(shown, self.values))})"
        )
        return self.told.after(found) + self.told.advice

    @property
    def _shown_before(self) -> str:
        shown, loads = self.metric.shown, self.before
        spread = f" ({shown(min(loads))} to {shown(max(loads))} in {len(loads)} loads)" if len(loads) > 1 else ""
        return f"{shown(median(loads))}{spread}"


@dataclass(frozen=True)
class PageLoads:
    """All loads of one page."""

    page: str
    loads: tuple[PageLoad, ...]

    def vital(self, metric: Metric, visit: Visit, *, item: str, limit: float, before: tuple[float, ...] = ()) -> Vital:
        """Give the vital over all visits of that kind. Raises MeasurementFailed unless every one of them reported it."""
        loads = self._of(visit)
        values = [load.vitals[metric] for load in loads if metric in load.vitals]
        if len(values) < len(loads):
            raise MeasurementFailed(
                f"{self.page}, {visit} visit: {len(loads) - len(values)} of {len(loads)} loads reported no "
                f"{metric.words}: a page that says nothing is not fast"
            )
        return Vital(item, self.page, metric, visit, tuple(values), limit, before)

    @property
    def values(self) -> dict[str, list[float]]:
        """Each vital that every load of a kind of visit reported, by ``visit metric``: what makes it known in a baseline."""
        found: dict[str, list[float]] = {}
        for visit in Visit:
            loads = [load for load in self.loads if load.visit is visit]
            for metric in Metric:
                values = [load.vitals[metric] for load in loads if metric in load.vitals]
                if values and len(values) == len(loads):
                    found[f"{visit} {metric}"] = [round(value, 4) for value in values]
        return found

    def weight(self) -> PageWeight:
        """What a first visit has to fetch: the load of median bytes. Raises MeasurementFailed when nothing was fetched."""
        weights = sorted(
            (PageWeight.of(self.page, load.transfers, len(self._of(Visit.FIRST))) for load in self._of(Visit.FIRST)),
            key=lambda weight: weight.bytes,
        )
        found = weights[len(weights) // 2]
        if not found.bytes:
            raise MeasurementFailed(f"{self.page}: nothing came over the wire in a first visit: nothing was measured")
        return found

    def _of(self, visit: Visit) -> Sequence[PageLoad]:
        chosen = [load for load in self.loads if load.visit is visit]
        broken = [load.problem for load in chosen if load.problem]
        if broken:
            raise MeasurementFailed(f"{self.page}: {len(broken)} of {len(chosen)} {visit} visits failed: {broken[0]}")
        if len(chosen) < LOADS_MIN:
            raise MeasurementFailed(f"{self.page}: {len(chosen)} {visit} visits, {LOADS_MIN} are needed")
        return chosen


def vitals_before(data: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """What a baseline has of a page, by ``visit metric``: each load's, or the median alone in older ones.

    Raises AttributeError, TypeError or ValueError when it is something else.
    """
    found = {
        str(name): tuple(map(float, loads if isinstance(loads, list) else [loads])) for name, loads in data.items()
    }
    bad = [name for name, loads in found.items() if not loads or not all(map(isfinite, loads))]
    if bad:
        raise ValueError(f"no figures of {', '.join(bad)}")
    return found
