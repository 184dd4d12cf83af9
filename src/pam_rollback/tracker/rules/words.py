"""What people read in the tracker. Texts are Markdown; whatever comes from outside is harmless in them."""

import hashlib
from datetime import UTC, datetime

from pam_rollback.base.outside_text import cut, one_line
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.tracker.rules.marks import harmless

TITLE_CHARACTERS = 200
"""GitHub takes 256."""
_KEPT = "_This part is kept up to date. What you write below it stays._"


def title(environment: str, what: str) -> str:
    """One line of the list of issues."""
    return cut(f"PAM on {environment}: {one_line(what)}", TITLE_CHARACTERS)


def found(incident: WatchedIncident) -> str:
    """What a watch found, and what to do."""
    lines = [
        f"**{harmless(incident.recommendation)}** · found {utc(incident.opened)}, last look {utc(incident.seen)}",
        "",
    ]
    lines += [
        f"- {one.criterion} {harmless(one.title)}: {harmless(one.words)} (since {utc(one.since)})"
        for one in incident.found
    ]
    lines += ["", f"Strategy: {incident.strategy} {harmless(incident.strategy_title)}"]
    if incident.rehearsed:
        lines.append(f"Rehearsed: {harmless(incident.rehearsed)}")
    if incident.command:
        lines += ["", "```sh", incident.command.replace("`", "'"), "```"]
    return "\n".join([*lines, "", f"Watched by run {harmless(incident.run)}. {_KEPT}"])


def changed(incident: WatchedIncident) -> str:
    """The same in a line, for whoever gets a mail of it."""
    asks = ", ".join(one.criterion for one in incident.found) or "nothing asks for it any more"
    return f"Now: **{harmless(incident.recommendation)}** ({asks}), strategy {incident.strategy}."


def about(incident: WatchedIncident) -> str:
    """The same for the same news, whenever it was seen."""
    news = (incident.recommendation, *(one.criterion for one in incident.found), incident.strategy)
    return f"news-{hashlib.sha256('|'.join(news).encode()).hexdigest()[:16]}"


def over(incident: WatchedIncident) -> str:
    """Why it is closed."""
    lasted = "" if incident.closed is None else f" It was open from {utc(incident.opened)} to {utc(incident.closed)}."
    return f"Over: nothing asks for a rollback any more.{lasted}"


def _draft(run: str) -> str:
    return f"make incident RUN={run}"


def no_post_mortem(run: str) -> str:
    """What is missing when an incident is closed."""
    return f"**No post-mortem is linked.** `{_draft(run or 'RUN')}` drafts one and links it here."


def begun(strategy: str, by: str, why: str, run: str) -> str:
    """A real rollback has begun."""
    return f"Rollback **{harmless(strategy)}** begun by {harmless(by)}: {harmless(why)}. Run `{harmless(run)}`."


def judged(text: str, run: str, *, go: bool) -> str:
    """How it ended, in the words of the record."""
    then = f"Close this when the post-mortem is linked (`{_draft(run)}`)."
    left = then if go else "Not over: this stays open."
    return "\n".join([f"Verdict of run `{harmless(run)}`: {harmless(text)}", "", left])


def undone(run: str, by: str, why: str, undone: str) -> str:
    """The rollback was put back, or could not be."""
    head = f"Undo of run `{harmless(run)}` by {harmless(by)}: {harmless(why)}."
    return "\n".join(
        [head, "", harmless(undone), "", "What made it necessary may be back: look, then decide whether this is over."]
    )


def drafted(run: str, where: str) -> str:
    """A post-mortem was begun."""
    return f"Post-mortem of run `{harmless(run)}`: {harmless(where)}"


def utc(moment: datetime) -> str:
    """A moment as people read it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
