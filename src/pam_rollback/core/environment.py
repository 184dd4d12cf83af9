"""Where a session works: addresses, abilities, figures and the names of its secrets, loaded from a TOML file."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, Strict, ValidationError

from pam_rollback.core.addresses import is_encrypted, is_loopback, is_web, web_address
from pam_rollback.core.configuration import (
    ConfigurationError,
    Location,
    Problem,
    Table,
    TomlFile,
    label,
    nearest,
    place,
    problems_of,
    read_toml,
    shown,
)

Ability = Literal[
    "flag_admin",
    "flag_evaluation",
    "test_account",
    "browser",
    "slack",
    "cache_admin",
    "emergency_endpoint",
    "metrics",
    "database",
    "status_page",
    "in_app_notice",
    "asset_manifest",
]
Browser = Literal["chromium", "firefox", "webkit"]
SecretName = Literal[
    "admin_token", "emergency_token", "slack_webhook", "test_user_email", "test_user_password", "database_dsn"
]

Address = Annotated[str, AfterValidator(web_address)]
UrlPath = Annotated[str, Field(pattern=r"^/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?)?$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]

_NEEDED_SECRETS: Mapping[str, tuple[SecretName, ...]] = {
    "flag_admin": ("admin_token",),
    "cache_admin": ("admin_token",),
    "emergency_endpoint": ("emergency_token",),
    "slack": ("slack_webhook",),
    "test_account": ("test_user_email", "test_user_password"),
    "database": ("database_dsn",),
}
_SECRET_NAMES: tuple[SecretName, ...] = (
    "admin_token",
    "emergency_token",
    "slack_webhook",
    "test_user_email",
    "test_user_password",
    "database_dsn",
)
_OPEN_TO_OTHERS = 0o077


class Urls(Table):
    """The addresses of the product's parts. Empty in a template that a running sandbox completes."""

    frontend: Address = ""
    api: Address = ""
    backend: Address = ""
    status_page: Address = ""


class Paths(Table):
    """Where the product answers, below its addresses. The defaults are the plan's and the practice range's."""

    frontend_health: UrlPath = "/health"
    frontend_version: UrlPath = "/version.json"
    asset_manifest: UrlPath = "/asset-manifest.json"
    backend_health: UrlPath = "/health"
    health_db: UrlPath = "/health/db"
    health_pam: UrlPath = "/health/pam"
    health_comprehensive: UrlPath = "/health/comprehensive"
    version: UrlPath = "/version"
    metrics: UrlPath = "/metrics"
    feature_flags: UrlPath = "/admin/feature-flags"
    disable_all_pam: UrlPath = "/admin/feature-flags/disable-all-pam"
    cache_clear: UrlPath = "/admin/cache/clear"
    emergency_rollback: UrlPath = "/admin/emergency-rollback"
    flag_evaluation: UrlPath = "/ofrep/v1/evaluate/flags"
    login: UrlPath = "/api/v1/auth/login"
    chat: UrlPath = "/api/v1/pam/chat"
    history: UrlPath = "/api/v1/pam/history"
    voice: UrlPath = "/api/v1/pam/voice"
    expenses: UrlPath = "/api/v1/expenses"
    profile: UrlPath = "/api/v1/profile"
    settings: UrlPath = "/api/v1/settings"
    tickets: UrlPath = "/api/v1/support/tickets"
    notice: UrlPath = "/api/v1/notice"


class Pages(Table):
    """Where the site's pages are, below the front end's address. The defaults are those of the product, and of the practice range."""

    home: UrlPath = "/"
    login: UrlPath = "/login"
    chat: UrlPath = "/pam"
    trips: UrlPath = "/wheels"
    money: UrlPath = "/wins"
    settings: UrlPath = "/settings"
    profile: UrlPath = "/profile"


class SecretVariables(Table):
    """The names of the variables that hold the secrets; the secrets themselves are in no file."""

    admin_token_env: VariableName | None = None
    emergency_token_env: VariableName | None = None
    slack_webhook_env: VariableName | None = None
    test_user_email_env: VariableName | None = None
    test_user_password_env: VariableName | None = None
    database_dsn_env: VariableName | None = None


class Release(Table):
    """What is known of the releases; empty: nobody said."""

    expected: str = ""
    stable: str = ""


class Probing(Table):
    """How often and how patiently the service is asked. Deadlines are 5 s at most: nobody waits longer for an answer."""

    rate_hz: Annotated[float, Field(gt=0, le=200)] = 1
    timeout_s: Annotated[float, Field(gt=0, le=5)] = 5
    slow_ms: Annotated[float, Field(gt=0)] = 500
    request_deadline_s: Annotated[float, Field(gt=0, le=5)] = 5
    control_url: Address = ""
    """An address that has nothing to do with the service: when it is silent too, we are the ones who are offline."""


class Waiver(Table):
    """Somebody accepted, until a date (included), that an item of the plan is relaxed or not measured here."""

    item: Text
    until: date
    reason: Text
    approved_by: Text


class Sql(Table):
    """Whose tables the database has: the real product's, or those that the plan's queries assume; and how patiently it is asked."""

    dialect: Literal["product", "plan"] = "product"
    statement_timeout_s: Annotated[float, Field(gt=0, le=900)] = 60
    """One query of the integrity checks takes no longer; the database ends it."""
    lock_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2
    """A check waits no longer for a lock, so that it never stands in a migration's way."""
    answer_grace_s: Annotated[float, Field(gt=0)] = 120
    """A message that is younger may still be without its answer."""
    names: Mapping[str, Text] = {}
    """What is called differently here: ``"expenses.amount" = "total"`` for a column, ``"expenses" = "money.expenses"`` for a table."""
    compatible_migrations: Annotated[tuple[Text, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Migrations that the running release does not know and can live with, as after a rollback of the code alone."""


class Sandbox(Table):
    """The controls of a running practice range. Only its private state file has this table."""

    control_url: Address
    token: Annotated[str, Field(min_length=1, repr=False)]
    variables: Annotated[Mapping[VariableName, str], Field(repr=False)] = {}


@dataclass(frozen=True)
class _Origin:
    """What does not stand in the file itself."""

    file: Path
    source: str
    variables: Mapping[str, str]


class Environment(Table):
    """One place where the product runs. ``kind`` is what the guard protects; ``abilities`` is what is there to be used."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    kind: Literal["sandbox", "staging", "production"]
    description: str = ""
    abilities: Annotated[frozenset[Ability], Strict(False)] = frozenset()  # noqa: FBT003 - TOML has lists
    browsers: Annotated[tuple[Browser, ...], Strict(False), Field(min_length=1)] = ("chromium",)  # noqa: FBT003 - TOML has lists
    """The browsers that the journeys must work in here. One that is declared and missing on this machine fails them."""
    pace: Annotated[float, Field(ge=1)] = 1
    # Defaults are made without validation: a validator of its own for each small table would cost start-up time.
    urls: Urls = Urls.model_construct()
    paths: Paths = Paths.model_construct()
    pages: Pages = Pages.model_construct()
    secret_variables: Annotated[SecretVariables, Field(alias="secrets")] = SecretVariables.model_construct()
    release: Release = Release.model_construct()
    probing: Probing = Probing.model_construct()
    thresholds: Mapping[str, Mapping[str, float]] = {}
    waivers: Annotated[tuple[Waiver, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    sql: Sql = Sql.model_construct()
    sandbox: Sandbox | None = None

    _origin: _Origin = PrivateAttr()
    _secrets: dict[SecretName, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        """Remember the file, and look the secrets up."""
        self._origin = context
        if not self.is_template:
            overlay = {**self._origin.variables, **(self.sandbox.variables if self.sandbox else {})}
            named = {name: self._variable_of(name) for name in _SECRET_NAMES}
            self._secrets = {name: overlay[variable] for name, variable in named.items() if overlay.get(variable)}

    @property
    def file(self) -> Path:
        """The file that it was loaded from."""
        return self._origin.file

    @property
    def is_sandbox(self) -> bool:
        """A running practice range: it calls itself one, and the file holds the controls that only a running one can give."""
        return self.kind == "sandbox" and self.sandbox is not None

    @property
    def is_template(self) -> bool:
        """A sandbox without addresses: its file becomes complete when a sandbox is started."""
        return self.kind == "sandbox" and self.sandbox is None and not any(self.addresses())

    @property
    def control_probe_url(self) -> str:
        """An unrelated address that tells whether this machine is online; empty when none is declared."""
        own = self.sandbox.control_url if self.sandbox is not None else ""
        return self.probing.control_url or own

    def addresses(self) -> Iterator[str]:
        """Every declared address of the product's parts."""
        yield from filter(None, (self.urls.frontend, self.urls.api, self.urls.backend, self.urls.status_page))

    def url_of(self, path: str) -> str:
        """Give the full address of one of ``[paths]``: below the front end or back end where it is theirs, else below the API."""
        owner = {"frontend_health": self.urls.frontend, "frontend_version": self.urls.frontend}
        owner["asset_manifest"] = self.urls.frontend
        owner["backend_health"] = self.urls.backend
        where: str = getattr(self.paths, path)
        return owner.get(path, self.urls.api) + where

    def secret(self, name: SecretName) -> str:
        """Give a secret. Raises ConfigurationError when it has no value here."""
        if name not in self._secrets:
            raise ConfigurationError(self._origin.source, [self._missing_secret(name)])
        return self._secrets[name]

    def secrets(self) -> tuple[str, ...]:
        """Every secret value of this environment, so that none of them is ever written."""
        own = (self.sandbox.token, *self.sandbox.variables.values()) if self.sandbox else ()
        return tuple(dict.fromkeys(value for value in (*self._secrets.values(), *own) if value))

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but must not be used like this."""
        if self.is_template:
            return
        for part in ("frontend", "api", "backend"):
            if not getattr(self.urls, part):
                yield Problem(f"[urls] {part}", "missing, it is required")
        if "status_page" in self.abilities and not self.urls.status_page:
            yield Problem("[urls] status_page", 'missing; say where it is, or remove "status_page" from abilities')
        yield from self._problems_of_addresses()
        if self.kind == "sandbox" and self.sandbox is None:
            what = "a sandbox is known by the [sandbox] table of a running one; start it with `make sandbox`"
            yield Problem("kind", f"{what}, or say what this environment really is (staging, production)")
        yield from self._problems_of_secrets()

    def _problems_of_addresses(self) -> Iterator[Problem]:
        named = {f"[urls] {part}": getattr(self.urls, part) for part in type(self.urls).model_fields}
        named["[probing] control_url"] = self.probing.control_url
        if self.sandbox is not None:
            named["[sandbox] control_url"] = self.sandbox.control_url
        for where, address in named.items():
            if not address or is_loopback(address):
                continue
            if self.sandbox is not None:
                yield Problem(where, f"a sandbox is on loopback addresses only (127.0.0.1), found {shown(address)}")
            elif not is_encrypted(address):
                yield Problem(where, f"{self.kind} must be https, found {shown(address)}")

    def _problems_of_secrets(self) -> Iterator[Problem]:
        needed = [name for ability in sorted(self.abilities) for name in _NEEDED_SECRETS.get(ability, ())]
        for name in dict.fromkeys(needed):
            if name not in self._secrets:
                yield self._missing_secret(name)
        for name, value in self._secrets.items():
            if value != value.strip() or not value.isprintable():
                what = f"{self._variable_of(name)} has blanks at its ends or unprintable characters (value not shown)"
                yield Problem(f"[secrets] {name}_env", what)
        yield from self._problems_of_webhook(self._secrets.get("slack_webhook", ""))

    def _problems_of_webhook(self, webhook: str) -> Iterator[Problem]:
        if not webhook:
            return
        where, variable = "[secrets] slack_webhook_env", self._variable_of("slack_webhook")
        if not is_web(webhook):
            yield Problem(where, f"{variable} is no web address (value not shown)")
        elif self.sandbox is not None and not is_loopback(webhook):
            yield Problem(where, f"{variable} leads out of this machine: a sandbox must not write to the real team")
        elif not is_encrypted(webhook) and not is_loopback(webhook):
            yield Problem(where, f"{variable} must be https (value not shown)")

    def _variable_of(self, name: SecretName) -> str:
        return getattr(self.secret_variables, f"{name}_env") or ""

    def _missing_secret(self, name: SecretName) -> Problem:
        users = sorted(self.abilities & {ability for ability, needs in _NEEDED_SECRETS.items() if name in needs})
        way_out = (
            f"remove {' and '.join(f'{user!r}' for user in users)} from abilities".replace("'", '"') if users else ""
        )
        variable = self._variable_of(name)
        if not variable:
            return Problem(
                f"[secrets] {name}_env", f"missing: name the variable that holds it{way_out and ', or '}{way_out}"
            )
        # Variables of one product have much in common: only a slip of the pen is worth a hint.
        near = nearest(variable, (known for known in self._origin.variables if known != variable), likeness=0.85)
        hint = f"; there is {near}" if near else ""
        return Problem(f"[secrets] {name}_env", f"{variable} is not set{hint}; export it{way_out and ', or '}{way_out}")


def load_environment(name_or_path: str, folder: Path, variables: Mapping[str, str]) -> Environment:
    """Load an environment by its name in ``folder``, or a file.

    ``variables`` holds the secrets (``os.environ``); those that a running sandbox brings along go before them. A sandbox without
    addresses loads as a template: see ``Environment.is_template``. Raises ConfigurationError with every problem.
    """
    path = _path_of(name_or_path, folder)
    own = read_toml(path)
    content, base = _extended(own, folder)
    try:
        environment = Environment.model_validate(content, context=_Origin(path, own.source, variables))
    except ValidationError as error:
        problems = problems_of(error, Environment, hidden=_holds_secrets)
    else:
        problems = [*environment.problems(), *_problems_of_file(environment, own, base, by_name=_is_name(name_or_path))]
        if not problems:
            return environment
    raise ConfigurationError(own.source, _with_origin(problems, own, base))


def _is_name(name_or_path: str) -> bool:
    return os.sep not in name_or_path and not name_or_path.endswith(".toml")


def _path_of(name_or_path: str, folder: Path) -> Path:
    if not _is_name(name_or_path):
        return Path(name_or_path)
    path = folder / f"{name_or_path}.toml"
    if not path.is_file():
        known = _names(folder)
        near = nearest(name_or_path, known)
        guess = f", did you mean {near!r}?" if near else ";"
        what = f"no environment of that name{guess} there are: {', '.join(known) or 'none'}"
        raise ConfigurationError(label(path), [Problem("", what)])
    return path


def _names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.toml"))


def _extended(own: TomlFile, folder: Path) -> tuple[dict[str, Any], TomlFile | None]:
    """Lay the file over the one that it extends, table by table."""
    content = dict(own.content)
    if "extends" not in content:
        return content, None
    name = content.pop("extends")
    if not isinstance(name, str) or name not in _names(folder):
        near = nearest(str(name), _names(folder))
        guess = f", did you mean {near!r}?" if near else ";"
        what = f"no environment {shown(name)}{guess} there are: {', '.join(_names(folder)) or 'none'}"
        raise ConfigurationError(own.source, [Problem("extends", what)])
    base = read_toml(folder / f"{name}.toml")
    if "extends" in base.content:
        raise ConfigurationError(
            own.source, [Problem("extends", f"{name} extends another one itself; one level is enough")]
        )
    return _merged(base.content, content), base


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _problems_of_file(
    environment: Environment, own: TomlFile, base: TomlFile | None, *, by_name: bool
) -> Iterator[Problem]:
    stem = environment.file.stem
    if by_name and environment.name != stem:
        yield Problem("name", f"expected {stem!r} as the file is called, found {environment.name!r}")
    for file in filter(None, (own, base)):
        if "sandbox" in file.content and os.name == "posix" and file.mode & _OPEN_TO_OTHERS:
            what = f"{file.source} holds a token and must be private: expected mode 0600, found {file.mode:04o}"
            yield Problem("[sandbox]", f"{what}; chmod 600 it")


def _holds_secrets(location: Location) -> bool:
    """Tell where a value may be a secret, also when it stands in the wrong place."""
    return location[:1] == ("secrets",) or location[:2] in {("sandbox", "token"), ("sandbox", "variables")}


def _with_origin(problems: Iterable[Problem], own: TomlFile, base: TomlFile | None) -> list[Problem]:
    """Say which problems lie in the file that is extended."""
    if base is None:
        return list(problems)
    inherited = set(_places(base.content)) - set(_places(own.content))
    return [
        Problem(problem.place, f"{problem.what} (in {base.source})") if problem.place in inherited else problem
        for problem in problems
    ]


def _places(content: Mapping[str, Any], within: Location = ()) -> Iterator[str]:
    for key, value in content.items():
        yield place((*within, key))
        if isinstance(value, dict):
            yield from _places(value, (*within, key))
