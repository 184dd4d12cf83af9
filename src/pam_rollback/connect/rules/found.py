"""All that a look at a product showed. No secret is in it: keys and passwords stay in variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pam_rollback.connect.rules.proposals import Kept, Turned
from pam_rollback.environment.hosts import HOSTS
from pam_rollback.product.rules.chat_answer import Intent
from pam_rollback.rollback.rules.hosts_seen import HostSeen


@dataclass(frozen=True)
class Where:
    """The product's addresses, without the slash at their ends. Empty: there is none, or nobody knows."""

    frontend: str
    api: str
    backend: str
    supabase: str = ""
    previous_frontend: str = ""
    previous_api: str = ""


@dataclass(frozen=True)
class Site:
    """What the front end is."""

    title: str
    text: tuple[str, ...]
    """Words that its page has, in the previous release, too."""
    names: tuple[str, ...]
    """Whose addresses its scripts name."""
    addresses: tuple[str, ...]
    """All that they name, for whoever looks for an address."""
    scripts: int
    crawl_delay_s: float = 0.0
    unleash: tuple[str, ...] = ()
    """Where its scripts ask Unleash for flags."""


@dataclass(frozen=True)
class Catalogue:
    """What the database says of itself."""

    role: str
    tables: Mapping[str, tuple[str, ...]]
    """Of the tables that the checks speak of: the columns."""
    missing: tuple[str, ...] = ()
    """Tables that the checks speak of and that are not there."""
    hidden: tuple[str, ...] = ()
    """Tables of which row level security hides rows from this role."""
    writable: tuple[str, ...] = ()
    """Tables that this role may change."""

    @property
    def settings(self) -> str:
        """``wide`` (a column for each kind of setting), ``narrow`` (a row for each), or empty where there is no such table."""
        columns = self.tables.get("user_settings", ())
        if not columns:
            return ""
        return "narrow" if "setting_name" in columns else "wide"


@dataclass(frozen=True)
class Found:
    """Everything, as far as it was looked at."""

    where: Where
    site: Site
    health: Mapping[str, Kept | None]
    """By component; None: nothing answers for it that can be believed."""
    turned: Mapping[str, tuple[Turned, ...]]
    """By component: the endpoints that were not taken."""
    operations: frozenset[tuple[str, str]] | None = None
    """Methods and path templates of ``/openapi.json``; None where the product does not describe itself."""
    described_at: str = ""
    """Where that description is; empty where there is none."""
    catalogue: Catalogue | None = None
    hosted: Mapping[str, HostSeen] = field(default_factory=dict)
    """By the name of the host: the site or service there."""
    served_by: tuple[str, ...] = ()
    """The hosts that the headers of its answers speak of."""
    signed_in: bool = False
    """The test account could sign in."""
    intent: Intent | None = None
    """Whether PAM's answer to one question named an intent; None: it was not asked, or did not answer."""
    unknown: tuple[str, ...] = ()
    """What was asked and could not be known, each with the reason."""

    @property
    def repository(self) -> Mapping[str, str]:
        """What the hosts tell of the repository, as ``[git]`` has it; each thing by the first that knows it."""
        keys = ("remote", "branch", "frontend_folder", "build_command", "publish_folder")
        seen = [self.hosted[host.name] for host in HOSTS if host.name in self.hosted]
        return {key: next(filter(None, (getattr(one, key) for one in seen)), "") for key in keys}
