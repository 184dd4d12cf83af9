"""What became of the message to the incident channel.  Plan item CH-1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pam_rollback.base.figures import Figures, Sentence


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
class MessageDelivery(Sentence):
    """What became of the message to the incident channel. ``received`` is None where nobody can look into the channel."""

    channel: str
    run_id: str
    drill: bool
    problem: str
    received: Sequence[ReceivedMessage] | None = None

    @property
    def told(self) -> bool:
        """The message of this run was accepted and, where one can look, arrived as it should."""
        return not self.why

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
    def figures(self) -> Figures:
        """For the table of criteria."""
        accepted = "not told" if self.why else "accepted" if self.received is None else "arrived"
        return Figures(what=f"message to {self.channel}", asked="told", measured=accepted, n=1)

    def __str__(self) -> str:
        return self.why or f"{self.channel} was told of run {self.run_id}"
