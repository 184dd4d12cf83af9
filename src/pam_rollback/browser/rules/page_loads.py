"""How a page loads: what its users see of it (Core Web Vitals), and how much has to travel for it.

Source of the vitals' limits: the "good" limits of Core Web Vitals (web.dev/articles/vitals): LCP 2.5 s, CLS 0.1, INP 200 ms, there at the
75th percentile of real users. Here it is a laboratory: the median of several loads on this machine, told apart by *first* visits (nothing
cached, new connections) and *return* visits (files of the first one are there). A laboratory figure is compared with another one of the
same machine; it says nothing about a user's phone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures
from pam_rollback.browser.rules.page_weight import PageWeight, Transfer

LOADS_MIN = 5
"""Of fewer, two unlucky ones would be the median."""
_WORSE_BY_PCT = 50
_NOTICED_SHARE_OF_LIMIT = 0.2


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
class Vital:
    """One vital of one page, over several loads. ``before`` is what the baseline had, where there is one."""

    page: str
    metric: Metric
    visit: Visit
    values: tuple[float, ...]
    limit: float
    before: float | None = None

    @property
    def value(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def good(self) -> bool:
        """Within the limit (which is still good), and not noticeably worse than before."""
        return self.value <= self.limit and not self.worse

    @property
    def worse(self) -> bool:
        """More than half as much again as the baseline, and by more than a fifth of the limit: less is the machine's own scatter."""
        if self.before is None:
            return False
        return (
            self.value > self.before * (1 + _WORSE_BY_PCT / 100)
            and self.value - self.before > self.limit * _NOTICED_SHARE_OF_LIMIT
        )

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        before = "" if self.before is None else f", baseline {self.metric.shown(self.before)}"
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
        """The sentence that a failure shows."""
        shown = self.metric.shown
        than_before = f", and it was {shown(self.before)} before" if self.before is not None else ""
        return (
            f"{self.page}, {self.visit} visit: {self.metric.words} {shown(self.value)}, "
            f"expected {shown(self.limit)} at most{than_before} (median of {', '.join(map(shown, self.values))})"
        )

    # pytest shows the repr of what an assertion gives as its message: the sentence, not the fields.
    __repr__ = __str__


@dataclass(frozen=True)
class PageLoads:
    """All loads of one page."""

    page: str
    loads: tuple[PageLoad, ...]

    def vital(self, metric: Metric, visit: Visit, *, limit: float, before: float | None = None) -> Vital:
        """Give the vital over all visits of that kind. Raises MeasurementFailed unless every one of them reported it."""
        loads = self._of(visit)
        values = [load.vitals[metric] for load in loads if metric in load.vitals]
        if len(values) < len(loads):
            raise MeasurementFailed(
                f"{self.page}, {visit} visit: {len(loads) - len(values)} of {len(loads)} loads reported no "
                f"{metric.words}: a page that says nothing is not fast"
            )
        return Vital(self.page, metric, visit, tuple(values), limit, before)

    @property
    def medians(self) -> dict[str, float]:
        """Each vital that every load of a kind of visit reported, by ``visit metric``: what makes it known in a baseline."""
        found: dict[str, float] = {}
        for visit in Visit:
            loads = [load for load in self.loads if load.visit is visit]
            for metric in Metric:
                values = [load.vitals[metric] for load in loads if metric in load.vitals]
                if values and len(values) == len(loads):
                    found[f"{visit} {metric}"] = median(values)
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
