"""How much a page fetches: bytes and requests of a first visit, against a budget and what they were before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.environment.known_before import NOTHING_TOLD, Finding, JudgedFindings

_MB = 1e6


@dataclass(frozen=True)
class Transfer:
    """One request of a load: its kind as the browser names it, and the bytes of headers and body that came over the wire."""

    kind: str
    bytes: int


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

    def megabytes(self, limit_mb: float, known: "PageWeight | None", *, item: str, increase_pct_max: float) -> "Amount":
        """The bytes, to be judged."""
        return Amount(
            item=item,
            what=f"{self.page}: weight",
            value=self.bytes / _MB,
            unit="MB",
            limit=limit_mb,
            before=None if known is None else known.bytes / _MB,
            increase_pct_max=increase_pct_max,
            largest=_listed({kind: f"{size / 1000:.0f} kB" for kind, size in self.bytes_by_kind.items()}),
            n=self.n,
        )

    def count(self, limit: float, known: "PageWeight | None", *, item: str, increase_pct_max: float) -> "Amount":
        """The requests, to be judged."""
        return Amount(
            item=item,
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
class Amount(Sentence):
    """How much a first visit fetches, against a budget and, where there is one, against the baseline."""

    item: str
    what: str
    value: float
    unit: str
    limit: float
    before: float | None
    increase_pct_max: float
    largest: str
    n: int
    told: JudgedFindings = NOTHING_TOLD
    """What of it is known, and why the rest counts."""

    @property
    def allowed(self) -> float:
        """The budget, or the baseline with its increase, whichever is less."""
        return self.limit if self._than_before is None else min(self.limit, self._than_before)

    @property
    def good(self) -> bool:
        """No more than is allowed, or above the budget as before and known."""
        return all(self.told.knows(finding.text) for finding in self.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong. No baseline has that it is more than before: that always counts."""
        if self._than_before is not None and self.value > self._than_before:
            return (Finding(self.item, self.what, "more than before"),)
        return self.to_record

    @property
    def to_record(self) -> tuple[Finding, ...]:
        """As a baseline's own: that it is above the budget."""
        return (Finding(self.item, self.what, "above its budget"),) if self.value > self.limit else ()

    def without(self, told: JudgedFindings) -> Self:
        """Judged without what was so before."""
        return replace(self, told=told)

    @property
    def _than_before(self) -> float | None:
        """What the baseline allows; None without one."""
        return None if self.before is None else self.before * (1 + self.increase_pct_max / 100)

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
        unit = f" {self.unit}".rstrip()
        found = f"{self.what} {self.value:.4g}{unit}, expected {self.allowed:.4g}{unit} at most ({self._compared}; {self.largest})"
        return self.told.after(found) + self.told.advice


def _listed(parts: dict[str, str], shown: int = 4) -> str:
    return ", ".join(f"{kind} {amount}" for kind, amount in list(parts.items())[:shown])
