"""Who answers for a site and comes from outside: asked for by name before a session is about anything."""

from typing import TYPE_CHECKING, Any, Protocol

import pluggy

from pam_rollback.base.configuration import ConfigurationError, Problem
from pam_rollback.environment.environment import Environment

if TYPE_CHECKING:
    from pam_rollback.outside.provider import Asking


class Provider(Protocol):
    """Somebody who publishes front ends or runs back ends: a module, or an object, with this."""

    def host(self, environment: Environment, asking: "Asking") -> Any:
        """The environment's own: a ``SiteHost`` where it publishes the front end, a ``ServiceHost`` where it runs the back end."""


PROVIDERS: dict[str, Provider] = {}
"""By the names that environments give them."""


def take(hook: pluggy.HookRelay, environment: Environment) -> None:
    """Ask for those that the environment names. Raises ConfigurationError for a name that nobody knows."""
    for table, named in (("frontend_host", environment.frontend_host), ("backend_host", environment.backend_host)):
        if named is None:
            continue
        found = hook.pytest_pam_provider(name=named.provider)
        if found is None:
            what = f"nobody knows {named.provider!r}: a conftest.py gives it (pytest_pam_provider)"
            raise ConfigurationError(f"environment {environment.name}", [Problem(f"[{table}] provider", what)])
        PROVIDERS[named.provider] = found
