"""A stand-in for GitHub's pull requests over a real bare repository; each answer is held against GitHub's own description.

What a test sets: whether main is protected, and which answers are lost. Merges are real ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pam_rollback.target.service_settings import GitHub
from tests.bare_repository import Origin, git
from tests.github_stand_in import BASE, OWN, REPOSITORY, TOKEN, Fault, GitHubPart, Reply, Route, served

__all__ = ["TOKEN", "StandIn", "stand_in"]


@dataclass
class StandIn(GitHubPart):
    """What a test sets and sees."""

    origin: Origin = field(kw_only=True)
    protected: bool = True
    by_rule_set: bool = True
    """That it takes pull requests stands in a rule set; else in the branch's own protection."""
    loses: set[str] = field(default_factory=set)
    """Requests whose answer is lost although they are done, as ``METHOD path``."""
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)

    def settings(self, **changes: object) -> GitHub:
        """An environment's table for it."""
        return GitHub.model_validate({"repository": REPOSITORY, "api_url": self.url, **changes})

    def open_pulls(self) -> list[int]:
        """The numbers of those that are open."""
        return [number for number, pull in self.pulls.items() if pull["state"] == "open"]

    def fault_of(self, method: str, asked: str) -> Fault | None:
        """Also an answer that is lost, once."""
        if asked not in self.loses:
            return super().fault_of(method, asked)
        self.loses.discard(asked)
        return Fault(lost=True, done_all_the_same=True)

    # ---------------------------------------------------------------- what GitHub does

    def routes(self) -> Sequence[Route]:
        """Branches and their rules, pull requests."""
        return (
            (f"GET {BASE}/branches/(.+)", f"GET {OWN}/branches/{{branch}}", self._branch),
            (f"GET {BASE}/rules/branches/(.+)", f"GET {OWN}/rules/branches/{{branch}}", self._rules),
            (f"GET {BASE}/pulls", f"GET {OWN}/pulls", self._list),
            (f"POST {BASE}/pulls", f"POST {OWN}/pulls", self._open),
            (rf"GET {BASE}/pulls/(\d+)", f"GET {OWN}/pulls/{{pull_number}}", self._look),
            (rf"PATCH {BASE}/pulls/(\d+)", f"PATCH {OWN}/pulls/{{pull_number}}", self._change),
        )

    def _branch(self, _query: Any, _body: Any, name: str) -> Reply:
        commit = self.origin.head(name)
        if not commit:
            return 404, {"message": "Branch not found"}
        return 200, {
            "name": name,
            "commit": {"sha": commit},
            "protected": self.protected and not self.by_rule_set,
            "protection": {"required_status_checks": {"contexts": []}},
        }

    def _rules(self, _query: Any, _body: Any, _name: str) -> Reply:
        if not self.protected or not self.by_rule_set:
            return 200, []
        return 200, [
            {"type": "deletion"},
            {"type": "pull_request", "parameters": {"required_approving_review_count": 1}},
        ]

    def _list(self, query: Mapping[str, str], _body: Any) -> Reply:
        owner, _, head = query.get("head", "").partition(":")
        found = [
            number
            for number, pull in self.pulls.items()
            if owner == "wheels" and pull["head"] == head and query.get("state") in {"all", pull["state"]}
        ]
        shown = ("number", "html_url", "state", "head", "base")
        return 200, [{name: self._shown(number)[name] for name in shown} for number in reversed(found)]

    def _open(self, _query: Any, body: Any) -> Reply:
        if any(pull["head"] == body["head"] and pull["state"] == "open" for pull in self.pulls.values()):
            return 422, {"message": "Validation Failed"}
        number = len(self.pulls) + 1
        self.pulls[number] = {
            "head": body["head"],
            "base": body["base"],
            "state": "open",
            "merged": False,
            "commit": None,
            "sha": "",
        }
        return 201, self._shown(number)

    def _look(self, _query: Any, _body: Any, number: str) -> Reply:
        return (200, self._shown(int(number))) if int(number) in self.pulls else (404, {"message": "Not Found"})

    def _change(self, _query: Any, body: Any, number: str) -> Reply:
        self.pulls[int(number)]["state"] = body["state"]
        return 200, self._shown(int(number))

    def merge(self, number: int) -> None:
        """As a person does, by the button of its page."""
        pull = self.pulls[number]
        head, base = self.origin.head(pull["head"]), self.origin.head(pull["base"])
        tree = git(self.origin.folder, "merge-tree", "--write-tree", base, head)
        made = git(
            self.origin.folder, "commit-tree", tree, "-p", base, "-p", head, "-m", f"Merge pull request #{number}"
        )
        git(self.origin.folder, "update-ref", f"refs/heads/{pull['base']}", made, base)
        pull.update(state="closed", merged=True, commit=made)

    def _shown(self, number: int) -> dict[str, Any]:
        pull = self.pulls[number]
        # GitHub remembers where a branch was that is gone.
        pull["sha"] = head = self.origin.head(pull["head"]) or pull["sha"]
        return {
            "number": number,
            "html_url": f"https://github.example/{REPOSITORY}/pull/{number}",
            "state": pull["state"],
            "merged": pull["merged"],
            "mergeable": True,
            "mergeable_state": "clean",
            "merge_commit_sha": pull["commit"],
            "head": {"ref": pull["head"], "sha": head},
            "base": {"ref": pull["base"], "sha": self.origin.head(pull["base"])},
        }


@contextmanager
def stand_in(origin: Origin) -> Iterator[StandIn]:
    """Run it on a free port."""
    with served(StandIn(origin=origin)) as made:
        yield made
