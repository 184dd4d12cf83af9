"""A stand-in for GitHub's issues; each request and answer is held against GitHub's own description.

What a test sets: what fails, and how; who writes (``association``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pam_rollback.target.service_settings import Tracker
from tests.github_stand_in import BASE, OWN, REPOSITORY, TOKEN, Fault, GitHubPart, Reply, Route, served

__all__ = ["TOKEN", "Fault", "Issues", "stand_in"]


@dataclass
class Issues(GitHubPart):
    """What a test sets and sees."""

    issues: list[dict[str, Any]] = field(default_factory=list)
    association: str = "COLLABORATOR"

    def settings(self) -> Tracker:
        """An environment's table for it."""
        return Tracker.model_validate({"repository": REPOSITORY, "api_url": self.url})

    def said(self, number: int) -> list[str]:
        """The comments of an issue."""
        return [comment["body"] for comment in self.issues[number - 1]["said"]]

    def add(self, title: str, body: str, *, association: str = "", pull: bool = False) -> dict[str, Any]:
        """One that somebody opened."""
        number = len(self.issues) + 1
        made: dict[str, Any] = {
            "number": number,
            "html_url": f"https://github.example/{REPOSITORY}/issues/{number}",
            "title": title,
            "body": body,
            "state": "open",
            "state_reason": None,
            "author_association": association or self.association,
            "user": {"login": "kim", "type": "User"},
            "said": [],
        }
        if pull:
            made["pull_request"] = {"html_url": made["html_url"].replace("issues", "pull")}
        self.issues.append(made)
        return made

    def _issue(self, number: str) -> dict[str, Any]:
        return self.issues[int(number) - 1]

    def routes(self) -> Sequence[Route]:
        """Issues and their comments."""
        return (
            (f"GET {BASE}/issues", f"GET {OWN}/issues", self._list),
            (f"POST {BASE}/issues", f"POST {OWN}/issues", self._open),
            (rf"GET {BASE}/issues/(\d+)", f"GET {OWN}/issues/{{issue_number}}", self._look),
            (rf"PATCH {BASE}/issues/(\d+)", f"PATCH {OWN}/issues/{{issue_number}}", self._change),
            (rf"POST {BASE}/issues/(\d+)/comments", f"POST {OWN}/issues/{{issue_number}}/comments", self._comment),
        )

    def _list(self, query: Mapping[str, str], _body: Any) -> Reply:
        found = [one for one in reversed(self.issues) if query["state"] in {"all", one["state"]}]
        size, page = int(query["per_page"]), int(query["page"])
        return 200, [_shown(one) for one in found[size * (page - 1) : size * page]]

    def _open(self, _query: Any, body: Any) -> Reply:
        return 201, _shown(self.add(body["title"], body["body"]))

    def _look(self, _query: Any, _body: Any, number: str) -> Reply:
        there = int(number) <= len(self.issues)
        return (200, _shown(self._issue(number))) if there else (404, {"message": "Not Found"})

    def _change(self, _query: Any, body: Any, number: str) -> Reply:
        self._issue(number).update(body)
        return 200, _shown(self._issue(number))

    def _comment(self, _query: Any, body: Any, number: str) -> Reply:
        issue = self._issue(number)
        made = {
            "id": len(issue["said"]) + 1,
            "html_url": f"{issue['html_url']}#c{len(issue['said']) + 1}",
            "body": body["body"],
            "user": issue["user"],
            "author_association": self.association,
        }
        issue["said"].append(made)
        return 201, made


def _shown(issue: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in issue.items() if name != "said"}


@contextmanager
def stand_in() -> Iterator[Issues]:
    """Run it on a free port."""
    with served(Issues()) as made:
        yield made
