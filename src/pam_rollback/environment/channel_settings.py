"""What an environment says about who is told: the tables ``[slack]``, ``[statuspage]``, ``[pagerduty]``, ``[email]`` and ``[tracker]``."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pam_rollback.base.addresses import web_address
from pam_rollback.base.configuration import Problem, Table
from pam_rollback.environment.repository_settings import GITHUB_API

SLACK_API = "https://slack.com/api"
STATUSPAGE_API = "https://api.statuspage.io/v1"
PAGERDUTY_API = "https://events.pagerduty.com"
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Slack(Table):
    """In which channel a bot opens threads. Without its token the webhook tells all of it, message by message."""

    channel: Annotated[str, Field(pattern=r"^([CG][A-Z0-9]{6,})?$")] = ""
    """Its id, as in the channel's details; the bot has to be in it."""
    api_url: Annotated[str, AfterValidator(web_address)] = SLACK_API
    """The base address of Slack's Web API."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if not self.channel:
            yield Problem("[slack] channel", "missing: the channel's id, such as C0123ABCD, from its details")


class Statuspage(Table):
    """Which page is the public status page, for whoever may write there."""

    page_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]*$")] = ""
    """As in the address of its management page."""
    api_url: Annotated[str, AfterValidator(web_address)] = STATUSPAGE_API
    """The base address of Statuspage's API, with its version."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if not self.page_id:
            yield Problem("[statuspage] page_id", "missing: the id of the page, from its management address")


class PagerDuty(Table):
    """Where events go. Whose pager they ring is in the routing key, which is a secret."""

    api_url: Annotated[str, AfterValidator(web_address)] = PAGERDUTY_API
    """The base address of the Events API; accounts of the European region have another one."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this: nothing, the address is checked with all others."""
        yield from ()


class Email(Table):
    """Which server takes mail, and as whom it is sent."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]*$")] = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: Annotated[str, Field(alias="from", pattern=r"^([^@\s<>]+@[^@\s<>]+)?$")] = ""
    """The address that mail is sent from; it must be one that the server lets this user send as."""
    starttls: bool = True
    """Encrypt before anything is said. Only a server on this machine may do without."""

    @property
    def is_local(self) -> bool:
        """Mail stays on this machine, as far as the first server is concerned."""
        return self.host in _LOOPBACK_HOSTS

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if not self.host:
            yield Problem("[email] host", "missing: the server that takes mail, such as smtp.example.com")
        if not self.sender:
            yield Problem("[email] from", "missing: the address that mail is sent from")
        if self.host and not self.starttls and not self.is_local:
            yield Problem("[email] starttls", "false, but the server is not on this machine: mail must be encrypted")


class Tracker(Table):
    """Where incidents are on record: the issues of a repository. A token that is missing is said, and stops nothing."""

    kind: Literal["github"] = "github"
    """Which tracker it is."""
    repository: Annotated[str, Field(pattern=r"^([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?$")] = ""
    """As ``owner/name``. Whoever may read its issues reads of incidents."""
    api_url: Annotated[str, AfterValidator(web_address)] = GITHUB_API
    """The base address of its API."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if not self.repository:
            yield Problem("[tracker] repository", "missing: the repository whose issues are incidents, as owner/name")
