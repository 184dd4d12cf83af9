"""Who switches this environment's flags and says what users get: the product itself, or the flag service that it uses."""

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from pam_rollback.core.errors import ActionFailed
from pam_rollback.plan.flags import FlagAdmin, FlagEvaluation
from pam_rollback.target.environment import Environment
from pam_rollback.target.pam_api import FlagApi, FlagEvaluationApi
from pam_rollback.target.unleash import UnleashAdmin, UnleashEvaluation

_OF_SWITCHES = "pam_rollback.rollback.switches"
"""Found by its name, since it knows the hosts."""


class FlagService(Protocol):
    """A flag service of your own: a module, or an object, with these. Its token is ``[secrets] admin_token_env``."""

    def admin(self, environment: Environment, initiated_by: str, deadline_s: float) -> FlagAdmin:
        """Who reads and changes the flags."""

    def evaluation(self, environment: Environment, deadline_s: float) -> FlagEvaluation:
        """Who says what a user gets."""

    def door(self, environment: Environment) -> str:
        """An address that nobody may read without the token."""


SERVICES: dict[str, FlagService] = {}
"""Those from outside, by the names that environments give them. A conftest.py adds its own when it is read."""


def _service(environment: Environment) -> FlagService | None:
    """What is neither the plan's own API nor Unleash. Raises ActionFailed where only another session knows it."""
    if environment.has_switches:
        return cast("FlagService", import_module(_OF_SWITCHES))
    if environment.flag_service and environment.flag_service not in SERVICES:
        raise ActionFailed(
            f"only a session that loads your conftest.py knows flag_service {environment.flag_service!r}"
        )
    return SERVICES.get(environment.flag_service)


def flag_admin_of(environment: Environment, initiated_by: str = "", *, deadline_s: float | None = None) -> FlagAdmin:
    """Who may read and change the flags here. Raises ConfigurationError when its token has no value."""
    within_s = deadline_s or environment.probing.request_deadline_s
    by = initiated_by or "pam-rollback-suite"
    if (service := _service(environment)) is not None:
        return service.admin(environment, by, within_s)
    if environment.unleash is not None:
        return UnleashAdmin.at(environment.unleash, environment.secret("unleash_admin_token"), deadline_s=within_s)
    return FlagApi(environment.url_of("feature_flags"), environment.secret("admin_token"), by, within_s)


def flag_admin_url(environment: Environment) -> str:
    """An address of it that can be read, and that nobody may read without a right token."""
    if (service := _service(environment)) is not None:
        return service.door(environment)
    at = environment.unleash
    return environment.url_of("feature_flags") if at is None else f"{at.url}/api/admin/projects/{at.project}/features"


def flag_evaluation_of(
    environment: Environment, *, deadline_s: float | None = None, headers: Mapping[str, str] | None = None
) -> FlagEvaluation:
    """Who says what a user gets here; ``headers`` are those of the page that asks. Raises ConfigurationError when a token has no value."""
    within_s = deadline_s or environment.probing.request_deadline_s
    if (service := _service(environment)) is not None:
        return service.evaluation(environment, within_s)
    if environment.unleash is not None:
        admin = UnleashAdmin.at(environment.unleash, environment.secret("unleash_admin_token"), deadline_s=within_s)
        return UnleashEvaluation(
            environment.unleash, environment.secret("unleash_frontend_token"), admin, within_s, headers or {}
        )
    return FlagEvaluationApi(environment.url_of("flag_evaluation"), within_s, headers or {})
