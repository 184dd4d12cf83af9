"""Pull requests on GitHub, by its REST API (docs.github.com/rest): what a branch asks for, checks, and the merge.

Fields and statuses are those of GitHub's OpenAPI document; ``tests/rollback/providers/github-openapi.json`` is the part of it that is
used here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from pam_rollback.base.wait import Waiter
from pam_rollback.environment.repository_settings import GitHub
from pam_rollback.outside.json_object import JsonObject
from pam_rollback.outside.provider import Provider, ProviderApi
from pam_rollback.rollback.rules.pull_requests import BranchRules, Check, CheckState, PullRequest
from pam_rollback.rollback.rules.repository import Commit

_GOOD = frozenset({"success", "neutral", "skipped"})
_PAGE = 100
_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "GitHub does not know the token of [secrets] git_token_env: it may have expired",
    HTTPStatus.FORBIDDEN: (
        "the token of [secrets] git_token_env may not do this: it needs Contents and Pull requests (read and write), and Checks (read)"
    ),
    HTTPStatus.NOT_FOUND: "is [github] repository right, as owner/name? GitHub also says so where the token may not see it",
    HTTPStatus.METHOD_NOT_ALLOWED: "the branch's rules keep it from being merged: look at the pull request's page for what is missing",
    HTTPStatus.CONFLICT: "somebody pushed to its branch meanwhile, and nothing was merged: look at what, then run this again",
    HTTPStatus.UNPROCESSABLE_ENTITY: "GitHub does not take it: its message says why",
}


def github(
    api_url: str, *, settings: str, secret: str, advice: Mapping[int, str], changes_users: bool = True
) -> Provider:
    """GitHub, for whoever asks it. ``settings`` and ``secret``: where address and token come from, in words."""
    return Provider(
        name="GitHub",
        api_url=api_url,
        reset_header="x-ratelimit-reset",
        limit_header="x-ratelimit-remaining",
        status_page="https://www.githubstatus.com",
        settings=settings,
        secret=secret,
        advice=advice,
        changes_users=changes_users,
    )


def github_api(settings: GitHub, token: str, *, waiter: Waiter | None = None) -> ProviderApi:
    """One token's view of GitHub."""
    host = github(
        settings.api_url,
        settings="[github] api_url",
        secret="[secrets] git_token_env",  # noqa: S106 - where it comes from
        advice=_ADVICE,
    )
    return ProviderApi(host, token, waiter=waiter or Waiter())


@dataclass(frozen=True)
class GitHubPulls:
    """The pull requests of one repository."""

    api: ProviderApi
    settings: GitHub

    def rules(self, branch: str) -> BranchRules:
        """What the branch's protection and the repository's rule sets ask for, and how long the checks of its newest commit took."""
        operation = f"the branch {branch}"
        name = self.api.part_of_path(operation, branch)
        told = self.api.ask_told(operation, f"{self._path}/branches/{name}", "a branch")
        asked, approvals, checks = told.truth("protected"), 0, list(_required(told))
        answer = self.api.ask(f"the rules of {branch}", f"{self._path}/rules/branches/{name}", query=_page())
        for rule in self.api.told_list(operation, answer, "a rule"):
            kind, parameters = rule.text("type"), rule.inner("parameters")
            asked = asked or kind in {"pull_request", "required_status_checks"}
            if kind == "pull_request" and parameters is not None:
                approvals = max(approvals, int(parameters.document.get("required_approving_review_count") or 0))
            if kind == "required_status_checks" and parameters is not None:
                checks += [str(one["context"]) for one in parameters.document.get("required_status_checks", [])]
        took_s = self._took_s(told.inside("commit").text("sha"))
        return BranchRules(asked, approvals, tuple(dict.fromkeys(checks)), took_s)

    def find(self, head: str, *, onto: str) -> PullRequest | None:
        """The newest one from this branch onto that one, open or not."""
        operation = f"the pull requests of {head}"
        owner = self.settings.repository.partition("/")[0]
        query = (("state", "all"), ("head", f"{owner}:{head}"), ("base", onto))
        found = self.api.told_list(
            operation, self.api.ask(operation, f"{self._path}/pulls", query=query), "a pull request"
        )
        return self.look(_number(found[0])) if found else None

    def open(self, head: str, *, onto: str, title: str, text: str) -> PullRequest:
        """Ask for the change."""
        told = self.api.ask_told(
            f"open a pull request of {head}",
            f"{self._path}/pulls",
            "a pull request",
            method="POST",
            json={"title": title, "head": head, "base": onto, "body": text},
            expected=(HTTPStatus.CREATED,),
        )
        return _read(told)

    def look(self, number: int) -> PullRequest:
        """How it is now."""
        return _read(self.api.ask_told(f"pull request #{number}", f"{self._path}/pulls/{number}", "a pull request"))

    def checks(self, commit: Commit) -> tuple[Check, ...]:
        """Check runs, and the older statuses of a commit."""
        statuses = self.api.ask_told(
            f"the statuses of {commit[:12]}",
            f"{self._path}/commits/{commit}/status",
            "a combined status",
            query=_page(),
        )
        words = {"success": CheckState.GOOD, "pending": CheckState.RUNNING}
        return (
            *(_check(run) for run in self._runs(commit)),
            *(
                Check(str(one["context"]), words.get(str(one["state"]), CheckState.BAD), str(one["state"]))
                for one in statuses.document.get("statuses", [])
            ),
        )

    def merge(self, pull: PullRequest) -> Commit:
        """Merge it, if its branch is still where it was seen."""
        told = self.api.ask_told(
            f"merge pull request #{pull.number}",
            f"{self._path}/pulls/{pull.number}/merge",
            "a merge",
            method="PUT",
            json={"sha": pull.head, "merge_method": self.settings.merge_method},
        )
        return told.text("sha")

    def close(self, number: int) -> None:
        """Close it without merging it."""
        self.api.ask(
            f"close pull request #{number}",
            f"{self._path}/pulls/{number}",
            method="PATCH",
            json={"state": "closed"},
            repeatable=True,
        )

    @property
    def _path(self) -> str:
        return f"/repos/{self.settings.repository}"

    def _runs(self, commit: Commit) -> Iterator[JsonObject]:
        operation = f"the checks of {commit[:12]}"
        told = self.api.ask_told(operation, f"{self._path}/commits/{commit}/check-runs", "check runs", query=_page())
        for run in told.document.get("check_runs", []):
            yield JsonObject.of(run, "a check run", told.complaint)

    def _took_s(self, commit: Commit) -> float | None:
        spans = [(run.moment("started_at"), run.moment("completed_at")) for run in self._runs(commit)]
        began: list[datetime] = [start for start, _ in spans if start is not None]
        ended: list[datetime] = [end for _, end in spans if end is not None]
        return (max(ended) - min(began)).total_seconds() if began and len(ended) == len(spans) else None


def _page() -> tuple[tuple[str, str], ...]:
    return (("per_page", str(_PAGE)),)


def _required(branch: JsonObject) -> Iterator[str]:
    protection = branch.inner("protection")
    asked = None if protection is None else protection.inner("required_status_checks")
    if asked is not None:
        yield from map(str, asked.document.get("contexts", []))


def _check(run: JsonObject) -> Check:
    """A check run without a conclusion has not ended, whatever its status is called."""
    conclusion = run.text_or_none("conclusion")
    if run.text("status") != "completed" or not conclusion:
        return Check(run.text("name"), CheckState.RUNNING, run.text("status"))
    return Check(run.text("name"), CheckState.GOOD if conclusion in _GOOD else CheckState.BAD, conclusion)


def _number(told: JsonObject) -> int:
    value = told.document.get("number")
    if not isinstance(value, int) or isinstance(value, bool):
        raise told.complaint(f"expected {told.what} with 'number' as a whole number", value)
    return value


def _read(told: JsonObject) -> PullRequest:
    mergeable = told.document.get("mergeable")
    return PullRequest(
        number=_number(told),
        url=told.text("html_url"),
        head=told.inside("head").text("sha"),
        is_open=told.text("state") == "open",
        merged=told.truth("merged"),
        mergeable=mergeable if isinstance(mergeable, bool) else None,
        state=told.text_or_none("mergeable_state"),
        commit=told.text_or_none("merge_commit_sha"),
    )
