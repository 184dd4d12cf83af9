"""Where a session works: addresses, abilities, figures and the names of its secrets.

In one module: one class: what the file says, and what follows from several of its tables together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, PrivateAttr, Strict

from pam_rollback.core.configuration import ConfigurationError, Problem, nearest
from pam_rollback.target.conditions import Condition
from pam_rollback.target.contract import USER_ID, Component, Contract, Site, UsersRows
from pam_rollback.target.environment_tables import (
    OPERATION_PATHS,
    Ability,
    Browser,
    Chat,
    Load,
    LoadedJourney,
    Pages,
    Paths,
    ProbedJourney,
    Probing,
    Ramp,
    Release,
    Sandbox,
    SecretName,
    SecretVariables,
    Sql,
    Urls,
    Waiver,
)
from pam_rollback.target.hosts import HOSTS, KINDS, Host, HostedSite, HostTables, KnownHost, hosts_of
from pam_rollback.target.service_settings import (
    Email,
    Git,
    GitHub,
    PagerDuty,
    Preparedness,
    Prometheus,
    Slack,
    Statuspage,
    Tracker,
    Unleash,
)
from pam_rollback.target.switches import Switch

OPEN_JOURNEYS: tuple[ProbedJourney, ...] = ("front page", "cached front page", "health")
"""What the prober can ask for without an account."""
OPEN_LOADED_JOURNEYS: tuple[LoadedJourney, ...] = ("front page", "health")
"""The same of a load test."""
_NEEDED_SECRETS: Mapping[str, tuple[SecretName, ...]] = {
    "flag_admin": ("admin_token",),
    "cache_admin": ("admin_token",),
    "emergency_endpoint": ("emergency_token",),
    "slack": ("slack_webhook",),
    "test_account": ("test_user_email", "test_user_password"),
    "second_test_account": ("second_test_user_email", "second_test_user_password"),
    "feature_check": ("admin_token",),
    "database": ("database_dsn",),
    "staging_copy": ("staging_copy_dsn",),
    "statuspage": ("statuspage_api_key",),
    "pagerduty": ("pagerduty_routing_key",),
    **{ability: (host.secret,) for host in HOSTS for ability in host.abilities},
}
NEEDED_WHERE_NAMED: Mapping[str, tuple[SecretName, ...]] = {
    "prometheus": ("prometheus_token",),
    "email": ("smtp_username", "smtp_password"),
}
"""Many need none; where one is named, all of them are needed."""
_ONLY_WHERE_DECLARED: Mapping[SecretName, str] = {"database_dsn": "database", "staging_copy_dsn": "staging_copy"}
"""A variable that happens to be set opens no database: what is there to be read is declared."""
_NEEDED_AT_UNLEASH: Mapping[str, tuple[SecretName, ...]] = {
    "flag_admin": ("unleash_admin_token",),
    "flag_evaluation": ("unleash_admin_token", "unleash_frontend_token"),
}
"""What these need where a flag service switches the flags, and not the product."""
_NEEDED_AT_SWITCHES: Mapping[str, tuple[SecretName, ...]] = dict.fromkeys(
    ("flag_admin", "flag_evaluation", "emergency_endpoint"), ()
)
"""The same where the contract has switches: which of them can be reached decides what there is (``Environment.switches``)."""
_DECLARED_AS: Mapping[str, str] = {host.name: f"{host.site}_host" for host in HOSTS}
"""What a file may also call them: by who it is."""
_SECRET_NAMES: tuple[SecretName, ...] = get_args(SecretName)


@dataclass(frozen=True)
class Origin:
    """What does not stand in the file itself."""

    file: Path
    source: str
    variables: Mapping[str, str]


def _as_meant(declared: object) -> object:
    """A host may be declared by the name of its provider."""
    if not isinstance(declared, list):
        return declared
    return [_DECLARED_AS.get(name, name) if isinstance(name, str) else name for name in declared]


class Environment(HostTables):
    """One place where the product runs. ``kind`` is what the guard protects; ``abilities`` is what is there to be used."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    kind: Literal["sandbox", "staging", "production"]
    """What the guard protects: damage is planted on a sandbox only, and a real rollback asks for consent."""
    drills: bool = False
    """Rollbacks are practised here, without damage and with the consent of a real one. Staging only."""
    description: str = ""
    product: str = "pam-plan"
    """Whose contract holds here: a file of ``products/``. What the plan assumes, where nobody says more."""
    changes: Annotated[Mapping[str, Any], Field(alias="contract")] = {}
    """What of that contract is different here, in its own tables: ``[contract.health.pam]``."""
    abilities: Annotated[frozenset[Ability], BeforeValidator(_as_meant), Strict(False)] = frozenset()  # noqa: FBT003 - TOML has lists
    """What is there to be used. Tests that need more are left out, and named. A host may be declared by the name of its table."""
    browsers: Annotated[tuple[Browser, ...], Strict(False), Field(min_length=1)] = ("chromium",)  # noqa: FBT003 - TOML has lists
    """The browsers that the journeys must work in here. One that is declared and missing on this machine fails them."""
    pace: Annotated[float, Field(ge=1)] = 1
    """Divides the plan's observation windows. Above 1 the verdict says so, and production refuses it."""
    # Defaults are made without validation: a validator of its own for each small table would cost start-up time.
    urls: Urls = Urls.model_construct()
    paths: Paths = Paths.model_construct()
    secret_variables: Annotated[SecretVariables, Field(alias="secrets")] = SecretVariables.model_construct()
    release: Release = Release.model_construct()
    probing: Probing = Probing.model_construct()
    chat: Chat = Chat.model_construct()
    load: Load = Load.model_construct()
    ramp: Ramp = Ramp.model_construct()
    thresholds: Mapping[str, Mapping[str, float]] = {}
    """Figures of the plan that are others here, by item, as in ``[thresholds.SC-3]``. The verdict names each; one that nobody waived is no
    GO."""
    waivers: Annotated[tuple[Waiver, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    sql: Sql = Sql.model_construct()
    prometheus: Prometheus | None = None
    frontend_host: Host | None = None
    backend_host: Host | None = None
    git: Git | None = None
    github: GitHub | None = None
    slack: Slack | None = None
    statuspage: Statuspage | None = None
    pagerduty: PagerDuty | None = None
    email: Email | None = None
    readiness: Preparedness | None = None
    tracker: Tracker | None = None
    unleash: Unleash | None = None
    flag_service: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = ""
    """Who switches flags, where that is a service of your own: the name under which your ``conftest.py`` gives it."""
    sandbox: Sandbox | None = None

    _origin: Origin = PrivateAttr()
    _contract: Contract = PrivateAttr()
    _secrets: dict[SecretName, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        """Remember the file, and look the secrets up."""
        self._origin = context
        if not self.is_template:
            overlay = {**self._origin.variables, **(self.sandbox.variables if self.sandbox else {})}
            named = {name: self.variable_of(name) for name in _SECRET_NAMES}
            self._secrets = {name: overlay[variable] for name, variable in named.items() if overlay.get(variable)}

    def adopt(self, contract: Contract) -> None:
        """Take the contract of its product, once, when the file is loaded."""
        self._contract = contract

    @property
    def contract(self) -> Contract:
        """What the product that runs here promises."""
        return self._contract

    @property
    def table_names(self) -> Mapping[str, str]:
        """What tables and columns are called here: as ``[sql.names]`` says, else as the contract does."""
        return {**self.contract.tables.names, **self.sql.names}

    @property
    def users_rows(self) -> Mapping[str, UsersRows]:
        """The tables with rows of users that are asked here."""
        return self.contract.tables.of(self.sql.dialect)

    @property
    def pages(self) -> Pages:
        """Where the site's pages are."""
        return self.contract.pages

    @property
    def constant_flags(self) -> str:
        """Why no flag can be switched here; empty where a service switches them."""
        return "" if "flag_admin" in self.abilities else self.contract.flags.constants or ""

    @property
    def has_switches(self) -> bool:
        """Features are switched by what the contract names, and by no flag service or admin API."""
        return bool(self.contract.flags.switches) and self.unleash is None and not self.flag_service

    @property
    def switches(self) -> dict[str, Switch]:
        """The contract's switches that can be reached from here, by the names of their features."""
        rows = bool(self.urls.supabase) and self.has_secret("supabase_service_key")
        reached = {"row": rows, "variable": "backend_host" in self.abilities and self.known_host("backend") is not None}
        found = self.contract.flags.switches if self.has_switches else {}
        return {name: switch for name, switch in found.items() if reached[switch.kind]}

    @property
    def no_shares(self) -> str:
        """Why no share of users can be given a feature here; empty where one can, or where nobody can switch anything."""
        names = ", ".join(self.switches) if "flag_admin" in self.abilities else ""
        words = f"no share of users can be given here: features are on or off for everybody ({names})"
        return names and f"{words}; all at once: pytest drills/test_feature_flag.py"

    def health_url(self, name: str) -> str:
        """The address at which the health of a component is asked; empty where there is none: see ``unasked``."""
        component = self.contract.health.get(name)
        if component is None or self.unasked(component):
            return ""
        return f"{getattr(self.urls, str(component.site))}{component.address}"

    def unasked(self, component: Component) -> str:
        """Why the health of a component is not asked here; empty when it is."""
        if component.no_endpoint is not None:
            return f"{self.product} has no endpoint for {component.title} ({component.no_endpoint})"
        if component.site == "supabase" and not (self.urls.supabase and self.has_secret("supabase_key")):
            what = "no [urls] supabase, or no key that is set ([secrets] supabase_key_env)"
            return f"{component.title} is asked at Supabase: {self.name} names {what}"
        return ""

    def headers_at(self, site: Site | None) -> dict[str, str]:
        """What each request to that host carries: at Supabase the key of the pages."""
        return {"apikey": self.secret("supabase_key")} if site == "supabase" else {}

    @property
    def file(self) -> Path:
        """The file that it was loaded from."""
        return self._origin.file

    @property
    def is_sandbox(self) -> bool:
        """A running sandbox: it calls itself one, and the file holds the controls that only a running one can give."""
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

    @property
    def second_address_proxy(self) -> str:
        """A proxy that asks from another network address; empty when none is declared."""
        own = self.sandbox.second_address_proxy if self.sandbox is not None else ""
        return self.probing.second_address_proxy or own

    def addresses(self) -> Iterator[str]:
        """Every declared address of the product's parts."""
        yield from filter(
            None, (self.urls.frontend, self.urls.api, self.urls.backend, self.urls.supabase, self.urls.status_page)
        )

    @property
    def sign_in_url(self) -> str:
        """Where an account signs in."""
        sign_in = self.contract.sign_in
        return str(getattr(self.urls, sign_in.site)) + sign_in.address

    @property
    def sign_in_headers(self) -> dict[str, str]:
        """What such a request carries besides. Raises ConfigurationError where the key of the pages is not known."""
        return self.headers_at(self.contract.sign_in.site)

    def headers_of(self, operation: str) -> dict[str, str]:
        """What each request of an operation carries besides the token: at Supabase the key of the pages."""
        return self.headers_at(self.contract.operation(operation).site)

    @property
    def chat_intent(self) -> Literal["named", "never"]:
        """Whether a good answer of PAM names an intent: as ``[chat]`` says here, else as the contract does."""
        return self.chat.intent or ("named" if self.contract.names_intent else "never")

    @property
    def chat_good(self) -> tuple[Condition, ...]:
        """What a good answer of PAM has here."""
        good = self.contract.operations["chat"].good
        return tuple(one for one in good if self.chat_intent == "named" or one.pointer != "/intent")

    def path_of(self, path: str) -> str:
        """One of ``[paths]``, below its address; ``{user_id}`` in it is for whoever signs in to fill."""
        if path == "login":
            return self.contract.sign_in.path
        return self.contract.operation(path).path or "" if path in OPERATION_PATHS else str(getattr(self.paths, path))

    def url_of(self, path: str, *, user_id: str = "") -> str:
        """Give the full address of one of ``[paths]``: below the front end or back end where it is theirs, else below the API.

        Empty for what has no endpoint here. ``user_id`` is filled in where the path is one for each user;
        without it ``{user_id}`` stays, for a process that signs in itself.
        """
        if path == "login":
            return self.sign_in_url
        if path in OPERATION_PATHS:
            operation = self.contract.operation(path)
            url = str(getattr(self.urls, operation.site)) + operation.address if operation.address else ""
            return url.replace(USER_ID, user_id) if user_id else url
        owner = {"frontend_version": self.urls.frontend, "asset_manifest": self.urls.frontend}
        where: str = getattr(self.paths, path)
        return owner.get(path, self.urls.api) + where

    def host_of(self, site: HostedSite) -> Host | None:
        """Who publishes the front end or runs the back end; None where the file does not say."""
        known = self.known_host(site)
        if known is None:
            own: Host | None = getattr(self, f"{site}_host")
            return own
        table = getattr(self, known.name)
        at, beside = getattr(table, known.id_key), getattr(table, "workers", ())
        return Host.model_construct(provider=known.name, api_url=table.api_url, id=at, workers=beside)

    def known_host(self, site: HostedSite) -> KnownHost | None:
        """The same, where its host has a table of its own here; None where it is one of yours, or nobody."""
        return next((host for host in hosts_of(site) if getattr(self, host.name) is not None), None)

    @property
    def workers(self) -> tuple[str, ...]:
        """The other services that a deploy of the back end covers, by their ids at its host."""
        host = self.host_of("backend")
        return host.workers if host is not None else ()

    def host_token(self, site: HostedSite) -> str:
        """What its host knows us by. Raises ConfigurationError when it has no value here."""
        return self.secret(self.host_secret(site))

    def host_secret(self, site: HostedSite) -> SecretName:
        """The name of that secret."""
        own: SecretName = "frontend_host_token" if site == "frontend" else "backend_host_token"
        known = self.known_host(site) or hosts_of(site)[0]
        return own if getattr(self, f"{site}_host") is not None else known.secret

    def secret(self, name: SecretName) -> str:
        """Give a secret. Raises ConfigurationError when it has no value here, or leads to a database that is not declared."""
        if name not in self._secrets:
            raise ConfigurationError(self._origin.source, [self.missing_secret(name)])
        ability = _ONLY_WHERE_DECLARED.get(name, "")
        if ability and ability not in self.abilities:
            what = f'no "{ability}" is declared, so it is not read, although {self.variable_of(name)} is set; add it, or unset that'
            raise ConfigurationError(self._origin.source, [Problem("abilities", what)])
        return self._secrets[name]

    def named_secret(self, name: SecretName) -> str:
        """Give a secret, declared or not: to look at where it leads, never to use it. Raises KeyError when it has no value here."""
        return self._secrets[name]

    def has_secret(self, name: SecretName) -> bool:
        """Whether the secret has a value here; for one that no ability needs."""
        return name in self._secrets

    def secrets(self) -> tuple[str, ...]:
        """Every secret value of this environment, so that none of them is ever written."""
        own = (self.sandbox.token, *self.sandbox.variables.values()) if self.sandbox else ()
        return tuple(dict.fromkeys(value for value in (*self._secrets.values(), *own) if value))

    @property
    def needed_by(self) -> Mapping[str, tuple[SecretName, ...]]:
        """The secrets that each ability needs here."""
        hosts = {f"{site}_host": (self.host_secret(site),) for site in KINDS}
        known = getattr(self, "_contract", None) is not None  # not yet, or wrong itself
        switched = _NEEDED_AT_SWITCHES if known and self.has_switches else {}
        return {**_NEEDED_SECRETS, **(_NEEDED_AT_UNLEASH if self.unleash is not None else switched), **hosts}

    def variable_of(self, name: SecretName) -> str:
        """The variable that holds a secret; empty where none is named."""
        return getattr(self.secret_variables, f"{name}_env") or ""

    def missing_secret(self, name: SecretName) -> Problem:
        """That a secret has no value here, and what to do about it."""
        needs = {**self.needed_by, **NEEDED_WHERE_NAMED}
        users = sorted(self.abilities & {ability for ability, names in needs.items() if name in names})
        way_out = (
            f"remove {' and '.join(f'{user!r}' for user in users)} from abilities".replace("'", '"') if users else ""
        )
        variable = self.variable_of(name)
        if not variable:
            return Problem(
                f"[secrets] {name}_env", f"missing: name the variable that holds it{way_out and ', or '}{way_out}"
            )
        # Variables of one product have much in common: only a slip of the pen is worth a hint.
        near = nearest(variable, (known for known in self._origin.variables if known != variable), likeness=0.85)
        hint = f"; there is {near}" if near else ""
        return Problem(f"[secrets] {name}_env", f"{variable} is not set{hint}; export it{way_out and ', or '}{way_out}")
