"""The prober's record, read while it grows or long after."""

import math
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.child import Record
from pam_rollback.probe.samples import Sample


@dataclass(frozen=True)
class Anchor:
    """One moment on both clocks: ties monotonic seconds to the time of day."""

    monotonic_s: float
    wall_s: float

    def wall(self, monotonic_s: float) -> datetime:
        """Give the time of day in UTC at a monotonic moment of the same machine and boot."""
        return datetime.fromtimestamp(self.wall_s + monotonic_s - self.monotonic_s, UTC)


@dataclass(frozen=True)
class Header:
    """The first line: what the prober was asked to do."""

    anchor: Anchor
    rate_hz: float
    first_due_s: float
    timeout_s: float
    journeys: dict[str, int]
    """Weights by name."""


class Timeline(Record):
    """Samples of one prober."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._header: Header | None = None
        self._samples: list[Sample] = []
        self._recorded_ahead: set[int] = set()
        self._next_tick = 0
        self._end = ""

    @property
    def header(self) -> Header:
        """What the prober was asked to do. Raises MeasurementFailed while it has not written it."""
        self._refresh()
        if self._header is None:
            raise MeasurementFailed(f"{self.path}: the prober has not begun yet")
        return self._header

    @property
    def anchor(self) -> Anchor:
        """The moment that ties this record to the time of day."""
        return self.header.anchor

    @property
    def end(self) -> str:
        """Why the prober ended; empty while it runs or when it was killed."""
        self._refresh()
        return self._end

    @property
    def settled_s(self) -> float:
        """Every probe due before this moment has been recorded; the answers to later ones may still be out."""
        header = self.header
        return header.first_due_s + self._next_tick / header.rate_hz

    def rate_hz(self, *journeys: str) -> float:
        """How many probes a second belong to these journeys (all when none is named).

        MeasurementFailed for one it does not know.
        """
        header = self.header
        if unknown := set(journeys) - set(header.journeys):
            raise MeasurementFailed(f"{self.path}: no journeys {sorted(unknown)}, it has {sorted(header.journeys)}")
        chosen = sum(header.journeys[name] for name in journeys or header.journeys)
        return header.rate_hz * chosen / sum(header.journeys.values())

    def samples(self, since_s: float | None = None, until_s: float | None = None, *journeys: str) -> tuple[Sample, ...]:
        """Give the samples due from ``since_s`` on and before ``until_s``, in order of due time.

        Of these journeys only; of all when none is named.
        """
        self._refresh()
        since_s = -math.inf if since_s is None else since_s
        until_s = math.inf if until_s is None else until_s
        chosen = [
            sample
            for sample in self._samples
            if since_s <= sample.due_s < until_s and (not journeys or sample.journey in journeys)
        ]
        return tuple(sorted(chosen, key=lambda sample: sample.due_s))

    def _take(self, record: dict[str, Any]) -> None:
        if "anchor" in record:
            self._header = _header(record)
        elif "end" in record:
            self._end = str(record["end"]["reason"])
        else:
            self._samples.append(_sample(record))
            self._recorded_ahead.add(_whole(record["tick"]))
            while self._next_tick in self._recorded_ahead:
                self._recorded_ahead.remove(self._next_tick)
                self._next_tick += 1


def _header(record: dict[str, Any]) -> Header:
    """The first line. Raises ValueError and others for one that no prober wrote: later arithmetic relies upon it."""
    anchor = Anchor(_number(record["anchor"]["monotonic_s"]), _number(record["anchor"]["wall_s"]))
    header = Header(
        anchor=anchor,
        rate_hz=_number(record["rate_hz"]),
        first_due_s=_number(record["first_due_s"]),
        timeout_s=_number(record["timeout_s"]),
        journeys={str(name): _whole(weight) for name, weight in dict(record["journeys"]).items()},
    )
    anchor.wall(header.first_due_s)
    if header.rate_hz <= 0 or min(header.journeys.values()) < 0 or not sum(header.journeys.values()):
        raise ValueError("expected a rate and a weight above 0")
    return header


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a number, found {str(value)[:40]!r}")
    return float(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, found {str(value)[:40]!r}")  # noqa: TRY004 - it is what a file says
    return value


def _sample(record: dict[str, Any]) -> Sample:
    due_s, sent_s, latency_ms = _number(record["due_s"]), record["sent_s"], record["latency_ms"]
    return Sample(
        due_s=due_s,
        latency_ms=math.nan if latency_ms is None else _number(latency_ms),
        # Each of these few strings stands in very many lines; hours of samples keep one of each.
        journey=sys.intern(record["journey"]),
        ok=record["ok"] is True,
        why=sys.intern(record["why"]),
        status=None if record["status"] is None else _whole(record["status"]),
        release=None if record["release"] is None else sys.intern(record["release"]),
        commit=sys.intern(str(record.get("commit", ""))),
        lag_ms=None if sent_s is None else (_number(sent_s) - due_s) * 1000,
        void=sys.intern(str(record.get("void", ""))),
        foreign=record.get("foreign") is True,
    )
