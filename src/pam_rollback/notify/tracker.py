"""One environment's incidents in a tracker: an issue each, found by any machine, closed on GO. Texts from outside are harmless in them.

Issues are GitHub's, by its REST API as its own description has it (``github-openapi.json`` beside the tests of providers).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.outside_text import cut, one_line
from pam_rollback.core.wait import Waiter
from pam_rollback.http.provider import JsonObject, ProviderApi
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.rollback.providers.github import github
from pam_rollback.target.service_settings import Tracker as Settings

DEADLINE_S = 8.0
PATIENCE_S = 20.0
"""All tries of one request. Nobody waits for it, and a tracker that is away has its line in time."""
_PAGE = 100
_PAGES_MAX = 5
"""An incident is among the newest 500 issues."""
_OURS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_TO_DO: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "GitHub does not know the token of [secrets] tracker_token_env: it may have expired; make a new one",
    HTTPStatus.FORBIDDEN: (
        "the token of [secrets] tracker_token_env may not do this: give it Issues (read and write) on this repository"
    ),
    HTTPStatus.NOT_FOUND: "is [tracker] repository right, as owner/name? GitHub also says so where the token may not see it",
    HTTPStatus.GONE: "issues are switched off there, or this one was deleted: switch them on in the repository's settings",
    HTTPStatus.UNPROCESSABLE_ENTITY: "GitHub does not take it: its message says why; open the incident by hand",
}


def github_issues(settings: Settings, token: str, *, waiter: Waiter | None = None) -> "GitHubIssues":
    """One token's view of a repository's issues."""
    provider = github(
        settings.api_url,
        settings="[tracker] repository, api_url",
        secret="[secrets] tracker_token_env",  # noqa: S106 - where it comes from
        advice=_TO_DO,
        changes_users=False,
    )
    api = ProviderApi(provider, token, deadline_s=DEADLINE_S, patience_s=PATIENCE_S, waiter=waiter or Waiter())
    return GitHubIssues(api, settings.repository)


@dataclass(frozen=True)
class Issue:
    """One issue. ``ours``: written by somebody who works on the repository, or by a program; a stranger's mark counts for nothing."""

    url: str
    number: int
    body: str
    is_open: bool
    ours: bool


@dataclass(frozen=True)
class GitHubIssues:
    """The issues of one repository."""

    api: ProviderApi
    repository: str

    def issues(self, *, only_open: bool) -> Iterator[Issue]:
        """The newest first; pull requests, which GitHub lists among them, are left out."""
        state = "open" if only_open else "all"
        for page in range(1, _PAGES_MAX + 1):
            query = (
                ("state", state),
                ("sort", "created"),
                ("direction", "desc"),
                ("per_page", str(_PAGE)),
                ("page", str(page)),
            )
            found = self.api.told_list("the issues", self.api.ask("the issues", self._path, query=query), "an issue")
            yield from (_issue(told) for told in found if told.inner("pull_request") is None)
            if len(found) < _PAGE:
                return

    def look(self, url: str) -> Issue:
        """How it is now."""
        number = url.rpartition("/")[2]
        if not re.fullmatch(r"[1-9]\d*", number):
            number = ""
        part = self.api.part_of_path(f"the issue {url}", number)
        return _issue(self.api.ask_told(f"issue #{number}", f"{self._path}/{part}", "an issue"))

    def open(self, title: str, body: str) -> Issue:
        """Make one."""
        told = self.api.ask_told(
            "open an issue",
            self._path,
            "an issue",
            method="POST",
            json={"title": title, "body": body},
            expected=(HTTPStatus.CREATED,),
        )
        return _issue(told)

    def close(self, issue: Issue) -> None:
        """Close it."""
        path, changes = f"{self._path}/{issue.number}", {"state": "closed", "state_reason": "completed"}
        self.api.ask_told(
            f"close issue #{issue.number}", path, "an issue", method="PATCH", json=changes, repeatable=True
        )

    def comment(self, issue: Issue, text: str) -> None:
        """Say something."""
        self.api.ask(
            f"comment on issue #{issue.number}",
            f"{self._path}/{issue.number}/comments",
            method="POST",
            json={"body": text},
            expected=(HTTPStatus.CREATED,),
        )

    @property
    def _path(self) -> str:
        return f"/repos/{self.repository}/issues"


def _issue(told: JsonObject) -> Issue:
    number, user = told.document.get("number"), told.inner("user")
    if not isinstance(number, int) or isinstance(number, bool):
        raise told.complaint(f"expected {told.what} with 'number' as a whole number", number)
    return Issue(
        url=told.text("html_url"),
        number=number,
        body=told.text_or_none("body"),
        is_open=told.text("state") == "open",
        ours=told.text_or_none("author_association") in _OURS
        or (user is not None and user.text_or_none("type") == "Bot"),
    )


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
