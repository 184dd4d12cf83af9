"""What all who walk a journey have in common: how long a step may take, and the fact that comes of stopping."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pam_rollback.core.environment import Environment
from pam_rollback.core.journeys import Stopped, Unreachable
from pam_rollback.core.never_found import NotAsDescribed
from pam_rollback.plugin.blocked import refuse_when_blocked
from pam_rollback.plugin.fixtures.health import refuse_when_offline

if TYPE_CHECKING:
    # Playwright costs 0.2 s to load, and a session of health checks opens no browser.
    from pam_rollback.adapters.pam_site import PamSite

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
_REQUESTS_IN_A_ROW = 2

NewContext = Callable[..., Any]
"""Opens a window of its own in this test's browser."""


def tab(context: Any, environment: Environment) -> "PamSite":
    """A new tab of the site."""
    from pam_rollback.adapters.pam_site import PamSite  # noqa: PLC0415 - loads Playwright

    return PamSite(
        context.new_page(),
        environment.urls.frontend,
        environment.pages,
        environment.contract.elements,
        within_s=step_within_s(environment),
        intent=environment.chat_intent,
        hosts=hosts_of(environment),
    )


def hosts_of(environment: Environment) -> frozenset[str]:
    """The names of the product's hosts: what others do is not its doing."""
    return frozenset(urlsplit(address).hostname or "" for address in environment.addresses())


def step_within_s(environment: Environment) -> float:
    """How long one step of a journey may take: what a person waits for is several requests, one after the other."""
    return _REQUESTS_IN_A_ROW * environment.probing.request_deadline_s


def walked(environment: Environment, browser: str, journey: str, steps: Callable[[], None]) -> dict[str, Any]:
    """Walk the steps until they end or stop; gives what every fact of a journey has. Raises MeasurementFailed when we are offline.

    Or blocked: then it is not the site that keeps the journey from its end. Or where a page is not as the contract describes it.
    """
    start_s = time.monotonic()
    problem = ""
    try:
        steps()
    except (Stopped, NotAsDescribed) as stop:
        if isinstance(stop, Unreachable):
            refuse_when_offline(environment, "the site cannot be reached")
        refuse_when_blocked(environment, f"{journey} in {browser} is not known ({stop})")
        if isinstance(stop, NotAsDescribed):
            raise
        problem = str(stop)
    return {"journey": journey, "browser": browser, "problem": problem, "took_s": time.monotonic() - start_s}
