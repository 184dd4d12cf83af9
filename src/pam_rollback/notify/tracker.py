"""One environment's incidents in a tracker: an issue each, found by any machine, closed on GO. Texts from outside are harmless in them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.outside_text import cut, one_line
from pam_rollback.notify.issues import GitHubIssues, Issue
from pam_rollback.report.watched_incident import WatchedIncident

_TITLE_CHARACTERS = 200
"""GitHub takes 256."""
_MARK = re.compile(r"<!-- pam-rollback incident key=([A-Za-z0-9-]+) environment=([a-z0-9-]+) -->")
"""A comment of HTML that no reader sees: by it any machine finds again what another one opened."""


@dataclass(frozen=True)
class Incidents:
    """The incidents of one environment. ``redact`` takes secrets out of what is told; each call raises ActionFailed."""

    tracker: GitHubIssues
    environment: str
    redact: Callable[[str], str] = field(default=str)

    def opened(self, incident: WatchedIncident) -> str:
        """A watch found it: open it, unless some machine did; gives its address."""
        return self._of(incident).url

    def updated(self, incident: WatchedIncident) -> str:
        """Say how it is now."""
        issue = self._of(incident)
        self.tracker.comment(issue, self.redact(_found(incident)))
        return issue.url

    def closed(self, incident: WatchedIncident) -> str:
        """Say that it is over, and close it. Who closed it before, it stays closed."""
        issue = self._of(incident)
        self._close(issue, "Over: nothing asks for a rollback any more.")
        return issue.url

    def begun(self, strategy: str, by: str, why: str, run: str) -> str:
        """Have a real rollback on record: in the incident that is open here, else in one of its own. Gives its address."""
        text = f"Rollback **{harmless(strategy)}** begun by {harmless(by)}: {harmless(why)}. Run `{harmless(run)}`."
        issue = self.at("") or self._opened(f"rollback-{run}", f"rollback {strategy}", text)
        self.tracker.comment(issue, self.redact(text))
        return issue.url

    def judged(self, url: str, text: str, run: str, *, go: bool) -> None:
        """Have its verdict there, too; GO closes it."""
        issue = self.tracker.look(url)
        verdict = f"Verdict of run `{harmless(run)}`: {harmless(text)}"
        if go:
            self._close(issue, f"{verdict}\n\nThe post-mortem: `make incident RUN={harmless(run)}`.")
        else:
            self.tracker.comment(issue, self.redact(f"{verdict}\n\nNot over: this stays open."))

    def undone(self, url: str, run: str, by: str, why: str, undone: str) -> None:
        """Have there that the rollback was put back, or could not be."""
        head = f"Undo of run `{harmless(run)}` by {harmless(by)}: {harmless(why)}."
        then = "What made it necessary may be back: look, then decide whether this is over."
        self.tracker.comment(self.tracker.look(url), self.redact(f"{head}\n\n{harmless(undone)}\n\n{then}"))

    def at(self, url: str) -> Issue | None:
        """The incident at this address, open or not; without one the newest that is open here, if there is any."""
        return self.tracker.look(url) if url else self._newest(only_open=True)

    def _newest(self, key: str = "", *, only_open: bool = False) -> Issue | None:
        for issue in self.tracker.issues(only_open=only_open):
            mark = _MARK.search(issue.body)
            if issue.ours and mark and mark[2] == self.environment and key in {"", mark[1]}:
                return issue
        return None

    def _opened(self, key: str, title: str, text: str) -> Issue:
        body = f"<!-- pam-rollback incident key={key} environment={self.environment} -->\n{text}\n"
        title = cut(f"PAM on {self.environment}: {one_line(title)}", _TITLE_CHARACTERS)
        return self._newest(key) or self.tracker.open(self.redact(title), self.redact(body))

    def _of(self, incident: WatchedIncident) -> Issue:
        if incident.reference:
            return self.tracker.look(incident.reference)
        return self._opened(incident.key, incident.recommendation, _found(incident))

    def _close(self, issue: Issue, text: str) -> None:
        self.tracker.comment(issue, self.redact(text))
        if issue.is_open:
            self.tracker.close(issue)


def _found(incident: WatchedIncident) -> str:
    """What a watch found, and what to do, as Markdown."""
    lines = [
        f"**{harmless(incident.recommendation)}** · found {_utc(incident.opened)}, last look {_utc(incident.seen)}",
        "",
    ]
    lines += [
        f"- {one.criterion} {harmless(one.title)}: {harmless(one.words)} (since {_utc(one.since)})"
        for one in incident.found
    ]
    lines += ["", f"Strategy: {incident.strategy} {harmless(incident.strategy_title)}"]
    if incident.rehearsed:
        lines.append(f"Rehearsed: {harmless(incident.rehearsed)}")
    if incident.command:
        lines += ["", "```sh", incident.command.replace("`", "'"), "```"]
    return "\n".join([*lines, "", f"Watched by run {harmless(incident.run)}."])


def harmless(text: str) -> str:
    """Text from outside, on one line: it calls nobody by name, hides nothing, and is no mark of ours."""
    return one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace("`", "'").replace("@", "@\u200b")


def why(error: Exception) -> str:
    """One line."""
    return " ".join(str(error).split()) if isinstance(error, ActionFailed) else f"a defect of ours: {error!r}"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
