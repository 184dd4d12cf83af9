"""Which product the sandbox shows, as data: the one that the rollback plan assumes, or today's, as awkward as it was seen to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

Product = Literal["pam-plan", "pam-today"]
Value = str | int | bool | list[str]
WORKER_SERVICE = "srv-practicerange00worker0"

HURRY = 60
"""How often a minute of limits goes into one here: the sandbox's environment divides the plan's windows by as much."""
PATHS_MAX = 20
"""Different paths from one address within a minute; one more, and it is taken for a scanner."""
REQUESTS_MAX = 100
"""Within a minute with a token, whoever's: accounts are told apart by the beginning of the token, which is the same for all of them. And
from one address, from there on, without one."""
OF_AN_ADDRESS_MAX = 200
"""Within a minute, whoever asks; without a token each counts twice."""
CLIENT_MAX = 50
"""Requests of one browser, as address and User-Agent tell it, within a minute of the clock; one more, and it is shut out."""

MOMENT = "(now)"
"""Stands in a constant answer where each answer has the moment."""
_NO_QUERY = "'Database' object has no attribute 'execute_query'"
_NO_MODEL = "'Settings' object has no attribute 'MODEL'"
"""Why two checks never succeed; they are red with a database and a model that answer, too."""
_NEEDED = ("amount", "description", "category", "date")
_CONSTANT: Mapping[str, tuple[HTTPStatus, Mapping[str, Any]]] = {
    "/health": (
        HTTPStatus.OK,
        {
            "status": "healthy",
            "service": "pam-api",
            "version": "1.0.0",
            "environment": "production",
            "timestamp": MOMENT,
        },
    ),
    "/api/health": (
        HTTPStatus.OK,
        {"status": "healthy", "environment": "production", "version": "2.0.0", "timestamp": MOMENT},
    ),
    "/health/ping": (HTTPStatus.OK, {"pong": True}),
    "/health/live": (HTTPStatus.OK, {"status": "alive", "timestamp": MOMENT}),
    "/health/ready": (HTTPStatus.SERVICE_UNAVAILABLE, {"detail": f"Service not ready: {_NO_QUERY}"}),
    # Unhealthy for ever: two of its checks break before they look at anything.
    "/health/pam": (
        HTTPStatus.OK,
        {
            "status": "unhealthy",
            "checks": {
                "model": {"status": "unhealthy", "error": _NO_MODEL},
                "tts": {"status": "healthy", "enabled": True},
                "websocket": {"status": "healthy", "enabled": True, "max_connections": 100},
                "cache": {"status": "healthy", "type": "redis", "connected": True},
                "database": {"status": "unhealthy", "error": _NO_QUERY},
            },
            "issues": [f"Model check failed: {_NO_MODEL}", f"Database connection failed: {_NO_QUERY}"],
            "response_time_ms": 0.4,
            "timestamp": MOMENT,
        },
    ),
    "/health/redis": (
        HTTPStatus.OK,
        {"connection": {"status": "connected", "ping": "successful"}, "healthy": True, "timestamp": MOMENT},
    ),
    "/health/circuit-breakers": (
        HTTPStatus.OK,
        {
            "status": "degraded",
            "breakers": {"error": "Circuit breakers not configured"},
            "issues": ["Circuit breaker module not available"],
            "timestamp": MOMENT,
        },
    ),
    # For everybody: what a new expense needs is asked of whoever wants to read.
    "/api/expenses/{user_id}": (
        HTTPStatus.BAD_REQUEST,
        {
            "error": "Validation Error",
            "message": "One or more fields failed validation",
            "validation_errors": [
                {"field": name, "error": "required", "message": f"Field '{name}' is required"} for name in _NEEDED
            ],
        },
    ),
}


@dataclass(frozen=True, kw_only=True)
class Personality:
    """What one product has and another has not; the defaults are the plan's. How it answers is the code of its own routes."""

    name: Product
    tells_release: bool = True
    """Whether answers, pages and a file of the site name the release that gave them."""
    has_flags: bool = True
    """Whether features are switched by flags, and each release lists its own; else they are constants of the code."""
    has_wide_settings: bool = False
    """One row of settings for each user, a column for each kind; else a row for each setting."""
    apologises: bool = False
    """Whether chat answers 200 with an apology where the model cannot be reached."""
    needs_database_to_start: bool = False
    believes_every_token: bool = False
    """Whether the account that a token claims is believed, whoever signed it: a door that is open in every release."""
    bans_scanners: bool = False
    """Whether an address that asks for many different paths is refused everywhere for an hour."""
    talks_on_socket: bool = False
    """Whether the page says on a WebSocket what somebody says to PAM."""
    asks_supabase: bool = False
    """Whether accounts and rows are asked for at the host beside the API."""
    workers: tuple[str, ...] = ()
    """Services beside the API, of the same repository."""
    constant: Mapping[str, tuple[HTTPStatus, Mapping[str, Any]]] = field(default_factory=dict)
    """What is answered to a GET of these paths, whatever happens."""
    schema: tuple[str, ...] = ("schema.sql",)
    """The files with the steps of its schema."""
    shares: frozenset[str] = frozenset()
    """The steps of the first of them that it has; empty: all."""
    site: str = "site"
    """The folder of its front end."""
    idle_scripts: tuple[str, ...] = ()
    """Scripts of the front end that look at nothing; empty: it has its own."""
    migrations: str = "backend/migrations"
    migration: str = "{version}_{name}.{way}.sql"
    """How the file of a migration is called; without ``way`` nothing leads back."""
    tables: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """What its environment says beside the sandbox's."""


PAM_PLAN = Personality(
    name="pam-plan",
    tables={"git": {"version_file": "backend/release.json", "features_file": "features.json"}},
)
PAM_TODAY = Personality(
    name="pam-today",
    tells_release=False,
    has_flags=False,
    has_wide_settings=True,
    apologises=True,
    needs_database_to_start=True,
    believes_every_token=True,
    bans_scanners=True,
    talks_on_socket=True,
    asks_supabase=True,
    workers=(WORKER_SERVICE,),
    constant=_CONSTANT,
    schema=("schema.sql", "today.sql"),
    shares=frozenset({"roles_and_accounts", "core_tables", "row_level_security"}),
    site="site_today",
    idle_scripts=("test", "test:integration", "e2e", "quality:check:full"),
    migrations="supabase/migrations",
    migration="{version}-{name}.sql",
    tables={
        "": {
            "product": "pam-today",
            # Switches, no admin API, no metrics worth reading, and no file that names its release.
            "abilities": [
                *("flag_admin", "flag_evaluation", "emergency_endpoint", "test_account", "second_test_account"),
                *("browser", "slack", "database", "staging_copy", "status_page", "render_metrics", "render", "git"),
                *("netlify", "statuspage", "pagerduty", "email"),
            ],
        },
        "render": {"workers": [WORKER_SERVICE]},
        "secrets": {
            "supabase_key_env": "SUPABASE_ANON_KEY",
            "supabase_service_key_env": "SUPABASE_SERVICE_ROLE_KEY",
        },
        # What it bears within a minute, where all goes as much faster as the windows are shorter.
        "contract.limits": {
            "address": OF_AN_ADDRESS_MAX * HURRY,
            "without_token": REQUESTS_MAX * HURRY // 2,
            "with_token": REQUESTS_MAX * HURRY,
            "client": CLIENT_MAX * HURRY,
        },
    },
)
PERSONALITIES: Mapping[Product, Personality] = {found.name: found for found in (PAM_PLAN, PAM_TODAY)}
