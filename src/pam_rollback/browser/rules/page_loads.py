"""How a page loads: what its users see of it (Core Web Vitals), and how much has to travel for it.

Source of the vitals' limits: the "good" limits of Core Web Vitals (web.dev/articles/vitals): LCP 2.5 s, CLS 0.1, INP 200 ms, there at the
75th percentile of real users. Here it is a laboratory: the median of several loads on this machine, told apart by *first* visits (nothing
cached, new connections) and *return* visits (files of the first one are there). A laboratory figure is compared with another one of the
same machine; it says nothing about a user's phone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures

LOADS_MIN = 5
"""Of fewer, two unlucky ones would be the median."""
_WORSE_BY_PCT = 50
_NOTICED_SHARE_OF_LIMIT = 0.2
_MB = 1e6


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
class Transfer:
    """One request of a load: its kind as the browser names it, and the bytes of headers and body that came over the wire."""

    kind: str
    bytes: int


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

    def weight(self) -> "PageWeight":
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


@dataclass(frozen=True)
class PageWeight:
    """What one load fetched. ``n`` loads were made; this is the one in the middle."""

    page: str
    bytes: int
    requests: int
    bytes_by_kind: dict[str, int]
    requests_by_kind: dict[str, int]
    n: int = 1

    @classmethod
    def of(cls, page: str, transfers: Sequence[Transfer], n: int) -> "PageWeight":
        """Add the transfers up."""
        sizes: Counter[str] = Counter()
        for transfer in transfers:
            sizes[transfer.kind] += transfer.bytes
        return cls(
            page=page,
            bytes=sum(transfer.bytes for transfer in transfers),
            requests=len(transfers),
            bytes_by_kind=dict(sizes.most_common()),
            requests_by_kind=dict(Counter(transfer.kind for transfer in transfers).most_common()),
            n=n,
        )

    def megabytes(self, limit_mb: float, known: "PageWeight | None", *, increase_pct_max: float) -> "Amount":
        """The bytes, to be judged."""
        return Amount(
            what=f"{self.page}: weight",
            value=self.bytes / _MB,
            unit="MB",
            limit=limit_mb,
            before=None if known is None else known.bytes / _MB,
            increase_pct_max=increase_pct_max,
            largest=_listed({kind: f"{size / 1000:.0f} kB" for kind, size in self.bytes_by_kind.items()}),
            n=self.n,
        )

    def count(self, limit: float, known: "PageWeight | None", *, increase_pct_max: float) -> "Amount":
        """The requests, to be judged."""
        return Amount(
            what=f"{self.page}: requests",
            value=self.requests,
            unit="",
            limit=limit,
            before=None if known is None else known.requests,
            increase_pct_max=increase_pct_max,
            largest=_listed({kind: str(number) for kind, number in self.requests_by_kind.items()}),
            n=self.n,
        )


@dataclass(frozen=True, repr=False)
class Amount:
    """How much a first visit fetches, against a budget and, where there is one, against the baseline."""

    what: str
    value: float
    unit: str
    limit: float
    before: float | None
    increase_pct_max: float
    largest: str
    n: int

    @property
    def allowed(self) -> float:
        """The budget, or the baseline with its increase, whichever is less."""
        if self.before is None:
            return self.limit
        return min(self.limit, self.before * (1 + self.increase_pct_max / 100))

    @property
    def good(self) -> bool:
        """No more than is allowed."""
        return self.value <= self.allowed

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what=self.what,
            asked=f"<= {self.allowed:.4g} {self.unit}".rstrip(),
            measured=round(self.value, 4),
            unit=self.unit,
            n=self.n,
            margin=round(self.allowed - self.value, 4),
            definition=f"first visit, {self._compared}: {self.largest}",
        )

    @property
    def _compared(self) -> str:
        if self.before is None:
            return f"budget {self.limit:g}, no baseline"
        return f"budget {self.limit:g}, baseline {self.before:.4g} and at most {self.increase_pct_max:g} % more"

    def __str__(self) -> str:
        """The sentence that a failure shows."""
        unit = f" {self.unit}".rstrip()
        return f"{self.what} {self.value:.4g}{unit}, expected {self.allowed:.4g}{unit} at most ({self._compared}; {self.largest})"

    # pytest shows the repr of what an assertion gives as its message: the sentence, not the fields.
    __repr__ = __str__


def _listed(parts: dict[str, str], shown: int = 4) -> str:
    return ", ".join(f"{kind} {amount}" for kind, amount in list(parts.items())[:shown])
