"""One environment's incidents in a tracker: opened once, found by any machine, told of once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from pam_rollback.base.errors import ActionFailed, ProviderError
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.tracker.rules import words
from pam_rollback.tracker.rules.issue import Issue, Tracker
from pam_rollback.tracker.rules.marks import POST_MORTEM, Mark, key_of, mark_of, marked, renewed, said_of, saying

_ROLLBACK, _VERDICT, _UNDONE, _OVER = "rollback", "verdict", "undone", "over"
_NEWEST = 10


@dataclass(frozen=True)
class Incidents:
    """The incidents of one environment. ``redact`` takes secrets out of what is told; each call raises ActionFailed."""

    tracker: Tracker
    environment: str
    redact: Callable[[str], str] = field(default=str)

    # ---------------------------------------------------------------- a watch's

    def opened(self, incident: WatchedIncident) -> str:
        """Open it, unless some machine did; gives its address."""
        title = words.title(self.environment, incident.recommendation)
        return self._opened(incident.key, title, words.found(incident)).url

    def updated(self, incident: WatchedIncident) -> str:
        """Say how it is now: in its own part, and once as a comment."""
        issue = self._of(incident)
        self._renew(issue, words.found(incident))
        self._say_unless_last(issue, words.about(incident), words.changed(incident))
        return issue.url

    def closed(self, incident: WatchedIncident) -> str:
        """Say why, say what is missing, and close it. Who closed it before, it stays closed."""
        issue = self._of(incident)
        self._renew(issue, words.found(incident))
        said = self._said(issue)
        text = words.over(incident)
        if POST_MORTEM not in said:
            text += f"\n\n{words.no_post_mortem(_run_in(said))}"
        if f"{_OVER}-{incident.key}" not in said:
            self._comment(issue, f"{_OVER}-{incident.key}", text)
        if issue.is_open:
            self.tracker.close(issue, "completed")
        return issue.url

    # ---------------------------------------------------------------- a real rollback's

    def begun(self, strategy: str, by: str, why: str, run: str) -> str:
        """Have the rollback on record: in the incident that is open here, else in one of its own. Gives its address."""
        text = words.begun(strategy, by, why, run)
        issue = self.open_here()
        if issue is None:
            title = words.title(self.environment, f"rollback {strategy}")
            issue = self._opened(key_of(_ROLLBACK, run), title, text)
        self._say_once(issue, key_of(_ROLLBACK, run), text)
        return issue.url

    def judged(self, url: str, text: str, run: str, *, go: bool) -> None:
        """Have its verdict there, too."""
        self._say_once(self.tracker.look(url), key_of(_VERDICT, run), words.judged(text, run, go=go))

    def undone(self, url: str, run: str, by: str, why: str, undone: str, session: str) -> None:
        """Have there that the rollback was put back, or could not be, by this session of ``--undo``."""
        self._say_once(self.tracker.look(url), key_of(_UNDONE, session), words.undone(run, by, why, undone))

    def drafted(self, url: str, run: str, where: str) -> None:
        """Link a post-mortem."""
        self._say_once(self.tracker.look(url), POST_MORTEM, words.drafted(run, where))

    # ---------------------------------------------------------------- who asks

    def open_here(self) -> Issue | None:
        """The newest incident of this environment that is open; None where there is none."""
        return next(self._ours(only_open=True), None)

    def at(self, url: str) -> Issue | None:
        """The incident at this address, open or not; without one the newest that is open here."""
        return self.tracker.look(url) if url else self.open_here()

    def closed_without_post_mortem(self) -> list[Issue]:
        """Of the newest incidents those that somebody closed, and nobody wrote down what was learnt."""
        newest = islice(self._ours(only_open=False), _NEWEST)
        return [issue for issue in newest if not issue.is_open and POST_MORTEM not in self._said(issue)]

    # ---------------------------------------------------------------- once

    def _ours(self, *, only_open: bool) -> Iterator[Issue]:
        for issue in self.tracker.issues(only_open=only_open):
            mark = mark_of(issue.body)
            if issue.ours and mark is not None and mark.environment == self.environment:
                yield issue

    def _with(self, key: str) -> list[Issue]:
        """All of this incident, the oldest first: two machines may have opened it at once."""
        found = [issue for issue in self._ours(only_open=False) if mark_of(issue.body) == Mark(key, self.environment)]
        return sorted(found, key=lambda issue: issue.number)

    def _opened(self, key: str, title: str, text: str) -> Issue:
        found = self._with(key)
        if found:
            return found[0]
        try:
            made = self.tracker.open(self.redact(title), self.redact(marked(Mark(key, self.environment), text)))
        except ProviderError as error:
            if not _unclear(error):
                raise
            found = self._with(key)
            if not found:
                raise
            return found[0]
        first = next(iter(self._with(key)), made)
        if first.number < made.number:
            # Another machine was a moment earlier.
            self.tracker.close(made, "duplicate")
            return first
        return made

    def _of(self, incident: WatchedIncident) -> Issue:
        if incident.reference:
            return self.tracker.look(incident.reference)
        title = words.title(self.environment, incident.recommendation)
        return self._opened(incident.key, title, words.found(incident))

    def _renew(self, issue: Issue, text: str) -> None:
        """A body in which somebody took our part away is left to them: the comments say it, too."""
        body = renewed(issue.body, self.redact(text))
        if body is not None and body != issue.body:
            self.tracker.edit(issue, body)

    def _said(self, issue: Issue) -> list[str]:
        """What was said here by us, in order."""
        return [about for one in self.tracker.comments(issue) if one.ours and (about := said_of(one.text))]

    def _say_once(self, issue: Issue, about: str, text: str) -> None:
        if about not in self._said(issue):
            self._comment(issue, about, text)

    def _say_unless_last(self, issue: Issue, about: str, text: str) -> None:
        """What was true before may be news again."""
        if self._said(issue)[-1:] != [about]:
            self._comment(issue, about, text)

    def _comment(self, issue: Issue, about: str, text: str) -> None:
        try:
            self.tracker.comment(issue, saying(about, self.redact(text)))
        except ProviderError as error:
            if not _unclear(error) or about not in self._said(issue):
                raise


def why(error: Exception) -> str:
    """One line."""
    return " ".join(str(error).split()) if isinstance(error, ActionFailed) else f"a defect of ours: {error!r}"


def _unclear(error: ProviderError) -> bool:
    """It may have been done: no answer came, a broken one, or one of a server that is unwell."""
    status = error.http_status
    return error.sent and (status is None or status < 400 or status >= 500)  # noqa: PLR2004 - HTTP's own classes


def _run_in(said: list[str]) -> str:
    """The run of the latest rollback that is on record there."""
    runs = [about.removeprefix(f"{_ROLLBACK}-") for about in said if about.startswith(f"{_ROLLBACK}-")]
    return runs[-1] if runs else ""
