"""Issues on GitHub, by its REST API, as GitHub's own description has it (``github-openapi.json`` beside the tests of providers)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from pam_rollback.core.wait import Waiter
from pam_rollback.http.provider import JsonObject, ProviderApi
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
