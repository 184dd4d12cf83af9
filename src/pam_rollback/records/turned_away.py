"""How many requests were turned away, by what recorded the product's servers: what others were told while a host refuses us everything."""

import re

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.records import prometheus
from pam_rollback.rollback.kept_host_records import host_records
from pam_rollback.stats.series import Quantity, Series

_TURNED_AWAY = "403|429|5[0-9][0-9]"
_ANY_STATUS = "[1-5][0-9][0-9]"


def by_prometheus(environment: Environment, since_s: float, until_s: float) -> Series:
    """Raises MeasurementFailed where it counts no requests."""
    settings = environment.prometheus
    if settings is None or not settings.requests:
        raise MeasurementFailed("[prometheus] names no counter of requests")
    token = environment.secret("prometheus_token") if environment.has_secret("prometheus_token") else ""
    api = prometheus.PrometheusApi(settings.url, token=token, deadline_s=environment.probing.request_deadline_s)
    by_status = settings.model_copy(update={"status_errors": _TURNED_AWAY, "status_fine": _ANY_STATUS})
    return prometheus.sources(api, by_status)[Quantity.ERROR_RATE_PCT].read(since_s, until_s)


def by_the_host(environment: Environment, since_s: float, until_s: float) -> Series:
    """Raises MeasurementFailed where the host of the back end keeps no records."""
    records = host_records(environment, errors=re.compile(_TURNED_AWAY))
    return records.sources[Quantity.ERROR_RATE_PCT].read(since_s, until_s)
