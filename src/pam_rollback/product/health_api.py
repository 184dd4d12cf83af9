"""PAM's health, asked of every endpoint at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from pam_rollback.outside.http import all_at_once, fetch
from pam_rollback.outside.retries import once_more
from pam_rollback.product.contract import Component
from pam_rollback.product.health import HealthReport


@dataclass(frozen=True)
class HealthEndpoint:
    """Where the health of a component is asked."""

    component: Component
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_health(endpoints: Iterable[HealthEndpoint], *, deadline_s: float) -> dict[str, HealthReport]:
    """Ask every endpoint at the same time; gives a report for each by its component's title, whatever it answered."""

    def ask(endpoint: HealthEndpoint) -> HealthReport:
        asked, method = endpoint.url, endpoint.component.method
        answer = once_more(lambda: fetch(asked, method=method, headers=endpoint.headers, deadline_s=deadline_s))
        return HealthReport.of(endpoint.component, answer, now=datetime.now(UTC))

    return all_at_once({endpoint.component.title: partial(ask, endpoint) for endpoint in endpoints})
