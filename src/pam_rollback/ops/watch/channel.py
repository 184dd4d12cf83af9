"""An incident in the team's channel, and by the other means of a rollback's escalation."""

from dataclasses import dataclass

from pam_rollback.notify.channels import Channels
from pam_rollback.notify.escalating import Message, Send
from pam_rollback.notify.escalation import NAMES, OVER, Ladder
from pam_rollback.notify.slack import TeamChannel, team_channel
from pam_rollback.notify.team import link_to_job
from pam_rollback.ops.watch.turn_polls import Tell
from pam_rollback.plan.plan import Plan
from pam_rollback.report.watched_incident import IncidentNews, NotTold, WatchedIncident
from pam_rollback.rollback.journal import Journal
from pam_rollback.target.environment import Environment

_CHANNEL = "the team's channel"
PAGER = NAMES["pagerduty"]


def people(environment: Environment, plan: Plan, journal: Journal) -> dict[str, Tell]:
    """The means by which a rollback's escalation wakes its first level of people, and the team's channel, by their names."""
    on_sandbox = environment.is_sandbox
    ladder = Ladder.of(plan, abilities=environment.abilities, drill=False, on_sandbox=on_sandbox, pace=1)
    level = next(one for one in ladder.levels if one.contacts)
    channels = Channels(environment, journal).by_means()
    contacts = tuple(plan.emails[contact] for contact in level.contacts)
    means = [one for one in level.means if one in {"pagerduty", "email"}]
    found: dict[str, Tell] = {NAMES[one]: Woken(channels[one], level.id, contacts, link_to_job()) for one in means}
    channel = team_channel(environment)
    return found if channel is None else {**found, _CHANNEL: Channel(channel)}


@dataclass(frozen=True)
class Channel:
    """Tells the team in its channel. What may have arrived there already is not sent again: nobody can look."""

    team: TeamChannel

    def __call__(self, what: IncidentNews, incident: WatchedIncident) -> str:
        """Send it, all of an incident in one thread where there are any; gives the thread.

        Raises NotTold when the channel did not take it: a message that comes twice is better than none.
        """
        if incident.told_before:
            return ""
        thread, problem = self.team.tell(message(what, incident), incident.reference)
        if problem:
            raise NotTold(problem)
        return thread


@dataclass(frozen=True)
class Woken:
    """Wakes people by one means: PagerDuty goes by the incident's key, mail to the contacts of the level."""

    send: Send
    level: str
    contacts: tuple[str, ...] = ()
    link: str = ""

    def __call__(self, what: IncidentNews, incident: WatchedIncident) -> str:
        """Send it, also what may have arrived already: PagerDuty knows the key, and a mail that comes twice is better than none.

        Raises NotTold when it was not taken.
        """
        over = what == "closed"
        title = f"PAM on {incident.environment}: {'over' if over else incident.recommendation} ({incident.key})"
        occasion, text = OVER if over else self.level, message(what, incident)
        problem = self.send(Message(occasion, title, text, incident.key, False, self.contacts, self.link))  # noqa: FBT003 - no drill
        if problem:
            raise NotTold(problem)
        return ""


def message(what: IncidentNews, incident: WatchedIncident) -> str:
    """An incident in words, for a channel."""
    if what == "closed":
        return f"Over: {incident.key} on {incident.environment}, since {incident.seen:%H:%M:%S} UTC"
    found = "\n".join(
        f"• {one.criterion} {one.title}: {one.words} (since {one.since:%H:%M:%S} UTC)" for one in incident.found
    )
    rehearsed = f", rehearsed recovery {incident.rehearsed}" if incident.rehearsed else ""
    begin = "Still" if what == "updated" else "Incident"
    return (
        f"{begin}: {incident.recommendation} · {incident.environment} · {incident.key}\n{found}\n"
        f"{incident.strategy_title}{rehearsed}:\n{incident.command or 'see docs/runbook.md'}"
    )
