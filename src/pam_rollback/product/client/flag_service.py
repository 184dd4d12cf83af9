"""Who switches this environment's flags and says what users get: the product, its switches, or the flag service that it uses."""

from importlib import import_module
from typing import Protocol

from pam_rollback.base.configuration import ConfigurationError, Problem
from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.outside.http import fetch
from pam_rollback.outside.provider import Asking
from pam_rollback.plan.flags import FlagAdmin, FlagEvaluation
from pam_rollback.product.client.pam_api import FlagApi, FlagEvaluationApi
from pam_rollback.product.client.switches import Switches, SwitchRows
from pam_rollback.product.client.unleash import UnleashAdmin, UnleashEvaluation
from pam_rollback.product.rules.pointer import Nowhere, value_at
from pam_rollback.product.rules.switches import ServiceVariables


class FlagService(Protocol):
    """A flag service of your own: a module, or an object, with these. Its token is ``[secrets] admin_token_env``."""

    def admin(self, environment: Environment, initiated_by: str, deadline_s: float) -> FlagAdmin:
        """Who reads and changes the flags."""

    def evaluation(self, environment: Environment, deadline_s: float) -> FlagEvaluation:
        """Who says what a user gets."""

    def door(self, environment: Environment) -> str:
        """An address of it that nobody may read without the token."""


SERVICES: dict[str, FlagService] = {}
"""Those from outside, by the names that environments give them (``pytest_pam_flag_service``)."""


def flag_admin_of(environment: Environment, initiated_by: str = "", *, deadline_s: float | None = None) -> FlagAdmin:
    """Who may read and change the flags here. Raises ConfigurationError when its token has no value."""
    within_s = deadline_s or environment.probing.request_deadline_s
    by = initiated_by or "pam-rollback-suite"
    if environment.flag_service:
        return _own(environment).admin(environment, by, within_s)
    if environment.unleash is not None:
        return UnleashAdmin.at(environment.unleash, environment.secret("unleash_admin_token"), deadline_s=within_s)
    if environment.has_switches:
        return switches_of(environment, deadline_s=within_s)
    return FlagApi(environment.url_of("feature_flags"), environment.secret("admin_token"), by, within_s)


def flag_admin_url(environment: Environment) -> str:
    """An address of it that can be read, and that nobody may read without a right token."""
    if environment.flag_service:
        return _own(environment).door(environment)
    tables = [switch.table for switch in environment.switches.values() if switch.table]
    if tables:
        return f"{environment.urls.supabase}/rest/v1/{tables[0]}"
    if environment.switches and (host := environment.host_of("backend")) is not None:
        return f"{host.api_url}/services/{host.id}/env-vars"
    at = environment.unleash
    return environment.url_of("feature_flags") if at is None else f"{at.url}/api/admin/projects/{at.project}/features"


def flag_evaluation_of(environment: Environment, *, deadline_s: float | None = None) -> FlagEvaluation:
    """Who says what a user gets here. Raises ConfigurationError when a token has no value."""
    within_s = deadline_s or environment.probing.request_deadline_s
    if environment.flag_service:
        return _own(environment).evaluation(environment, within_s)
    if environment.unleash is not None:
        admin = UnleashAdmin.at(environment.unleash, environment.secret("unleash_admin_token"), deadline_s=within_s)
        return UnleashEvaluation(
            environment.unleash, environment.secret("unleash_frontend_token"), admin, deadline_s=within_s
        )
    if environment.has_switches:
        return switches_of(environment, deadline_s=within_s)
    return FlagEvaluationApi(environment.url_of("flag_evaluation"), within_s)


def switches_of(environment: Environment, *, deadline_s: float) -> Switches:
    """The contract's switches, as far as they can be reached from here."""
    reached, known = environment.switches, environment.contract.flags.switches
    has_rows = any(switch.kind == "row" for switch in reached.values())
    key = environment.secret("supabase_service_key") if has_rows else ""
    return Switches(
        reached,
        {name: switch for name, switch in known.items() if name not in reached},
        SwitchRows(environment.urls.supabase, key, deadline_s) if has_rows else None,
        service_variables(environment, deadline_s=deadline_s),
        lambda: _process_age_s(environment, deadline_s),
    )


def service_variables(environment: Environment, *, deadline_s: float) -> ServiceVariables | None:
    """Those of the back end's host; None where no switch is one. The host's folder is found by its name, as its deploys are."""
    host = environment.known_host("backend")
    if host is None or not any(switch.kind == "variable" for switch in environment.switches.values()):
        return None
    provider = import_module(f"pam_rollback.rollback.providers.{host.name}")
    found: ServiceVariables = provider.variables(environment, Asking(Waiter(), deadline_s))
    return found


def _process_age_s(environment: Environment, deadline_s: float) -> float:
    mark = next((mark for mark in environment.contract.marks if mark.tells == "uptime_s"), None)
    if mark is None:
        raise MeasurementFailed(
            "what users get is not known: the contract has no mark that tells for how long the process runs"
        )
    answer = fetch(f"{getattr(environment.urls, mark.site)}{mark.path}", deadline_s=deadline_s)
    try:
        return float(value_at(answer.json, mark.pointer))
    except (Nowhere, TypeError, ValueError):
        raise MeasurementFailed(
            f"what users get is not known: expected {mark.title} in seconds, found {answer}"
        ) from None


def _own(environment: Environment) -> FlagService:
    if environment.flag_service not in SERVICES:
        raise ActionFailed(
            f"flag_service: only a session that loads your conftest.py knows {environment.flag_service!r}"
        )
    return SERVICES[environment.flag_service]


def take(found: FlagService | None, environment: Environment) -> None:
    """Keep the service that the environment names. Raises ConfigurationError when nobody knows it."""
    if found is None:
        what = f"nobody knows {environment.flag_service!r}: a conftest.py gives it (pytest_pam_flag_service)"
        raise ConfigurationError(f"environment {environment.name}", [Problem("flag_service", what)])
    SERVICES[environment.flag_service] = found
