"""How many requests the service had while it was watched, kept beside the timeline: an incident is looked for again under this load."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pam_rollback.adapters import prometheus, render_metrics
from pam_rollback.adapters.prometheus import PrometheusApi
from pam_rollback.adapters.render_api import RenderApi
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.memory import MemoryReading
from pam_rollback.core.request_rate import SPAN_S, busiest_hz
from pam_rollback.core.run_files import TIMELINE_FILE
from pam_rollback.core.series import Answers, Quantity, Series
from pam_rollback.observation.journeys import PAGES
from pam_rollback.observation.timeline import Timeline

FILE = "requests.json"


@dataclass(frozen=True)
class RequestsSeen:
    """The most requests a second that the back end answered, and who counted them."""

    rate_hz: float
    counted_by: str


def seen(
    environment: Environment, readings: tuple[MemoryReading, ...], *, since_s: float, until_s: float
) -> RequestsSeen:
    """By the first that tells: Prometheus, the product's own page, Render. Raises MeasurementFailed, with all reasons, where none does."""
    ways: Mapping[str, Callable[[], RequestsSeen]] = {
        "prometheus": lambda: _by_prometheus(environment, since_s, until_s),
        "metrics": lambda: _by_the_product(environment, readings),
        "render_metrics": lambda: _by_render(environment, since_s, until_s),
    }
    problems = []
    for ability, way in ways.items():
        if ability in environment.abilities:
            try:
                return way()
            except MeasurementFailed as problem:
                problems.append(str(problem))
    raise MeasurementFailed("; ".join(problems) or f"{environment.name} declares none of {', '.join(ways)}")


def _by_prometheus(environment: Environment, since_s: float, until_s: float) -> RequestsSeen:
    settings = environment.prometheus
    if settings is None or not settings.requests:
        raise MeasurementFailed("[prometheus] names no counter of requests")
    token = environment.secret("prometheus_token") if environment.has_secret("prometheus_token") else ""
    api = PrometheusApi(settings.url, token=token, deadline_s=environment.probing.request_deadline_s)
    series = prometheus.sources(api, settings)[Quantity.ERROR_RATE_PCT].read(since_s, until_s)
    return RequestsSeen(_busiest_step_hz(series), f"Prometheus at {settings.url}")


def _by_the_product(environment: Environment, readings: tuple[MemoryReading, ...]) -> RequestsSeen:
    rate_hz = busiest_hz(readings)
    if rate_hz is None:
        raise MeasurementFailed(
            f"{environment.url_of('metrics')} counted no requests of one process over {SPAN_S:g} s or more"
        )
    return RequestsSeen(rate_hz, "the product's own metrics")


def _by_render(environment: Environment, since_s: float, until_s: float) -> RequestsSeen:
    settings = environment.render
    if settings is None:
        raise MeasurementFailed("[render] is missing")
    key = environment.secret("render_api_key")
    api = RenderApi(settings, key, deadline_s=environment.probing.request_deadline_s)
    series = render_metrics.sources(api)[Quantity.ERROR_RATE_PCT].read(since_s, until_s)
    return RequestsSeen(_busiest_step_hz(series), f"Render, {settings.service_id}")


def _busiest_step_hz(series: Series) -> float:
    counts = [point.evidence.n for point in series.points if isinstance(point.evidence, Answers)]
    if not counts:
        why = next((point.why for point in series.points if point.why), f"no {series.step_s:g} s are told")
        raise MeasurementFailed(f"{series.where}: {why}")
    return max(counts) / series.step_s


def keep(found: RequestsSeen | MeasurementFailed, file: Path) -> None:
    """Write it, or why it is not known."""
    told: dict[str, Any] = (
        {"requests_per_s": None, "why_unknown": str(found)}
        if isinstance(found, MeasurementFailed)
        else {"requests_per_s": round(found.rate_hz, 3), "counted_by": found.counted_by}
    )
    file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def kept(file: Path) -> RequestsSeen | None:
    """What was written; None where it was not known, or the file is no such file."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        rate_hz, counted_by = told["requests_per_s"], told["counted_by"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, int | float) or not math.isfinite(rate_hz) or rate_hz <= 0:
        return None
    return RequestsSeen(float(rate_hz), str(counted_by))


def counted_in(folder: Path) -> RequestsSeen | None:
    """The most requests a second that were counted in a run, whoever asked; None where nobody counted."""
    return _most(kept(file) for file in sorted(folder.glob(f"*/{FILE}")))


def probed_in(folder: Path) -> RequestsSeen | None:
    """The most requests a second that a run's own observation sent to the back end; None where nothing was observed."""
    return _most(_probed(Timeline(path)) for path in sorted(folder.glob(f"*/{TIMELINE_FILE}")))


def _most(known: Iterable[RequestsSeen | None]) -> RequestsSeen | None:
    return max(filter(None, known), key=lambda found: found.rate_hz, default=None)


def _probed(timeline: Timeline) -> RequestsSeen | None:
    try:
        asked = [name for name in timeline.header.journeys if name not in PAGES]
        return RequestsSeen(timeline.rate_hz(*asked), "its own probes") if asked else None
    except MeasurementFailed:
        return None
