"""Does what the public and the users are told agree with how the service is?  Plan items CH-3 and CH-4.

An incident of the status page is *open* while its status is "investigating" or "identified" (or a word that nobody knows), and *watched*
while it is "monitoring". The service is *well* when every health answer of the plan is.

=============  =======================  ==========================================================================================
the service    the page is truthful     when
=============  =======================  ==========================================================================================
well           yes                      no incident is open, and its headline is operational; or minor while an incident is watched;
                                        or maintenance while one is under way
well           no                       an incident is open, or the headline claims trouble that nothing explains
not well       yes                      an incident is open, or the headline admits trouble
not well       no                       the headline says operational and no incident is open
either         no                       the page cannot be read
=============  =======================  ==========================================================================================

The notice inside the app has to be there while an incident is open or the service is not well, and gone when it is well and nothing is
watched either; while an incident is watched, both are right. Without a status page only one thing is known: it has to be gone when the
service is well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pam_rollback.core.answer import Answer
from pam_rollback.core.figures import Fact, Measured, Sentence
from pam_rollback.target.health import HealthReport, is_healthy


@dataclass(frozen=True)
class ReceivedMessage:
    """One message as the incident channel got it. ``channel`` is empty unless the message asks for another one than the webhook's."""

    text: str
    channel: str = ""

    @classmethod
    def of(cls, body: dict[str, Any]) -> "ReceivedMessage":
        """Read the JSON that was posted."""
        return cls(text=str(body.get("text", "")), channel=str(body.get("channel", "")))


@dataclass(frozen=True, repr=False)
class MessageDelivery(Fact):
    """What became of the message to the incident channel. ``received`` is None where nobody can look into the channel."""

    channel: str
    run_id: str
    drill: bool
    problem: str
    received: Sequence[ReceivedMessage] | None = None

    @property
    def became(self) -> str:
        """What became of it: it arrived, was accepted where nobody can look, or is not told as it should be."""
        return "not told" if self.why else "accepted" if self.received is None else "arrived"

    @property
    def why(self) -> str:
        """What is wrong with it."""
        if self.problem:
            return f"{self.channel} was not told: {self.problem}"
        if self.received is None:
            return ""
        own = [message for message in self.received if self.run_id in message.text]
        if not own:
            return f"{self.channel} was not told: accepted, but no message of run {self.run_id} among the {len(self.received)} that arrived"
        unmarked = [message for message in own if self.drill and not message.text.startswith("DRILL")]
        if unmarked:
            return (
                f"{self.channel} was told of a drill as if it were real: {unmarked[0].text!r} does not begin with DRILL"
            )
        astray = [message for message in own if message.channel not in {"", self.channel}]
        return f"{self.channel} was not told: the message asks for the channel {astray[0].channel}" if astray else ""

    @property
    def measured(self) -> Measured:
        """What became of it."""
        said = self.why or f"{self.channel} was told of run {self.run_id}"
        return Measured(f"message to {self.channel}", asked="told", value=self.became, n=1, sentence=said)


OPERATIONAL = "none"
"""The page's headline when nothing is wrong."""
_INDICATORS = (OPERATIONAL, "minor", "major", "critical", "maintenance")
_OVER = frozenset({"resolved", "postmortem"})
_WATCHED = "monitoring"
_OK = 200
_MAINTAINED_NOW = frozenset({"in_progress", "verifying"})


@dataclass(frozen=True, repr=False)
class Service(Sentence):
    """How the service is, by its own health answers. ``troubles`` has a sentence for each answer that is not healthy."""

    troubles: tuple[str, ...]

    @classmethod
    def of(cls, reports: Iterable[HealthReport]) -> "Service":
        """Healthy is one word and one status, as the health checks judge it."""
        return cls(tuple(f"{report.name} says {report.status}" for report in reports if not is_healthy(report)))

    @property
    def well(self) -> bool:
        """Every answer is healthy."""
        return not self.troubles

    def __str__(self) -> str:
        if self.well:
            return "the service is healthy"
        more = f" and {len(self.troubles) - 1} more" if len(self.troubles) > 1 else ""
        return f"the service is not healthy ({self.troubles[0]}{more})"


@dataclass(frozen=True, repr=False)
class PageIncident(Sentence):
    """An incident that the status page shows."""

    name: str
    status: str
    impact: str

    @property
    def open(self) -> bool:
        """Trouble goes on. A status that nobody knows counts as open."""
        return not self.over and self.status != _WATCHED

    @property
    def over(self) -> bool:
        """It is told as history."""
        return self.status in _OVER

    def __str__(self) -> str:
        return f"{self.name!r} ({self.status}, impact {self.impact})"


@dataclass(frozen=True, repr=False)
class StatusPage(Sentence):
    """What the status page tells the public. ``problem`` is empty when it could be read."""

    url: str
    indicator: str = ""
    description: str = ""
    incidents: tuple[PageIncident, ...] = ()
    under_maintenance: bool = False
    problem: str = ""
    reached: bool = True
    """Something answered, whatever it said."""
    cause: str = ""
    """What stood in its way, and in that of others."""

    @classmethod
    def of(cls, answer: Answer) -> "StatusPage":
        """Read Statuspage's public ``/api/v2/summary.json``; nothing that a page can say raises."""
        body = answer.json
        if body is None or answer.http_status != _OK:
            reached = answer.http_status is not None
            return cls(url=answer.url, problem=f"cannot be read: {answer}", reached=reached, cause=answer.cause)
        try:
            page = _page_in(answer.url, body)
        except (TypeError, KeyError, AttributeError) as error:
            return cls(url=answer.url, problem=f"is not the summary of a status page ({error!r}): {answer}")
        if page.indicator not in _INDICATORS:
            problem = f"has the headline {page.indicator!r}, expected one of {', '.join(_INDICATORS)}"
            return cls(url=answer.url, problem=problem)
        return page

    @property
    def open_incidents(self) -> tuple[PageIncident, ...]:
        """The incidents that go on."""
        return tuple(incident for incident in self.incidents if incident.open)

    @property
    def watched(self) -> bool:
        """An incident is being watched after its repair."""
        return any(incident.status == _WATCHED for incident in self.incidents)

    def __str__(self) -> str:
        if self.problem:
            return f"the status page {self.problem}"
        shown = "; ".join(map(str, self.incidents)) or "no incident"
        return f"the status page says {self.description!r} ({self.indicator}), {shown}"


@dataclass(frozen=True, repr=False)
class PublicTruth(Fact):
    """The status page beside the service. ``why`` is empty when they agree."""

    page: StatusPage
    service: Service

    @property
    def why(self) -> str:
        """What does not agree; see the table at the top of this module."""
        page = self.page
        if page.problem:
            return f"the status page {page.problem}"
        return self._why_not_when_well() if self.service.well else self._why_not_when_ill()

    def _why_not_when_well(self) -> str:
        page = self.page
        if page.open_incidents:
            return f"{self.service}, but the status page still shows {page.open_incidents[0]}: close the incident there"
        explained = (
            page.indicator == OPERATIONAL
            or (page.indicator == "minor" and page.watched)
            or (page.indicator == "maintenance" and page.under_maintenance)
        )
        return "" if explained else f"{self.service}, but {page} and nothing there explains it"

    def _why_not_when_ill(self) -> str:
        page = self.page
        if page.open_incidents or page.indicator != OPERATIONAL:
            return ""
        return f"{self.service}, but {page}: open an incident there"

    @property
    def measured(self) -> Measured:
        """What the page says, beside what it has to say."""
        page = self.page
        return Measured(
            "status page",
            asked="operational, no open incident" if self.service.well else "trouble is admitted",
            value=page.problem or f"{page.indicator}, {len(page.open_incidents)} open incidents",
            n=1,
            sentence=self.why or f"{page}; {self.service}",
            cause=page.cause,
        )


@dataclass(frozen=True, repr=False)
class Notice(Sentence):
    """The notice inside the app, as every visitor gets it. ``problem`` is empty when it could be read."""

    active: bool = False
    text: str = ""
    since: str = ""
    problem: str = ""
    cause: str = ""
    """What stood in its way, and in that of others."""

    @classmethod
    def of(cls, answer: Answer) -> "Notice":
        """Read the answer; nothing that a service can say raises."""
        body = answer.json
        if not isinstance(body, dict) or answer.http_status != _OK:
            return cls(problem=f"cannot be read: {answer}", cause=answer.cause)
        active, text = body.get("active"), body.get("text")
        if not isinstance(active, bool) or not isinstance(text, str):
            return cls(problem=f"is no notice, expected active (true or false) and text: {answer}")
        return cls(active=active, text=text.strip(), since=str(body.get("since") or ""))

    def __str__(self) -> str:
        if self.problem:
            return f"the notice in the app {self.problem}"
        if not self.active:
            return "there is no notice in the app"
        since = f" since {self.since}" if self.since else ""
        return f"the app shows {self.text!r}{since}" if self.text else f"the app shows a notice without a text{since}"


@dataclass(frozen=True, repr=False)
class UsersTold(Fact):
    """The notice in the app beside the service and, where there is one, the status page. ``why`` is empty when they agree."""

    notice: Notice
    service: Service
    page: StatusPage | None

    @property
    def wanted(self) -> bool | None:
        """Whether a notice has to be there; None when both are right."""
        page = self.page if self.page is not None and not self.page.problem else None
        if page is not None and page.open_incidents:
            return True
        if self.service.well:
            return None if page is not None and page.watched else False
        # Without a page nobody can tell since when the service has been ill; the health checks are red in any case.
        return True if page is not None else None

    @property
    def why(self) -> str:
        """What does not agree; see the top of this module."""
        if self.notice.problem or (self.notice.active and not self.notice.text):
            return str(self.notice)
        if self.wanted is True and not self.notice.active:
            reason = (
                f"{self.page.open_incidents[0]} is open" if self.page and self.page.open_incidents else self.service
            )
            return f"{reason}, but {self.notice}: put one there"
        if self.wanted is False and self.notice.active:
            return f"{self.service} and no incident is open, but {self.notice}: take it away"
        return ""

    @property
    def measured(self) -> Measured:
        """Whether there is a notice, beside whether there has to be one."""
        return Measured(
            "notice in the app",
            asked={True: "a notice", False: "no notice", None: "either"}[self.wanted],
            value=self.notice.problem or ("a notice" if self.notice.active else "no notice"),
            n=1,
            sentence=self.why or f"{self.notice}; {self.service}",
            cause=self.notice.cause,
        )


def _page_in(url: str, body: Any) -> StatusPage:
    """Read the summary. Raises TypeError, KeyError or AttributeError when it is none."""
    status = body["status"]
    incidents = (
        PageIncident(name=str(one["name"]), status=str(one["status"]), impact=str(one["impact"]))
        for one in body["incidents"]
    )
    return StatusPage(
        url=url,
        indicator=str(status["indicator"]),
        description=str(status["description"]),
        incidents=tuple(incident for incident in incidents if not incident.over),
        under_maintenance=any(one["status"] in _MAINTAINED_NOW for one in body.get("scheduled_maintenances", ())),
    )
