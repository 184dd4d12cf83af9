"""Prometheus, through its HTTP API (``/api/v1/query`` and ``/query_range``): error rate, response times and memory over time.

Counters and buckets are fetched as they were scraped (a range selector in an instant query) and counted here, by ``stats/counters.py``:
``rate()`` extrapolates, bridges holes, and misses the first error of all. An expression of the environment's own is evaluated by
``query_range``, with the step as look-back, so that a value that nobody scrapes any more does not live on for five minutes.

Moments are Prometheus' own; its clock is asked at each reading, and moments are translated to this machine's monotonic clock, uncertain by
half of the time that the answer took.
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import cut
from pam_rollback.http.client import fetch
from pam_rollback.stats.counters import RawSeries, StatusRule, count, error_rate_points, gauge_points, p95_points
from pam_rollback.stats.series import Point, Quantity, Series, gauge
from pam_rollback.target.environment import Environment
from pam_rollback.target.service_settings import Prometheus

MAX_BODY_BYTES = 16 << 20
"""A quarter of an hour of a hundred series, scraped each second, is a fifth of this."""
_SHOWN_CHARACTERS = 120
_BYTES_PER_MB = 1e6
_REMARK = "PromQL info"
"""How versions before 3 mark remarks on a query among the warnings."""
_ADVICE = {
    "bad_data": "correct the query in [prometheus]",
    "execution": "name fewer series in [prometheus], or look at Prometheus' own log",
    "timeout": "name fewer series in [prometheus]",
    "unavailable": "Prometheus is not ready: it is starting, or in trouble itself",
}


class PrometheusApi:
    """One Prometheus. Every method raises MeasurementFailed, with what was expected, what was found and what to do."""

    def __init__(self, url: str, *, token: str = "", deadline_s: float = 5.0) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._deadline_s = deadline_s

    def ahead_s(self) -> float:
        """How far its clock (seconds since 1970) is ahead of this machine's monotonic clock."""
        began_s = time.monotonic()
        data = self._data("query", {"query": "time()"}, "scalar")
        middle_s = (began_s + time.monotonic()) / 2
        return self._sample(data["result"], "time()")[1] - middle_s

    def scraped(self, selector: str, *, since_s: float, until_s: float) -> list[RawSeries]:
        """Give the samples of these series as they were scraped, by Prometheus' clock. At least one series, or MeasurementFailed."""
        found = self.known(selector, since_s=since_s, until_s=until_s)
        if not found:
            raise MeasurementFailed(
                f"Prometheus at {self.url} knows no series {selector} of the last {until_s - since_s:.0f} s: is the name in [prometheus] "
                "right, and is the product scraped? Nothing is not zero"
            )
        return found

    def known(self, selector: str, *, since_s: float, until_s: float) -> list[RawSeries]:
        """The same, for who asks whether there are any."""
        length_ms = max(1, math.ceil((until_s - since_s) * 1000))
        query = f"{selector}[{length_ms}ms]"
        return self._matrix("query", {"query": query, "time": f"{until_s:.3f}"}, query)

    def told(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """What it says of itself below ``/api/v1``: its rules, its Alertmanagers."""
        answer = self._fetched(path, parameters or {})
        body = self._body(answer, path)
        if "data" not in body:
            raise self.nonsense(path, body)
        return body["data"]

    def evaluated(self, query: str, *, start_s: float, end_s: float, step_s: float) -> RawSeries:
        """Evaluate an expression at each step; it has to have one result."""
        parameters = {
            "query": query,
            "start": f"{start_s:.3f}",
            "end": f"{end_s:.3f}",
            "step": f"{step_s:g}",
            "lookback_delta": f"{step_s:g}",
        }
        found = self._matrix("query_range", parameters, query)
        if not found:
            raise MeasurementFailed(
                f"Prometheus at {self.url} has no result for {query}: expected one series. A counter of errors that was never moved is "
                "missing, not 0; write (errors or vector(0)) / all, and see that the names are right"
            )
        if len(found) > 1:
            some = "; ".join(json.dumps(dict(series.labels)) for series in found[:2])
            raise MeasurementFailed(
                f"Prometheus at {self.url} has {len(found)} results for {query}: expected one, add them up in the query; found {some}"
            )
        return found[0]

    def _matrix(self, path: str, parameters: Mapping[str, str], query: str) -> list[RawSeries]:
        data = self._data(path, parameters, "matrix")
        if not isinstance(data["result"], list):
            raise self.nonsense(query, data)
        return [self._series(item, query) for item in data["result"]]

    def _series(self, item: Any, query: str) -> RawSeries:
        labels = item.get("metric") if isinstance(item, dict) else None
        if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
            raise self.nonsense(query, item)
        if "histograms" in item:
            raise MeasurementFailed(
                f"Prometheus at {self.url}: {query} is a native histogram, expected counters or the classic _bucket series"
            )
        if not isinstance(item.get("values"), list):
            raise self.nonsense(query, item)
        samples = tuple(self._sample(pair, query) for pair in item["values"])
        if any(later[0] <= earlier[0] for earlier, later in pairwise(samples)):
            raise self.nonsense(query, item)
        return RawSeries(labels, samples)

    def _sample(self, pair: Any, query: str) -> tuple[float, float]:
        """A moment and a value; values are texts, also "NaN" and "+Inf"."""
        match pair:
            case [int() | float() as at_s, str() as text] if math.isfinite(at_s):
                try:
                    return float(at_s), float(text)
                except ValueError:
                    pass
        raise self.nonsense(query, pair)

    def _data(self, path: str, parameters: Mapping[str, str], kind: str) -> dict[str, Any]:
        query = parameters["query"]
        body = self._body(self._fetched(path, parameters), query)
        data = body.get("data")
        if not isinstance(data, dict) or "result" not in data:
            raise self.nonsense(query, body)
        if data.get("resultType") != kind:
            raise MeasurementFailed(
                f"Prometheus at {self.url}: {query} gives a {data.get('resultType')}, expected a {kind}: correct the query in [prometheus]"
            )
        return data

    def _fetched(self, path: str, parameters: Mapping[str, str]) -> Answer:
        return fetch(
            f"{self.url}/api/v1/{path}?{urlencode(parameters)}",
            headers=self._headers,
            deadline_s=self._deadline_s,
            max_body_bytes=MAX_BODY_BYTES,
        )

    def _body(self, answer: Answer, query: str) -> dict[str, Any]:
        place = f"Prometheus at {self.url}, asked for {query}"
        if answer.problem:
            raise MeasurementFailed(
                f"{place}: {answer.problem}; is [prometheus] url right, and can this machine reach it?"
            )
        if answer.http_status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            told, way_out = (
                ("the token of [secrets] prometheus_token_env is not accepted", "export another one")
                if self._headers
                else ("it asks who we are", "name the token's variable in [secrets] prometheus_token_env")
            )
            raise MeasurementFailed(f"{place}: HTTP {answer.http_status}: {told}; {way_out}")
        body = answer.json
        if not isinstance(body, dict) or body.get("status") not in {"success", "error"}:
            found = f"HTTP {answer.http_status} {answer.content_type or 'without content type'} {answer.text!r}"
            raise MeasurementFailed(
                f"{place}: expected the JSON of its API, found {found}; [prometheus] url is the base address, without /api/v1"
            )
        if body["status"] == "error":
            kind, what = body.get("errorType", "no errorType"), body.get("error", "no error")
            advice = _ADVICE.get(str(kind), "look at Prometheus' own log")
            raise MeasurementFailed(f"{place}: HTTP {answer.http_status}, {kind}: {what}; {advice}")
        if answer.http_status != HTTPStatus.OK:
            raise self.nonsense(query, f"HTTP {answer.http_status} with status success")
        warnings = body.get("warnings") or []
        serious = [str(warning) for warning in warnings if not str(warning).startswith(_REMARK)]
        if serious:
            raise MeasurementFailed(
                f"{place}: it warns that its answer may not be whole: {'; '.join(serious)}; a part is not the whole"
            )
        return body

    def nonsense(self, query: str, found: object) -> MeasurementFailed:
        """What to say of an answer that is not what its API promises."""
        shown = cut(str(found), _SHOWN_CHARACTERS)
        return MeasurementFailed(
            f"Prometheus at {self.url}, asked for {query}: its answer does not follow its API: {shown}; "
            "is something else answering in its place?"
        )


def series_named(environment: Environment) -> Prometheus:
    """What the environment names. Raises MeasurementFailed where it names nothing."""
    if environment.prometheus is None:
        raise MeasurementFailed(
            f"{environment.name} names no series: expected a table [prometheus] in its file, found none; write one, see "
            "docs/reference/environment.md#prometheus"
        )
    return environment.prometheus


def prometheus_of(environment: Environment) -> PrometheusApi:
    """The environment's Prometheus. Raises MeasurementFailed where it names none."""
    token = environment.secret("prometheus_token") if environment.has_secret("prometheus_token") else ""
    url = series_named(environment).url
    return PrometheusApi(url, token=token, deadline_s=environment.probing.request_deadline_s)


@dataclass(frozen=True)
class PrometheusSource:
    """One quantity from Prometheus: a ``stats.series.Source``."""

    quantity: Quantity
    api: PrometheusApi
    settings: Prometheus

    def read(self, since_s: float, until_s: float) -> Series:
        """Everything from ``since_s`` until ``until_s``, in steps; the last step is left out until it is over."""
        ahead_s = self.api.ahead_s()
        until_s = min(until_s, time.monotonic())
        settings, where = self.settings, f"Prometheus at {self.api.url}"
        step_s = settings.step_s
        if self.quantity is Quantity.ERROR_RATE_PCT and not settings.requests:
            return Series(self.quantity, where, step_s, tuple(self._evaluated(since_s, until_s, ahead_s)))
        # Before the first step there have to be scrapes that it can be held against.
        first_s, last_s = since_s - settings.gap_max_s + ahead_s, until_s + ahead_s
        raw, starts = (
            _shifted(self.api.scraped(selector, since_s=first_s, until_s=last_s), -ahead_s) if selector else []
            for selector in (selectors(settings)[self.quantity], settings.process_start)
        )
        counted = count(raw, start_s=since_s, end_s=until_s, step_s=step_s, started=starts)
        restarts = counted.restarts
        if self.quantity is Quantity.MEMORY_MB:
            points = tuple(gauge_points(raw, start_s=since_s, end_s=until_s, step_s=step_s, scale=1 / _BYTES_PER_MB))
            # Memory falls without a restart too: only the moments of the start tell one.
            restarts = tuple(_new_starts(starts, since_s))
        elif self.quantity is Quantity.LATENCY_P95_MS:
            points = tuple(p95_points(counted.steps))
        else:
            rule = StatusRule(settings.status_label, errors=settings.status_errors, fine=settings.status_fine)
            points = tuple(error_rate_points(counted.steps, rule))
        return Series(self.quantity, where, step_s, points, restarts, counted.gone)

    def _evaluated(self, since_s: float, until_s: float, ahead_s: float) -> list[Point]:
        step_s = self.settings.step_s
        number = math.floor((until_s - since_s) / step_s)
        if number < 1:
            return []
        found = self.api.evaluated(
            self.settings.error_rate_pct,
            start_s=since_s + step_s + ahead_s,
            end_s=since_s + number * step_s + ahead_s,
            step_s=step_s,
        )
        values = {round((at_s - ahead_s - since_s) / step_s): value for at_s, value in found.samples}
        return [
            gauge(since_s + index * step_s, values[index])
            if index in values
            else Point(since_s + index * step_s, None, why="no value at this moment")
            for index in range(1, number + 1)
        ]


def sources(api: PrometheusApi, settings: Prometheus) -> dict[Quantity, PrometheusSource]:
    """Give a source for each quantity that the environment declares."""
    return {
        quantity: PrometheusSource(quantity, api, settings)
        for quantity, declared in selectors(settings).items()
        if declared
    }


def selectors(settings: Prometheus) -> dict[Quantity, str]:
    """Give what stands for each quantity; empty where nothing does."""
    return {
        Quantity.ERROR_RATE_PCT: settings.requests or settings.error_rate_pct,
        Quantity.LATENCY_P95_MS: settings.latency_buckets,
        Quantity.MEMORY_MB: settings.memory_bytes,
    }


def _new_starts(starts: Sequence[RawSeries], since_s: float) -> list[float]:
    return sorted(
        at_s
        for series in starts
        for (_, before), (at_s, value) in pairwise(series.samples)
        if abs(value - before) > 1 and at_s > since_s
    )


def _shifted(raw: Sequence[RawSeries], seconds: float) -> list[RawSeries]:
    return [
        RawSeries(series.labels, tuple((at_s + seconds, value) for at_s, value in series.samples)) for series in raw
    ]
