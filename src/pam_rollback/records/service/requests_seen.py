"""How many requests the service had while it was watched, by whoever counts them."""

from collections.abc import Callable, Mapping

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.observation.service.requests_record import RequestsSeen
from pam_rollback.records.client import prometheus
from pam_rollback.records.client.prometheus import PrometheusApi
from pam_rollback.records.rules.memory import MemoryReading
from pam_rollback.records.rules.request_rate import SPAN_S, busiest_hz
from pam_rollback.rollback.service import host_records
from pam_rollback.stats.series import Answers, Quantity, Series


def seen(
    environment: Environment, readings: tuple[MemoryReading, ...], *, since_s: float, until_s: float
) -> RequestsSeen:
    """By the first that tells: Prometheus, the product's page, its host. Raises MeasurementFailed, with all reasons, where none does."""
    ways: Mapping[str, Callable[[], RequestsSeen]] = {
        "prometheus": lambda: _by_prometheus(environment, since_s, until_s),
        "metrics": lambda: _by_the_product(environment, readings),
        host_records.ABILITY: lambda: _by_the_host(environment, since_s, until_s),
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


def _by_the_host(environment: Environment, since_s: float, until_s: float) -> RequestsSeen:
    records = host_records.host_records(environment)
    series = records.sources[Quantity.ERROR_RATE_PCT].read(since_s, until_s)
    return RequestsSeen(_busiest_step_hz(series), records.where)


def _busiest_step_hz(series: Series) -> float:
    counts = [point.evidence.n for point in series.points if isinstance(point.evidence, Answers)]
    if not counts:
        why = next((point.why for point in series.points if point.why), f"no {series.step_s:g} s are told")
        raise MeasurementFailed(f"{series.where}: {why}")
    return max(counts) / series.step_s
