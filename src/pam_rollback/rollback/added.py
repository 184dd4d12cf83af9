"""Who answers for a site and comes from outside: a conftest.py adds it by the name that environments give it."""

from typing import TYPE_CHECKING, Any, Protocol

from pam_rollback.environment.environment import Environment

if TYPE_CHECKING:
    from pam_rollback.outside.provider import Asking


class Provider(Protocol):
    """Somebody who publishes front ends or runs back ends: a module, or an object, with this."""

    def host(self, environment: Environment, asking: "Asking") -> Any:
        """The environment's own: a ``SiteHost`` where it publishes the front end, a ``ServiceHost`` where it runs the back end."""


PROVIDERS: dict[str, Provider] = {}
"""By the names that environments give them. A conftest.py adds its own when it is read."""
