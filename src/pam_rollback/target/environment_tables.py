"""The tables of an environment's file, each as it may be written there.

In one module: a class for each small table, to be looked up beside the file.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, model_validator

from pam_rollback.core.addresses import web_address
from pam_rollback.core.configuration import Table
from pam_rollback.target.hosts import HostAbility, HostSecret, HostVariables, VariableName
from pam_rollback.target.sql_names import accepted

Ability = Literal[
    "flag_admin",
    "flag_evaluation",
    "test_account",
    "second_test_account",
    "feature_check",
    "browser",
    "slack",
    "cache_admin",
    "emergency_endpoint",
    "metrics",
    "circuit_breakers",
    "database",
    "staging_copy",
    "status_page",
    "in_app_notice",
    "asset_manifest",
    "prometheus",
    HostAbility,
    "frontend_host",
    "backend_host",
    "git",
    "statuspage",
    "pagerduty",
    "email",
    "load",
    "second_release",
]
Browser = Literal["chromium", "firefox", "webkit"]
SecretName = Literal[
    "admin_token",
    "emergency_token",
    "slack_webhook",
    "slack_token",
    "test_user_email",
    "test_user_password",
    "second_test_user_email",
    "second_test_user_password",
    "expired_user_token",
    "database_dsn",
    "staging_copy_dsn",
    "prometheus_token",
    HostSecret,
    "frontend_host_token",
    "backend_host_token",
    "git_token",
    "statuspage_api_key",
    "pagerduty_routing_key",
    "smtp_username",
    "smtp_password",
    "supabase_key",
    "supabase_service_key",
    "on_call_calendar",
    "tracker_token",
    "unleash_admin_token",
    "unleash_frontend_token",
]

Address = Annotated[str, AfterValidator(web_address)]
PathTemplate = Annotated[
    str, Field(pattern=r"^/(([A-Za-z0-9._~-]+|\{user_id\})(/([A-Za-z0-9._~-]+|\{user_id\}))*/?)?$")
]
UrlPath = Annotated[str, Field(pattern=r"^/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?)?$")]
ProbedJourney = Literal[
    "front page",
    "cached front page",
    "health",
    "history",
    "expenses",
    "profile",
    "settings",
    "as a browser",
    "login",
    "chat",
]
LoadedJourney = Literal["front page", "health", "history", "expenses", "profile", "chat", "login"]
Text = Annotated[str, Field(min_length=1)]


def _place_of_a_part(place: str) -> str:
    if not _PLACE.fullmatch(place):
        raise ValueError('expected the place of a part in the answer, its keys joined by dots, such as "checks.tts"')
    if place == "status":
        raise ValueError('"status" is the answer\'s own word and never optional; name the part, such as "checks.tts"')
    return place


PlacesOfParts = Annotated[tuple[Annotated[str, AfterValidator(_place_of_a_part)], ...], Strict(False)]  # noqa: FBT003 - TOML has lists


_PLACE = re.compile(r"[^.\s]+(\.[^.\s]+)*")
_NUMBER = re.compile(r"\d+(\.\d+)*")


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


class Urls(Table):
    """The addresses of the product's parts. Empty in a template that a running sandbox completes."""

    frontend: Address = ""
    api: Address = ""
    backend: Address = ""
    supabase: Address = ""
    """Where accounts and rows are, for a product that has such a host beside its API."""
    status_page: Address = ""


class Paths(Table):
    """Where the product answers besides what its contract says, below its addresses. The defaults are the plan's and the sandbox's."""

    frontend_version: UrlPath = "/version.json"
    asset_manifest: UrlPath = "/asset-manifest.json"
    circuit_breakers: UrlPath = "/health/circuit-breakers"
    version: UrlPath = "/version"
    metrics: UrlPath = "/metrics"
    feature_flags: UrlPath = "/admin/feature-flags"
    emergency_rollback: UrlPath = "/admin/emergency-rollback"
    flag_evaluation: UrlPath = "/ofrep/v1/evaluate/flags"
    feature_check: UrlPath = "/admin/feature-check"
    notice: UrlPath = "/api/v1/notice"


class Pages(Table):
    """Where the site's pages are, below the front end's address."""

    home: UrlPath
    login: UrlPath
    chat: UrlPath
    """Where PAM is; where a button opens it, any page that has the button."""
    trips: UrlPath
    money: UrlPath
    settings: UrlPath
    profile: UrlPath


OPERATION_PATHS = ("chat", "history", "voice", "expenses", "profile", "settings", "tickets", "cache_clear")
"""The operations of the contract that have an address. ``login`` is its sign-in."""


class SecretVariables(HostVariables):
    """The names of the variables that hold the secrets; the secrets themselves are in no file."""

    admin_token_env: VariableName | None = None
    emergency_token_env: VariableName | None = None
    slack_webhook_env: VariableName | None = None
    slack_token_env: VariableName | None = None
    """A bot's token that may ``chat:write``, for threads in ``[slack] channel``. No ability needs it."""
    test_user_email_env: VariableName | None = None
    test_user_password_env: VariableName | None = None
    second_test_user_email_env: VariableName | None = None
    second_test_user_password_env: VariableName | None = None
    expired_user_token_env: VariableName | None = None
    """A token of the test account that was good once, kept to see it refused. No ability needs it."""
    database_dsn_env: VariableName | None = None
    staging_copy_dsn_env: VariableName | None = None
    """A copy of the database, as who owns its tables: migrations are tried on it, and rolled back again."""
    prometheus_token_env: VariableName | None = None
    frontend_host_token_env: VariableName | None = None
    """For ``[frontend_host]``; likewise ``backend_host_token_env``."""
    backend_host_token_env: VariableName | None = None
    git_token_env: VariableName | None = None
    """A token for the repository. No ability needs it: a remote over ssh has its own keys."""
    statuspage_api_key_env: VariableName | None = None
    pagerduty_routing_key_env: VariableName | None = None
    smtp_username_env: VariableName | None = None
    """No ability needs it: a server on this machine may take mail from anybody. One that is named is needed, with its password."""
    smtp_password_env: VariableName | None = None
    supabase_key_env: VariableName | None = None
    """The key that the site's pages carry (anon, publishable). Whoever signs in at Supabase needs it."""
    supabase_service_key_env: VariableName | None = None
    """The service key (service_role, secret), which no page carries. Whoever lowers a switch that is a row needs it."""
    on_call_calendar_env: VariableName | None = None
    """The private address (https) of the calendar of who is on call. No ability needs it."""
    tracker_token_env: VariableName | None = None
    unleash_admin_token_env: VariableName | None = None
    """Of a service account or a person. Who switches flags needs it where there is ``[unleash]``, instead of ``admin_token``."""
    unleash_frontend_token_env: VariableName | None = None
    """``PROJECT:ENVIRONMENT.SECRET``, as the product's pages carry it: what users get is asked with it."""


class Release(Table):
    """What is known of the releases; empty: nobody said."""

    expected: str = ""
    stable: str = ""
    voice_since: Annotated[str, Field(pattern=r"^(\d+(\.\d+)*)?$")] = ""
    """The first release with voice: the pages of those before offer none, whatever the flag says. Empty: all have it."""

    def has_voice(self, release: str) -> bool:
        """Whether that release has voice; one whose number cannot be read is not taken for an old one."""
        if not self.voice_since or not _NUMBER.fullmatch(release):
            return True
        return _numbers(release) >= _numbers(self.voice_since)


class Probing(Table):
    """How often and how patiently the service is asked. Deadlines are 5 s at most: nobody waits longer for an answer."""

    rate_hz: Annotated[float, Field(gt=0, le=200)] = 1
    timeout_s: Annotated[float, Field(gt=0, le=5)] = 5
    slow_ms: Annotated[float, Field(gt=0)] = 500
    request_deadline_s: Annotated[float, Field(gt=0, le=5)] = 5
    control_url: Address = ""
    """An address that has nothing to do with the service: when it is silent too, we are the ones who are offline."""
    second_address_proxy: Address = ""
    """An HTTP proxy at another network address: where this machine is refused everything, it shows whether others are, too."""
    weights: Mapping[ProbedJourney, Annotated[int, Field(ge=0, le=100)]] = {}
    """How often each journey takes its turn, beside the others; what is not named keeps its usual weight. ``login`` and ``chat`` have
    none of their own: each sign-in and each question to PAM costs the real service time and money."""


class Chat(Table):
    """What PAM's answers promise here."""

    intent: Literal["named", "never"] | None = None
    """As the contract of the product says, where nothing is said here.

    ``named``: a good answer says in ``intent`` how PAM understood the question; without a reachable model it is null. ``never``: this
    product's answers have none, and only their text is judged."""


class Load(Table):
    """How much load this place bears, and where the stable release answers beside the one that users get."""

    rate_hz: Annotated[float, Field(gt=0, le=2000)] = 5
    """Requests a second at full load, of each release that is asked."""
    rate_hz_max: Annotated[float, Field(gt=0, le=20_000)] = 50
    """More is refused, however many releases are asked."""
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10
    stable_api: Address = ""
    stable_backend: Address = ""
    weights: Mapping[LoadedJourney, Annotated[int, Field(ge=0, le=100)]] = {}
    """How often each journey is asked for beside the others; what is not named keeps its usual weight. A question to PAM (``chat``) costs
    the real service time and money: 0 leaves it out. ``login`` has no weight of its own: a hosted sign-in counts attempts for each address
    and account, and would refuse the generator's sooner than the service reaches its limit."""


def undeclared_load(place: str) -> str:
    """Why nothing may be loaded in an environment that says nothing about it."""
    return (
        f'{place} declares no load: a load test may cost money, trip rate limits and slow users down. Expected "load" in its abilities and '
        "the table [load] with rate_hz and rate_hz_max; agree on them with whoever runs the service"
    )


_LETTERS_MIN = 3
_LITERAL_MIN = 12
"""So many characters of a pattern say what it is about."""


def is_anchored(pattern: str) -> bool:
    """Whether a pattern says enough of what it is about."""
    return len(pattern.replace("*", "")) >= _LITERAL_MIN


def names_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns names all of the text; ``*`` stands for whatever may stand there."""
    return any(_expression(one).fullmatch(text) for one in patterns)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _names_a_finding(text: str) -> str:
    """Refuse what would name everything: a waiver is for what somebody has looked at. Raises ValueError."""
    if sum(map(str.isalpha, text)) < _LETTERS_MIN:
        raise ValueError(f"expected the words of a finding, as the baseline has them, found {text!r}, which names any")
    if "*" in text and not is_anchored(text):
        raise ValueError(
            f"expected a pattern with at least {_LITERAL_MIN} characters beside *, found {text!r}, which names too much"
        )
    return text


def _somebody(text: str) -> str:
    if not text.strip():
        raise ValueError("expected who answers for it, found nobody")
    return text


class Waiver(Table):
    """Somebody accepted, until a date (included), that an item of the plan is relaxed or not measured here.

    With ``known`` they accept these findings of the item alone, as far as a baseline has them.
    """

    item: Text
    until: date
    reason: Text
    approved_by: Annotated[str, AfterValidator(_somebody)]
    """Who accepted it. "provisional …": nobody yet, and it does not count."""
    known: Annotated[tuple[Annotated[str, AfterValidator(_names_a_finding)], ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """What was red before, in the words in which a red check and the baseline tell it; ``*`` stands for anything."""
    at_most: Annotated[int, Field(ge=1)] | None = None
    """So many findings of the baseline ``known`` may name. With one more it makes none of them known: nobody has looked at that one."""

    @model_validator(mode="after")
    def _counted(self) -> "Waiver":
        if self.at_most is None and (open_ended := [one for one in self.known if "*" in one]):
            raise ValueError(
                f"{open_ended[0]!r} names whatever a later baseline has; say how many findings it stands for: "
                f'[[waivers]] item = "{self.item}", known = ["{open_ended[0]}"], at_most = …, until, reason, approved_by'
            )
        return self

    @property
    def is_provisional(self) -> bool:
        """Somebody wrote it down, and nobody has accepted it."""
        return self.approved_by.strip().lower().startswith("provisional")

    def names(self, item: str, text: str) -> bool:
        """Whether a finding of this item and text is one of those that it is about."""
        return self.item == item and names_any(self.known, text)

    def too_many(self, recorded: Collection[tuple[str, str]]) -> str:
        """Why it makes nothing known of a baseline with these items and texts; empty when it may."""
        found = sum(self.names(item, text) for item, text in recorded)
        if self.at_most is None or found <= self.at_most:
            return ""
        return f"a waiver bears {self.at_most} of them, and the baseline has {found} ({self.approved_by})"

    def holds(self, today: date) -> bool:
        """Whether the whole item is waived on that day."""
        return not self.known and self.until >= today and not self.is_provisional


class Ramp(Table):
    """Which stages of a ramp need a person's yes here (``--approve``), by their ids."""

    approvals: Annotated[tuple[Text, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists


class Sql(Table):
    """Whose tables the database has: the real product's, or those that the plan's queries assume; and how patiently it is asked."""

    dialect: Literal["product", "plan"] = "product"
    statement_timeout_s: Annotated[float, Field(gt=0, le=900)] = 60
    """One query of the integrity checks takes no longer; the database ends it."""
    lock_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2
    """A check waits no longer for a lock, so that it never stands in a migration's way."""
    answer_grace_s: Annotated[float, Field(gt=0)] = 120
    """A message that is younger may still be without its answer."""
    names: Annotated[Mapping[str, Text], AfterValidator(accepted)] = {}
    """What is called differently here: ``"expenses.amount" = "total"`` for a column, ``"expenses" = "money.expenses"`` for a table."""
    compatible_migrations: Annotated[tuple[Text, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Migrations that the running release does not know and can live with, as after a rollback of the code alone."""


class Sandbox(Table):
    """The controls of a running sandbox. Only its private state file has this table."""

    control_url: Address
    token: Annotated[str, Field(min_length=1, repr=False)]
    second_address_proxy: Address = ""
    """Asks from another address of the sandbox's small world."""
    variables: Annotated[Mapping[VariableName, str], Field(repr=False)] = {}
