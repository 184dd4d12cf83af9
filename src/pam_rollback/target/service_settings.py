"""The services beside the product that an environment names: channels, Prometheus, repository, readiness."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict

from pam_rollback.core.addresses import web_address
from pam_rollback.core.configuration import Needed, Service, Table

GITHUB_API = "https://api.github.com"
_NAME = r"^[A-Za-z0-9._~-]+$"
_BRANCH = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"


class GitHub(Service):
    """Where the repository's pull requests are, for a branch that takes no pushes. The token is that of ``git_token_env``."""

    repository: Annotated[
        str, Field(pattern=r"^([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?$"), Needed("the repository, as owner/name")
    ] = ""
    """As ``owner/name``."""
    api_url: Annotated[str, AfterValidator(web_address)] = GITHUB_API
    """The base address of GitHub's API."""


class Git(Service):
    """The repository that both sites are built from. A token, where one is needed, is a secret and stands in no address."""

    remote: Annotated[str, Needed("the address of the repository")] = ""
    """``https://…``, ``ssh://…``, ``git@host:path`` or, on a sandbox, a folder."""
    branch: Annotated[str, Field(pattern=_BRANCH)] = "main"
    """Where a push deploys."""
    frontend_folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]*$")] = ""
    """Where the front end's package.json is, below the root."""
    build_command: Annotated[str, Field(pattern=r"^[a-z0-9:_-]+$")] = "build:production"
    """The npm script that builds it."""
    publish_folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+$")] = "dist"
    """Where the build is, below ``frontend_folder``."""
    version_file: Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$")] = ""
    """Where a commit says the version that the back end names: JSON, TOML, code with one assignment, or a file with nothing else."""

    migrations_folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+$")] = "migrations"
    """Where migrations are: ``VERSION_NAME.up.sql`` and ``VERSION_NAME.down.sql``, or ``VERSION_NAME.sql`` as Supabase has them."""
    features_file: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+$")] = "features.json"
    """What is new in a release, and behind which flag (docs/how-to/redeploy.md)."""

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Return what does not fit together, by its key."""
        if self.remote.startswith("-") or any(character.isspace() for character in self.remote):
            yield ("remote", "is no address: it begins with a dash or has blanks")
        elif re.match(r"[a-z+]+://[^/@]*:[^/]*@", self.remote, re.IGNORECASE):
            yield ("remote", "has a password in it: put it in the variable of [secrets] git_token_env")


SLACK_API = "https://slack.com/api"
STATUSPAGE_API = "https://api.statuspage.io/v1"
PAGERDUTY_API = "https://events.pagerduty.com"
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Slack(Service):
    """In which channel a bot opens threads. Without its token the webhook tells all of it, message by message."""

    channel: Annotated[
        str, Field(pattern=r"^([CG][A-Z0-9]{6,})?$"), Needed("the channel's id, such as C0123ABCD, from its details")
    ] = ""
    """Its id, as in the channel's details; the bot has to be in it."""
    api_url: Annotated[str, AfterValidator(web_address)] = SLACK_API
    """The base address of Slack's Web API."""


class Statuspage(Service):
    """Which page is the public status page, for whoever may write there."""

    page_id: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9]*$"), Needed("the id of the page, from its management address")
    ] = ""
    """As in the address of its management page."""
    api_url: Annotated[str, AfterValidator(web_address)] = STATUSPAGE_API
    """The base address of Statuspage's API, with its version."""


class PagerDuty(Service):
    """Where events go. Whose pager they ring is in the routing key, which is a secret."""

    api_url: Annotated[str, AfterValidator(web_address)] = PAGERDUTY_API
    """The base address of the Events API; accounts of the European region have another one."""


class Email(Service):
    """Which server takes mail, and as whom it is sent."""

    host: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9.:-]*$"), Needed("the server that takes mail, such as smtp.example.com")
    ] = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: Annotated[
        str, Field(alias="from", pattern=r"^([^@\s<>]+@[^@\s<>]+)?$"), Needed("the address that mail is sent from")
    ] = ""
    """The address that mail is sent from; it must be one that the server lets this user send as."""
    starttls: bool = True
    """Encrypt before anything is said. Only a server on this machine may do without."""

    @property
    def is_local(self) -> bool:
        """Mail stays on this machine, as far as the first server is concerned."""
        return self.host in _LOOPBACK_HOSTS

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Return what does not fit together, by its key."""
        if self.host and not self.starttls and not self.is_local:
            yield ("starttls", "false, but the server is not on this machine: mail must be encrypted")


class Tracker(Service):
    """Where incidents are on record: the issues of a repository. A token that is missing is said, and stops nothing."""

    kind: Literal["github"] = "github"
    """Which tracker it is."""
    repository: Annotated[
        str,
        Field(pattern=r"^([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?$"),
        Needed("the repository whose issues are incidents, as owner/name"),
    ] = ""
    """As ``owner/name``. Whoever may read its issues reads of incidents."""
    api_url: Annotated[str, AfterValidator(web_address)] = GITHUB_API
    """The base address of its API."""


_SELECTOR = re.compile(r"""([A-Za-z_:][A-Za-z0-9_:]*)?\s*(\{([^{}"']|"([^"\\]|\\.)*"|'([^'\\]|\\.)*')*\})?""")
_GAP_STEPS_MIN = 2


def _selector(value: str) -> str:
    named = value.strip()
    if value and (named in {"", "{}"} or not _SELECTOR.fullmatch(named)):
        raise ValueError(
            'expected series as they were scraped, such as pam_requests_total{job="pam"}, without functions or [ranges]: rates are taken '
            f"here, for each process and before adding up, so that restarts are seen; found {value!r}"
        )
    return named


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"expected a regular expression, found {value!r} ({error})") from None
    return value


Selector = Annotated[str, AfterValidator(_selector)]
Pattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]


class Prometheus(Service):
    """Where Prometheus is and which series are the product's. What is left empty cannot be asked there."""

    url: Annotated[str, AfterValidator(web_address)]
    """The base address, without ``/api/v1``."""
    step_s: Annotated[float, Field(ge=1, le=300)] = 30
    """How much time one point stands for: at least two scrape intervals."""
    gap_max_s: Annotated[float, Field(gt=0, le=900)] = 120
    """A longer time without a known point makes a window unknown."""
    requests: Selector = ""
    """The counter of requests, of all statuses; without those that scrapes and health checks make."""
    status_label: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "status"
    """The label of ``requests`` that tells errors from good answers."""
    status_errors: Pattern = "5.."
    status_fine: Pattern = "[1-4].."
    error_rate_pct: str = ""
    """Where requests are not counted: an expression whose one result is the error rate in per cent."""
    latency_buckets: Selector = ""
    """The ``_bucket`` series of the histogram of response times, in seconds."""
    memory_bytes: Selector = ""
    """How much memory each process holds."""
    process_start: Selector = ""
    """When each process started, in seconds since 1970: shows restarts that counters alone can hide."""
    up: Selector = ""
    """1 while the product answers, 0 while it does not: Prometheus' own ``up``, or ``probe_success`` of a probe from outside."""

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Return what does not fit together, by its key."""
        if self.requests and self.error_rate_pct:
            yield ("error_rate_pct", "besides requests; one of them: which would be believed?")
        if not (self.requests or self.error_rate_pct or self.latency_buckets or self.memory_bytes):
            what = "no series is named: expected requests, error_rate_pct, latency_buckets or memory_bytes"
            yield ("", what)
        if self.gap_max_s < _GAP_STEPS_MIN * self.step_s:
            what = f"{self.gap_max_s:g} is less than {_GAP_STEPS_MIN} steps of {self.step_s:g} s: each late scrape would be a hole"
            yield ("gap_max_s", what)


_Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Strict(False)]  # noqa: FBT003 - TOML has lists


class Preparedness(Table):
    """Where the records of the team are: who is on call, where drills count, where post-mortems are kept."""

    calendar: str = ""
    """Who is on call, as an iCalendar file below the project. One at a private address, such as
    PagerDuty exports, is a secret: ``on_call_calendar_env``."""
    on_call_d: Annotated[float, Field(gt=0, le=90)] = 14
    """So many days ahead somebody is to be on call at any hour."""
    absent: str = ""
    """Somebody who is away: ill, on holiday, or gone. Nothing may stand on them."""
    postmortems: str = ""
    """The folder of finished post-mortems below the project, a Markdown file each, which names its run."""
    postmortem_within_d: Annotated[float, Field(gt=0, le=90)] = 7
    """So long after a real rollback its post-mortem may be open."""
    drilled_in: _Names = ()
    """The environments whose drills count here; none named: all."""


class Unleash(Service):
    """An Unleash server that switches the plan's flags, under the names that the plan gives them."""

    url: Annotated[
        str, AfterValidator(web_address), Needed("the address of the Unleash server, without /api/admin")
    ] = ""
    """Where its admin API is, without ``/api/admin``."""
    frontend_url: Annotated[str, AfterValidator(web_address)] = ""
    """Where the product's pages ask, without ``/api/frontend``: an Unleash Edge, for instance. Empty: the same as ``url``."""
    project: Annotated[str, Field(pattern=_NAME)] = "default"
    """The project that has the flags."""
    environment: Annotated[str, Field(pattern=_NAME)] = "production"
    """Unleash's own name of the environment. Nothing is read or changed in another one."""

    @property
    def evaluated_at(self) -> str:
        """Where users' flags are asked for."""
        return self.frontend_url or self.url
