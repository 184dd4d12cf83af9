"""Who publishes the front end and who runs the back end: the hosts that have a table of their own, and a host of yours.

Outside its folder in ``rollback/providers`` a host is named here alone. One more is such a folder, and here its table with its line in
``HOSTS``, and its keys in ``HostTables``, ``HostVariables`` and ``HostSecret``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, Strict

from pam_rollback.core.addresses import web_address
from pam_rollback.core.configuration import Needed, Service, Table

HostedSite = Literal["frontend", "backend"]
HostSecret = Literal["netlify_auth_token", "render_api_key"]
HostAbility = Literal["render_metrics"]
HOST_RECORDS: Final = "render_metrics"
"""The ability by which an environment declares that its back end's host records what it serves."""
KINDS: Mapping[HostedSite, str] = {"frontend": "site", "backend": "service"}
"""What a site is called where its host has it."""
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


@dataclass(frozen=True)
class KnownHost:
    """A host with a table of its own in an environment's file."""

    name: str
    """Of that table, and of its folder in ``rollback/providers``."""
    title: str
    """For people."""
    site: HostedSite
    """What it hosts."""
    secret: HostSecret
    api_url: str
    """The base address of its API."""
    abilities: tuple[HostAbility, ...] = ()
    """What it offers beside hosting."""
    id_like: str = "…"
    """What an id of a site or service looks like."""

    @property
    def kind(self) -> str:
        """``site`` or ``service``."""
        return KINDS[self.site]

    @property
    def id_key(self) -> str:
        """The key of its table that says which one it is."""
        return f"{self.kind}_id"

    @property
    def part(self) -> str:
        """For people: ``front end`` or ``back end``."""
        return self.site.replace("end", " end")

    @property
    def variable(self) -> str:
        """The usual name of the variable that holds the secret."""
        return self.secret.upper()


class Host(Table):
    """Who publishes the front end or runs the back end, where that is a provider of your own (docs/reference/extending.md)."""

    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    """By the name under which it was added."""
    api_url: Annotated[str, AfterValidator(web_address)]
    """Where it is asked."""
    id: Annotated[str, Field(min_length=1)]
    """Which site or service it is there."""
    workers: Annotated[tuple[str, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Of a back end: the other services that a push deploys from the same commit. They go back with the API."""


NETLIFY = KnownHost(
    "netlify",
    "Netlify",
    "frontend",
    "netlify_auth_token",
    "https://api.netlify.com/api/v1",
)


class Netlify(Service):
    """Which site is the front end. Among the abilities, ``netlify`` is another word for ``frontend_host``."""

    site_id: Annotated[
        str, Field(pattern=r"^([A-Za-z0-9-]+)?$"), Needed("the API id of the site, from its page of settings")
    ] = ""
    """The API id of the site, as on its page of settings."""
    api_url: Annotated[str, AfterValidator(web_address)] = NETLIFY.api_url
    """The base address of Netlify's API."""


RENDER = KnownHost(
    "render",
    "Render",
    "backend",
    "render_api_key",
    "https://api.render.com/v1",
    abilities=(HOST_RECORDS,),
    id_like="srv-…",
)
FINEST_STEP_S = 30
"""Render gives no points that are closer together."""
_GAP_STEPS_MIN = 3


class Render(Service):
    """Which service is the back end, whose it is, and how finely its metrics are asked for.

    Among the abilities, ``render`` is another word for ``backend_host``.
    """

    service_id: Annotated[
        str, Field(pattern=r"^(srv-[A-Za-z0-9-]+)?$"), Needed("the id of the back end's service, such as srv-abc123")
    ] = ""
    """As in the address of its page in the Dashboard: ``srv-…``."""
    workers: Annotated[tuple[Annotated[str, Field(pattern=r"^srv-[A-Za-z0-9-]+$")], ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """The other services that a push deploys from the same commit, such as a background worker: they go back with the API."""
    owner_id: Annotated[str, Field(pattern=r"^((tea|usr|own)-[A-Za-z0-9-]+)?$")] = ""
    """The workspace that it has to belong to; empty: not looked at."""
    api_url: Annotated[str, AfterValidator(web_address)] = RENDER.api_url
    """The base address of Render's API."""
    resolution_s: Annotated[int, Field(ge=1, le=3600)] = 60
    """How much time one point stands for: 30 at least on Render itself."""
    gap_max_s: Annotated[float, Field(gt=0, le=7200)] = 180
    """A longer time without a known point makes a window unknown."""

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Return what does not fit together, by its key."""
        twice = {one for one in (self.service_id, *self.workers) if (self.service_id, *self.workers).count(one) > 1}
        if twice:
            yield "workers", f"{', '.join(sorted(twice))} stands twice; it lists services beside the API"
        if self.api_url == RENDER.api_url and self.resolution_s < FINEST_STEP_S:
            what = f"{self.resolution_s} s is finer than Render tells: {FINEST_STEP_S} at least"
            yield "resolution_s", what
        if self.gap_max_s < _GAP_STEPS_MIN * self.resolution_s:
            # Its steps begin when it likes, and the latest one is not over: two of them are always missing at the ends.
            what = f"{self.gap_max_s:g} is less than {_GAP_STEPS_MIN} steps of {self.resolution_s} s: each window would have a hole"
            yield "gap_max_s", what


HOSTS = (NETLIFY, RENDER)
"""The front end's first: of a repository that is both's it tells more."""


class HostTables(Table):
    """Their tables in an environment's file."""

    netlify: Netlify | None = None
    render: Render | None = None


class HostVariables(Table):
    """The names of the variables that hold their secrets."""

    netlify_auth_token_env: VariableName | None = None
    render_api_key_env: VariableName | None = None


def hosts_of(site: HostedSite) -> list[KnownHost]:
    """Those that could host that site."""
    return [host for host in HOSTS if host.site == site]
