"""What Render counted and measured of one service: memory, requests by status, and the 95th percentile of response times.

``GET /metrics/memory|http-requests|http-latency``. Nothing is taken on trust:

* Render names each step by one moment and does not say whether that is its start or its end. A step counts only when it lies behind us, and
  behind the window's start, in both readings.
* How finely it really tells is seen from the moments themselves, not from what was asked for.
* A status without a point is none such, or lost. So requests are asked for twice, by status and in all, and a step in which the two differ
  is unknown.
* Requests that the client gave up (499) may be either: users leave pages, and a service that hangs has nothing else.
* Percentiles of steps come with the number of requests of the same step, so that they can be weighed (``stats/series.py``).
* Memory is told for each instance; one that appears while others were known before is a process that began anew.
* Units are read, never assumed. MB and GB are taken as powers of 1024, the larger of both meanings.
"""

import math
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import cut
from pam_rollback.rollback.providers.render import RenderApi
from pam_rollback.stats.series import P95, Answers, Point, Quantity, Series, Times, from_evidence, gauge

_BYTES_PER_MB = 1e6
_KI = 1024.0
_BYTES = {"bytes": 1.0, "byte": 1.0, "b": 1.0}
_BYTES |= {f"{letter}{infix}b": _KI**power for power, letter in enumerate("kmgt", start=1) for infix in ("", "i")}
_MILLISECONDS = {"ms": 1.0, "milliseconds": 1.0, "s": 1000.0, "seconds": 1000.0}
_COUNTS = {"unitless": 1.0, "": 1.0, "requests": 1.0, "count": 1.0}
_P95 = "0.95"
_QUANTILES = ("0.5", "0.75", "0.9", _P95, "0.99")
"""The others tell where a slow step among fast ones would leave it open (``stats/series.py``)."""
_STATUS, _INSTANCE = "statusCode", "instance"
_GIVEN_UP = "499"
_ERRORS = re.compile(r"5\d\d")
_STATUSES = re.compile(r"[1-5]\d\d")
_ROUNDING = 0.5
_ROUNDING_SHARE = 0.001
"""Two answers about the same step may differ by so much: counts of a sampled counter are rounded."""
_SKEW_MAX_S = 2.0
"""HTTP dates have whole seconds. A clock that is off by more is translated."""
_MARGIN_STEPS, _MARGIN_S = 3, 150.0
"""So much from before the window is asked for: how far apart the moments are, and which processes were there already."""
_SHOWN_CHARACTERS = 120

ValuesByTime = Mapping[float, float]
"""Values by moment, in seconds since 1970."""


@dataclass(frozen=True)
class RenderSource:
    """One quantity of one service: a ``stats.series.Source``."""

    quantity: Quantity
    api: RenderApi

    def read(self, since_s: float, until_s: float) -> Series:
        """Everything that is over, from after ``since_s`` until ``until_s``."""
        self.api.check_service()
        ahead_s = _ahead_s(self.api.date)
        now = min(until_s, time.monotonic()) + ahead_s
        asked_s = float(self.api.settings.resolution_s)
        asked_from = since_s + ahead_s - max(_MARGIN_STEPS * asked_s, _MARGIN_S)
        found = self._ask(_Question(self.api, since=asked_from, until=now))
        step_s = _true_step_s(found.moments, asked_s)
        points = [
            _moved(point, -ahead_s)
            for point in found.points
            if point.at_s + step_s <= now and point.at_s - step_s >= since_s + ahead_s - 1e-6
        ]
        first, last = found.moments[0], found.moments[-1]
        return Series(
            self.quantity,
            f"Render, {self.api.settings.service_id}",
            step_s,
            tuple(points),
            restarts=tuple(sorted(min(told) - ahead_s for told in found.instances.values() if min(told) > first)),
            gone=tuple(sorted(name for name, told in found.instances.items() if max(told) < last - 2 * step_s)),
        )

    def _ask(self, question: "_Question") -> "_Found":
        if self.quantity is Quantity.MEMORY_MB:
            instances = question.memory()
            moments = _moments(instances.values())
            return _Found(moments, list(_memory_points(instances, moments)), instances)
        total = question.requests()
        if self.quantity is Quantity.ERROR_RATE_PCT:
            by_status = question.requests_by_status()
            moments = _moments([*by_status.values(), total])
            return _Found(moments, list(_answers(by_status, total, moments)))
        latency = {quantile: question.latency(quantile) for quantile in _QUANTILES}
        moments = _moments([latency[_P95], total])
        return _Found(moments, list(_percentiles(latency, total, moments)))


@dataclass(frozen=True)
class _Found:
    """Everything that was told, in order of time, and of memory by which instance."""

    moments: Sequence[float]
    points: Sequence[Point]
    instances: Mapping[str, ValuesByTime] = field(default_factory=dict)


def sources(api: RenderApi) -> dict[Quantity, RenderSource]:
    """Give a source for each quantity: Render knows them all."""
    return {quantity: RenderSource(quantity, api) for quantity in Quantity}


@dataclass(frozen=True)
class _Question:
    """What is asked of which time, in seconds since 1970."""

    api: RenderApi
    since: float
    until: float

    def memory(self) -> dict[str, ValuesByTime]:
        """MB by instance."""
        found: dict[str, ValuesByTime] = {}
        for labels, told in self._series("memory", _BYTES):
            name = labels.get(_INSTANCE, "")
            if name in found:
                raise self._nonsense("memory", f"two series of the instance {name!r}")
            found[name] = {moment: value / _BYTES_PER_MB for moment, value in told.items()}
        return found

    def requests(self) -> ValuesByTime:
        """All requests."""
        return self._only("http-requests", _COUNTS)

    def requests_by_status(self) -> dict[str, ValuesByTime]:
        """Requests by status. Statuses that are no statuses are refused: a guess could hide all errors."""
        found: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        for labels, told in self._series("http-requests", _COUNTS, ("aggregateBy", _STATUS)):
            status = labels.get(_STATUS, "")
            if not _STATUSES.fullmatch(status):
                raise self._nonsense("http-requests", f"no label {_STATUS!r} that is an HTTP status: {dict(labels)}")
            for moment, value in told.items():
                found[status][moment] += value
        return dict(found)

    def latency(self, quantile: str) -> ValuesByTime:
        """The percentiles of each step in ms."""
        return self._only("http-latency", _MILLISECONDS, ("quantile", quantile))

    def _only(self, metric: str, units: Mapping[str, float], *more: tuple[str, str]) -> ValuesByTime:
        found = self._series(metric, units, *more)
        if len(found) > 1:
            raise self._nonsense(
                metric, f"{len(found)} series where one was expected: {[dict(labels) for labels, _ in found][:2]}"
            )
        return found[0][1]

    def _series(
        self, metric: str, units: Mapping[str, float], *more: tuple[str, str]
    ) -> list[tuple[Mapping[str, str], ValuesByTime]]:
        settings = self.api.settings
        query = (
            ("resource", settings.service_id),
            ("startTime", _rfc3339(self.since)),
            ("endTime", _rfc3339(self.until)),
            ("resolutionSeconds", str(settings.resolution_s)),
            *more,
        )
        document = self.api.get(f"{metric} of {settings.service_id}", f"/metrics/{metric}", query)
        if not isinstance(document, list):
            raise self._nonsense(metric, document)
        found = [self._one(metric, item, units) for item in document]
        if not any(told for _, told in found):
            raise MeasurementFailed(
                f"Render knows no {metric} of {settings.service_id} between {_rfc3339(self.since)} and {_rfc3339(self.until)}: "
                "nothing is not zero. Is it the service that users reach? Its metrics may also be some minutes late"
            )
        return [(labels, told) for labels, told in found if told]

    def _one(self, metric: str, item: Any, units: Mapping[str, float]) -> tuple[Mapping[str, str], ValuesByTime]:
        if not isinstance(item, dict):
            raise self._nonsense(metric, item)
        labels, values, unit = item.get("labels"), item.get("values"), item.get("unit")
        if not isinstance(labels, list) or not isinstance(values, list) or not isinstance(unit, str):
            raise self._nonsense(metric, item)
        scale = units.get(unit.strip().lower())
        if scale is None:
            raise self._nonsense(metric, f"the unit {unit!r}, expected one of {', '.join(filter(None, units))}")
        told: dict[float, float] = {}
        for pair in values:
            moment, value = self._sample(metric, pair)
            if moment in told:
                raise self._nonsense(metric, f"the moment {pair['timestamp']} twice")
            told[moment] = value * scale
        return {label: text for label, text in map(self._label, labels) if label}, told

    def _label(self, label: Any) -> tuple[str, str]:
        match label:
            case {"field": str() as name, "value": str() | int() as value}:
                return name, str(value)
        return "", ""

    def _sample(self, metric: str, pair: Any) -> tuple[float, float]:
        """A moment with its time zone, and a value; null is not a number."""
        match pair:
            case {"timestamp": str() as text, "value": None | int() | float() as value} if not isinstance(value, bool):
                try:
                    moment = datetime.fromisoformat(text)
                except ValueError:
                    moment = datetime.min  # noqa: DTZ901 - refused below, as everything without a time zone
                number = math.nan if value is None else float(value)
                if moment.tzinfo is not None and not number < 0:
                    return moment.timestamp(), number
        raise self._nonsense(metric, pair)

    def _nonsense(self, metric: str, found: object) -> MeasurementFailed:
        shown = cut(str(found), _SHOWN_CHARACTERS)
        return MeasurementFailed(
            f"Render, {metric} of {self.api.settings.service_id}: its answer does not follow its API: {shown}; "
            "does something else answer in Render's place, or has the API changed?"
        )


def _moments(series: Iterable[ValuesByTime]) -> list[float]:
    return sorted({moment for told in series for moment in told})


def _memory_points(instances: Mapping[str, ValuesByTime], moments: Sequence[float]) -> Iterator[Point]:
    """Give what the instance that holds most held; unknown where one is missing between its first and its last point."""
    for moment in moments:
        present = [told for told in instances.values() if min(told) <= moment <= max(told)]
        values = [told.get(moment, math.nan) for told in present]
        # No process holds nothing: zero is somebody's way of saying that he does not know.
        yield gauge(moment, math.nan if any(not value > 0 for value in values) else max(values))


def _answers(by_status: Mapping[str, ValuesByTime], total: ValuesByTime, moments: Sequence[float]) -> Iterator[Point]:
    for moment in moments:
        counts = {status: told[moment] for status, told in by_status.items() if moment in told}
        n, all_of_them = sum(counts.values()), total.get(moment, math.nan)
        if not math.isfinite(n + all_of_them):
            yield Point(moment, None, why="the number of requests is missing or not a number")
        elif abs(all_of_them - n) > max(_ROUNDING, _ROUNDING_SHARE * all_of_them):
            yield Point(
                moment, None, why=f"{all_of_them:g} requests in all, and {n:g} when told by status: some are missing"
            )
        elif n == 0:
            yield Point(moment, None, why="no request came")
        else:
            bad = sum(count for status, count in counts.items() if _ERRORS.fullmatch(status))
            yield from_evidence(moment, Answers(n, bad, counts.get(_GIVEN_UP, 0.0)))


def _percentiles(latency: Mapping[str, ValuesByTime], total: ValuesByTime, moments: Sequence[float]) -> Iterator[Point]:
    for moment in moments:
        percentiles = {100 * float(quantile): latency[quantile].get(moment, math.nan) for quantile in _QUANTILES}
        n = total.get(moment, math.nan)
        if n == 0:
            yield Point(moment, None, why="no request came")
        elif not math.isfinite(percentiles[P95] + n):
            yield Point(moment, None, why="the percentile or the number of requests is missing or not a number")
        else:
            yield from_evidence(moment, Times.of_step(max(1, round(n)), percentiles))


def _true_step_s(moments: Sequence[float], asked_s: float) -> float:
    """How far apart the points really are; what was asked for when there are not enough of them to see."""
    return max(asked_s, min((later - earlier for earlier, later in pairwise(moments)), default=asked_s))


def _moved(point: Point, seconds: float) -> Point:
    return Point(point.at_s + seconds, point.value, point.why, point.evidence)


def _ahead_s(date: str) -> float:
    """How far Render's clock is ahead of this machine's monotonic one. Its dates are coarse, so a small difference is none."""
    here = time.time()
    try:
        skew_s = parsedate_to_datetime(date).timestamp() + _ROUNDING - here
    except ValueError:
        skew_s = 0.0
    return here - time.monotonic() + (skew_s if abs(skew_s) > _SKEW_MAX_S else 0.0)


def _rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
