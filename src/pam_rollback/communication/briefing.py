"""In which words people are told of a rollback: the team, customers, and whoever posts where only a person can."""

from collections.abc import Sequence
from dataclasses import dataclass

from pam_rollback.communication.escalation import Notice


@dataclass(frozen=True)
class Briefing:
    """What is told of a rollback. ``link`` leads to whatever shows this run, if there is such a place."""

    environment: str
    strategy: str
    why: str
    run_id: str
    drill: bool
    link: str = ""
    news_at: str = ""
    """Where customers read on: the address of the plan's status page."""

    def internal(
        self,
        notice: Notice,
        *,
        who: Sequence[str],
        elapsed_s: float,
        last_step: str,
        news: str = "",
        steps_done: bool = False,
    ) -> str:
        """What the team reads: what is happening, for how long, how far it is, who has to do what, and where to look.

        ``news`` is what there is to say of an occasion that only its witness knows, such as how the action failed. ``steps_done``: all
        that is left is its verdict.
        """
        since = duration(elapsed_s)
        going = f"the rollback has been going on for {since}"
        if steps_done:
            going = f"the rollback was decided {since} ago, every step is done, and it is NOT verified yet"
        match notice.occasion:
            case _ if news:
                pass
            case "done":
                news = f"every step is done after {since}; NOT verified yet, the checks are running"
            case "failed":
                news = f"the rollback FAILED after {since}; look whether users are well; if not, take the next stronger strategy"
            case "over":
                news = f"the drill is over after {since}, nothing is left to do"
            case _:
                news = f"{going}; {', '.join(who)}: {_TASKS.get(notice.occasion, 'please help')}"
        return (
            f"{self.head}PAM on {self.environment}, rollback {self.strategy} ({self.why}): {news}. "
            f"Last step: {last_step}. Run {self.run_id}{self.link and ' · ' + self.link}"
        )

    def public(self, notice: Notice) -> str:
        """What customers read: nothing about how it is made."""
        match notice.occasion:
            case "done" | "helped":
                news = "We have put an earlier version of PAM back and are watching it closely."
            case "failed" | "stopped":
                news = "PAM is having trouble. We are working on it; until then its answers may be late or missing."
            case "over":
                news = "This is over. PAM works as usual."
            case _:
                news = "PAM is having trouble. We are putting an earlier version back; until then its answers may be late or missing."
        return self.head + news

    @property
    def tweet(self) -> str:
        """What a person may post; short enough for Twitter."""
        return (
            f"{self.head}PAM is having trouble. We are putting an earlier version back and will tell you here when it works again."
            f"{self.news_at and ' News: ' + self.news_at}"
        )

    @property
    def title(self) -> str:
        """One line for a subject, an incident or an alert."""
        return f"{self.head}PAM rollback {self.strategy} on {self.environment}"

    @property
    def public_title(self) -> str:
        """The name of the incident on the status page."""
        return f"{self.head}PAM answers late or not at all"

    @property
    def head(self) -> str:
        """Marks a drill, at the beginning of everything that is sent."""
        return "DRILL, nothing is wrong: " if self.drill else ""


_TASKS = {
    "EM-1": "you are rolling back, write here what you see",
    "EM-2": "please join now",
    "EM-3": "you are told so that you can decide about customers",
    "EM-4": "everybody helps, customers are told",
}


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:  # noqa: PLR2004 - until then seconds say more
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
