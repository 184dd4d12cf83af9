"""An incident in the team's channel, and by the other means of a rollback's escalation."""

from dataclasses import dataclass

from pam_rollback.communication.rules.escalation import OVER
from pam_rollback.communication.service.escalation import Message, Send
from pam_rollback.communication.service.team_channel import TeamChannel
from pam_rollback.report.watched_incident import NotTold, WatchedIncident


@dataclass(frozen=True)
class Channel:
    """Tells the team in its channel. What may have arrived there already is not sent again: nobody can look."""

    team: TeamChannel

    def __call__(self, hook: str, incident: WatchedIncident) -> str:
        """Send it, all of an incident in one thread where there are any; gives the thread.

        Raises NotTold when the channel did not take it: a message that comes twice is better than none.
        """
        if incident.told_before:
            return ""
        thread, problem = self.team.tell(message(hook, incident), incident.reference)
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

    def __call__(self, hook: str, incident: WatchedIncident) -> str:
        """Send it, also what may have arrived already: PagerDuty knows the key, and a mail that comes twice is better than none.

        Raises NotTold when it was not taken.
        """
        over = hook.endswith("closed")
        title = f"PAM on {incident.environment}: {'over' if over else incident.recommendation} ({incident.key})"
        occasion, text = OVER if over else self.level, message(hook, incident)
        problem = self.send(Message(occasion, title, text, incident.key, False, self.contacts, self.link))  # noqa: FBT003 - no drill
        if problem:
            raise NotTold(problem)
        return ""


def message(hook: str, incident: WatchedIncident) -> str:
    """An incident in words, for a channel."""
    notes = "".join(f"\n• {note}" for note in incident.notes)
    if hook.endswith("closed"):
        return f"Over: {incident.key} on {incident.environment}, since {incident.seen:%H:%M:%S} UTC{notes}"
    found = "\n".join(
        f"• {one.criterion} {one.title}: {one.words} (since {one.since:%H:%M:%S} UTC)" for one in incident.found
    )
    rehearsed = f", rehearsed recovery {incident.rehearsed}" if incident.rehearsed else ""
    begin = "Still" if hook.endswith("updated") else "Incident"
    return (
        f"{begin}: {incident.recommendation} · {incident.environment} · {incident.key}\n{found}\n"
        f"{incident.strategy_title}{rehearsed}:\n{incident.command or 'see docs/runbook.md'}{notes}"
    )
