"""An environment: where PAM is, what it can do, and what this suite may do there. Loaded from ``environments/NAME.toml`` or a given file.

Secrets stand in no file but the sandbox's private one: an environment names the variables that hold them.
"""

import datetime
import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, Strict, ValidationError

from pam_rollback.core.configuration import (
    ConfigurationError,
    Location,
    Problem,
    Table,
    TomlFile,
    nearest,
    problems_of,
    read_toml,
    suggestion,
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
]

NEEDED_SECRETS: Mapping[str, tuple[str, ...]] = {
    "flag_admin": ("admin_token",),
    "cache_admin": ("admin_token",),
    "emergency_endpoint": ("emergency_token",),
    "slack": ("slack_webhook",),
    "test_account": ("test_user_email", "test_user_password"),
    "database": ("database_dsn",),
}
"""Which secrets an ability stands on; one that is declared and lacks its secret is a problem before anything is sent."""

_PRIVATE_BITS = 0o077
_SANDBOX = "sandbox"

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Path_ = Annotated[str, Field(pattern=r"^/")]


class Urls(Table):
    """Origins without a trailing slash. ``control`` is an unrelated address that tells "PAM is down" from "we are offline"."""

    frontend: str = ""
    api: str = ""
    backend: str = ""
    status_page: str = ""
    control: str = ""


class Paths(Table):
    """Where PAM's endpoints are. The defaults are the plan's and the product's; an environment overrides what differs there."""

    frontend_health: Path_ = "/health"
    frontend_version: Path_ = "/version.json"
    backend_health: Path_ = "/health"
    health_db: Path_ = "/health/db"
    health_pam: Path_ = "/health/pam"
    health_comprehensive: Path_ = "/health/comprehensive"
    version: Path_ = "/version"
    metrics: Path_ = "/metrics"
    feature_flags: Path_ = "/admin/feature-flags"
    disable_all_pam: Path_ = "/admin/feature-flags/disable-all-pam"
    cache_clear: Path_ = "/admin/cache/clear"
    emergency_rollback: Path_ = "/admin/emergency-rollback"
    flag_evaluation: Path_ = "/ofrep/v1/evaluate/flags"
    login: Path_ = "/api/v1/auth/login"
    chat: Path_ = "/api/v1/pam/chat"
    history: Path_ = "/api/v1/pam/history"
    voice: Path_ = "/api/v1/pam/voice"
    expenses: Path_ = "/api/v1/expenses"
    profile: Path_ = "/api/v1/profile"
    settings: Path_ = "/api/v1/settings"
    tickets: Path_ = "/api/v1/support/tickets"


class SecretNames(Table):
    """The names of the variables that hold the secrets; never the secrets."""

    admin_token_env: Variable | None = None
    emergency_token_env: Variable | None = None
    slack_webhook_env: Variable | None = None
    test_user_email_env: Variable | None = None
    test_user_password_env: Variable | None = None
    database_dsn_env: Variable | None = None


class Release(Table):
    """Which release must be running when nobody says otherwise (``--to``). Empty: the answers are held against each other only."""

    expected: str = ""
    stable: str = ""


class Probing(Table):
    """How often and how patiently this environment may be asked. Chat costs money and the product bans what looks like a scanner."""

    rate_hz: Annotated[float, Field(gt=0, le=50)] = 1.0
    timeout_s: Annotated[float, Field(gt=0, le=5)] = 5.0
    slow_ms: Annotated[float, Field(gt=0)] = 500.0
    request_deadline_s: Annotated[float, Field(gt=0, le=5)] = 5.0


class Waiver(Table):
    """A written, dated permission to go on without a plan item; it holds up to and with ``until``."""

    item: str
    until: datetime.date
    reason: Annotated[str, Field(min_length=1)]
    approved_by: Annotated[str, Field(min_length=1)]


class Sql(Table):
    """Which tables the SQL checks meet: the product's own, or those that the plan's SQL assumes."""

    dialect: Literal["product", "plan"] = "product"


class Controls(Table):
    """What makes an environment the sandbox: a token that answers at a loopback address. ``variables`` are the sandbox's own secrets."""

    control_url: str
    token: Annotated[str, Field(min_length=16, repr=False)]
    variables: Annotated[Mapping[str, str], Field(repr=False)] = {}


class Environment(Table):
    """One environment, complete with its secrets; no repr and no message shows one."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    kind: Literal["sandbox", "staging", "production"]
    description: str = ""
    abilities: Annotated[tuple[Ability, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists, an environment is fixed
    pace: Annotated[float, Field(ge=1, le=3600)] = 1.0
    urls: Urls = Urls.model_construct()
    paths: Paths = Field(default_factory=Paths)
    secret_names: Annotated[SecretNames, Field(alias="secrets")] = Field(default_factory=SecretNames)
    release: Release = Field(default_factory=Release)
    probing: Probing = Field(default_factory=Probing)
    thresholds: Mapping[str, Mapping[str, float]] = {}
    waivers: Annotated[tuple[Waiver, ...], Strict(False)] = ()  # noqa: FBT003 - as above
    sql: Sql = Field(default_factory=Sql)
    sandbox: Controls | None = None

    _values: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _file: Path | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any, /) -> None:
        """Keep the resolved secrets and the file, which ``load_environment`` hands over beside the data."""
        if context:
            self._file, self._values = context

    @property
    def file(self) -> Path | None:
        """The file that it was loaded from."""
        return self._file

    @property
    def is_sandbox(self) -> bool:
        """It has the sandbox's token; whether the token is right is for the control address to say."""
        return self.sandbox is not None

    @property
    def control_probe_url(self) -> str:
        """An address that is unrelated to PAM; empty when none is declared."""
        return self.sandbox.control_url if self.sandbox is not None else self.urls.control or self.urls.status_page

    def url_of(self, endpoint: str) -> str:
        """The API's address of an endpoint by its name in ``[paths]``. AttributeError for a name that is none."""
        path: str = getattr(self.paths, endpoint)
        return self.urls.api + path

    def secret(self, name: str) -> str:
        """A secret by its name, such as ``admin_token``. KeyError when the environment does not name its variable."""
        return self._values[name]

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for redaction."""
        own = () if self.sandbox is None else (self.sandbox.token, *self.sandbox.variables.values())
        return tuple({*self._values.values(), *own})


def load_environment(name_or_path: str, folder: Path, variables: Mapping[str, str]) -> Environment:
    """Load the environment of that name in ``folder``, or the file. ``variables`` are the process's.

    The sandbox's base in the repository has no addresses yet: those come with the file that a running sandbox writes.
    Raises ConfigurationError with every problem, each with file, table and key.
    """
    path = _find(name_or_path, folder)
    file = read_toml(path)
    content, problems = _extended(file, folder)
    try:
        environment = Environment.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(
            file.source, [*problems, *problems_of(error, Environment, hidden=_is_private)]
        ) from None
    known = {**variables, **(environment.sandbox.variables if environment.sandbox else {})}
    values, missing = _resolved(environment, known)
    starts_later = environment.kind == _SANDBOX and not environment.is_sandbox
    if not starts_later:
        problems += [*missing, *_url_problems(environment)]
    elif path.parent.absolute() != folder.absolute():
        problems.append(
            Problem(
                "kind",
                "a file of kind 'sandbox' needs the [sandbox] table that `make sandbox` writes; start one, or give another kind",
            )
        )
    problems += _sandbox_problems(environment, file)
    if problems:
        raise ConfigurationError(file.source, problems)
    return Environment.model_validate(content, context=(path.absolute(), values))


def _find(name_or_path: str, folder: Path) -> Path:
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        return Path(name_or_path)
    names = sorted(path.stem for path in folder.glob("*.toml"))
    if name_or_path in names:
        return folder / f"{name_or_path}.toml"
    near = nearest(name_or_path, names)
    hint = f"did you mean {near!r}? " if near else ""
    raise ConfigurationError(
        f"--env {name_or_path}",
        [Problem("", f"no such environment, {hint}there are {', '.join(names)}; a file is named by its path")],
    )


def _extended(file: TomlFile, folder: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The file's content over that of the environment that it extends, table by table."""
    content = dict(file.content)
    base = content.pop("extends", None)
    if base is None:
        return content, []
    names = sorted(path.stem for path in folder.glob("*.toml"))
    if base not in names:
        return content, [Problem("extends", f"no environment {base!r}, {suggestion(str(base), names)}")]
    below = read_toml(folder / f"{base}.toml").content
    if "extends" in below:
        return content, [Problem("extends", f"{base} extends another environment itself; one step is enough")]
    return _merged(below, content), []


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _resolved(environment: Environment, variables: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The values of the named variables, and what is missing for the declared abilities."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    needed = {secret: ability for ability in environment.abilities for secret in NEEDED_SECRETS.get(ability, ())}
    for key in SecretNames.model_fields:
        secret = key.removesuffix("_env")
        variable = getattr(environment.secret_names, key)
        ability = needed.get(secret)
        if variable is None:
            if ability:
                problems.append(
                    Problem(
                        f"[secrets] {key}",
                        f'missing, ability "{ability}" needs it; name its variable, or remove "{ability}" from abilities',
                    )
                )
        elif variables.get(variable, "").strip():
            values[secret] = variables[variable].strip()
        elif ability:
            state = "is empty" if variable in variables else "is not set"
            problems.append(
                Problem(f"[secrets] {key}", f'{variable} {state}; export it, or remove "{ability}" from abilities')
            )
    return values, problems


def _url_problems(environment: Environment) -> Iterator[Problem]:
    for key in Urls.model_fields:
        url = getattr(environment.urls, key)
        required = key in {"frontend", "api", "backend"}
        if not url:
            if required:
                yield Problem(f"[urls] {key}", "missing, it is required")
            continue
        wrong = _wrong_with(url, must_encrypt=environment.kind != _SANDBOX)
        if wrong:
            yield Problem(f"[urls] {key}", f"expected {wrong}")


def _wrong_with(url: str, *, must_encrypt: bool) -> str:
    """What an address should be and is not; empty when it is good. The address is not repeated: it may carry credentials."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "an http or https address with a host, such as 'https://api.example.org'"
    if parts.username or parts.password:
        return "an address without credentials; name them under [secrets]"
    if parts.query or parts.fragment or parts.path:
        return "an address that ends with its host, without path, slash or query; paths stand under [paths]"
    if must_encrypt and parts.scheme != "https" and not _is_loopback(parts.hostname):
        return "https: tokens are sent there"
    return ""


def _sandbox_problems(environment: Environment, file: TomlFile) -> Iterator[Problem]:
    if environment.sandbox is None:
        return
    if environment.kind != _SANDBOX:
        yield Problem(
            "[sandbox]", f"only an environment of kind 'sandbox' may have it, this one is {environment.kind!r}"
        )
    if file.mode & _PRIVATE_BITS:
        yield Problem("[sandbox] token", f"the file's mode is {file.mode:04o}, others can read it; chmod 600 it")
    addresses = {f"[urls] {key}": getattr(environment.urls, key) for key in Urls.model_fields}
    addresses["[sandbox] control_url"] = environment.sandbox.control_url
    for place, url in addresses.items():
        if url and not _is_loopback(urlsplit(url).hostname or ""):
            yield Problem(place, f"the sandbox is on loopback only, found host {urlsplit(url).hostname!r}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private(location: Location) -> bool:
    return location[:1] in {("sandbox",), ("secrets",), ("urls",)}


ABILITIES: tuple[str, ...] = get_args(Ability)
