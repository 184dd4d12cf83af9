"""GitHub, where a protected main takes pull requests only."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from pam_rollback.core.wait import Waiter
from pam_rollback.http.provider import JsonObject, Provider, ProviderApi
from pam_rollback.rollback.repository import PullRequest
from pam_rollback.target.environment import Environment
from pam_rollback.target.service_settings import GitHub

_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "GitHub does not know the token of [secrets] git_token_env: it may have expired",
    HTTPStatus.FORBIDDEN: (
        "the token of [secrets] git_token_env may not do this: it needs Contents and Pull requests (read and write)"
    ),
    HTTPStatus.NOT_FOUND: "is [github] repository right, as owner/name? GitHub also says so where the token may not see it",
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

    def protects(self, branch: str) -> bool:
        """Return whether the branch's protection or the repository's rule sets ask for pull requests or checks."""
        operation = f"the branch {branch}"
        name = self.api.part_of_path(operation, branch)
        told = self.api.ask_told(operation, f"{self._path}/branches/{name}", "a branch")
        answer = self.api.ask(
            f"the rules of {branch}", f"{self._path}/rules/branches/{name}", query=(("per_page", "100"),)
        )
        kinds = {rule.text("type") for rule in self.api.told_list(operation, answer, "a rule")}
        return told.truth("protected") or bool(kinds & {"pull_request", "required_status_checks"})

    def find(self, head: str, *, onto: str) -> PullRequest | None:
        """The newest one from this branch onto that one, open or not."""
        operation = f"the pull requests of {head}"
        owner = self.settings.repository.partition("/")[0]
        query = (("state", "all"), ("head", f"{owner}:{head}"), ("base", onto))
        found = self.api.told_list(
            operation, self.api.ask(operation, f"{self._path}/pulls", query=query), "a pull request"
        )
        if not found:
            return None
        number = _number(found[0])
        return _read(self.api.ask_told(f"pull request #{number}", f"{self._path}/pulls/{number}", "a pull request"))

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


def _number(told: JsonObject) -> int:
    value = told.document.get("number")
    if not isinstance(value, int) or isinstance(value, bool):
        raise told.complaint(f"expected {told.what} with 'number' as a whole number", value)
    return value


def _read(told: JsonObject) -> PullRequest:
    return PullRequest(
        number=_number(told),
        url=told.text("html_url"),
        is_open=told.text("state") == "open",
        merged=told.truth("merged"),
    )


def pulls(environment: Environment, settings: GitHub, waiter: Waiter) -> GitHubPulls:
    """Those of the environment's repository."""
    return GitHubPulls(github_api(settings, environment.secret("git_token"), waiter=waiter), settings)
