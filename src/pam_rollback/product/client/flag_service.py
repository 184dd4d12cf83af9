"""Who switches this environment's flags and says what users get: the product itself, or the flag service that it uses."""

from collections.abc import Mapping

from pam_rollback.environment.environment import Environment
from pam_rollback.plan.flags import FlagAdmin, FlagEvaluation
from pam_rollback.product.client.pam_api import FlagApi, FlagEvaluationApi
from pam_rollback.product.client.unleash import UnleashAdmin, UnleashEvaluation


def flag_admin_of(environment: Environment, initiated_by: str = "", *, deadline_s: float | None = None) -> FlagAdmin:
    """Who may read and change the flags here. Raises ConfigurationError when its token has no value."""
    within_s = deadline_s or environment.probing.request_deadline_s
    if environment.unleash is not None:
        return UnleashAdmin.at(environment.unleash, environment.secret("unleash_admin_token"), deadline_s=within_s)
    by = initiated_by or "pam-rollback-suite"
    return FlagApi(environment.url_of("feature_flags"), environment.secret("admin_token"), by, within_s)


def flag_admin_url(environment: Environment) -> str:
    """An address of it that can be read, and that nobody may read without a right token."""
    at = environment.unleash
    return environment.url_of("feature_flags") if at is None else f"{at.url}/api/admin/projects/{at.project}/features"


def flag_evaluation_of(
    environment: Environment, *, deadline_s: float | None = None, headers: Mapping[str, str] | None = None
) -> FlagEvaluation:
    """Who says what a user gets here; ``headers`` are those of the page that asks. Raises ConfigurationError when a token has no value."""
    within_s = deadline_s or environment.probing.request_deadline_s
    if environment.unleash is not None:
        admin = UnleashAdmin.at(environment.unleash, environment.secret("unleash_admin_token"), deadline_s=within_s)
        return UnleashEvaluation(
            environment.unleash, environment.secret("unleash_frontend_token"), admin, within_s, headers or {}
        )
    return FlagEvaluationApi(environment.url_of("flag_evaluation"), within_s, headers or {})
