"""Netlify, who publishes the front end."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import quote

from pam_rollback.core.errors import ActionFailed, ProviderError, StopRequested
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import all_at_once
from pam_rollback.http.provider import DEADLINE_S, PATIENCE_S, Asking, JsonObject, Provider, ProviderApi
from pam_rollback.rollback.deploys import READY, Deploy, DeployId, Rules
from pam_rollback.target.environment import Environment
from pam_rollback.target.hosts import Netlify

_AT_ONCE = 5
_ARRIVED = frozenset({"uploaded", "processing", "processed", "ready"})
"""Netlify's words for a deploy that lacks no file any more."""
_SLOWEST_BYTES_A_S = 100_000
_REFUSED = re.compile(r"[#?\\\x00-\x1f]")
"""Netlify serves no file with such a name."""


def _required(told: JsonObject, own: Collection[str]) -> Sequence[str]:
    required = told.document.get("required")
    if not isinstance(required, list):
        raise told.complaint("expected a deploy with 'required' as a list of digests", required)
    unknown = [digest for digest in required if digest not in own]
    if unknown:
        raise told.complaint("expected only digests of this folder to be required", unknown[:3])
    return tuple(dict.fromkeys(required))


def digests_of(folder: Path) -> dict[str, str]:
    """Give the SHA-1 of every file by its name below the folder. Raises ActionFailed for a folder that is no site."""
    if not (folder / "index.html").is_file():
        found = "no index.html in it" if folder.is_dir() else "no such folder"
        raise ActionFailed(
            f"{folder}: expected the built site, found {found}; is [git] publish_folder right, and was it built?"
        )
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        name = str(PurePosixPath(path.relative_to(folder)))
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ActionFailed(f"{path}: a link out of the folder; publish real files only")
        if _REFUSED.search(name):
            raise ActionFailed(f"{path}: Netlify refuses file names with #, ? or a backslash; rename it")
        digests[name] = _sha1(path.read_bytes())
    return digests


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


_PAGE = 100
"""The largest that Netlify gives."""
_PAGES_MAX = 10
_NEXT = re.compile(r'<[^>]*>\s*;[^,]*\brel="?next"?')
_IN_TITLE = re.compile(r"\[commit ([0-9a-f]{40})\]")
DONE = (HTTPStatus.OK, HTTPStatus.CREATED)
_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: (
        "the token of [secrets] netlify_auth_token_env is not accepted: export another one (a change of the password ends all tokens)"
    ),
    HTTPStatus.FORBIDDEN: "the token of [secrets] netlify_auth_token_env may not do this: take one of a member of the site's team",
    HTTPStatus.NOT_FOUND: (
        "is [netlify] site_id the API id of the site? A deploy may also have expired: Netlify deletes them after 30 to 365 days, by plan"
    ),
    HTTPStatus.CONFLICT: "something else is being done to the site: look at its Deploys page, then do it again",
    HTTPStatus.UNPROCESSABLE_ENTITY: "it cannot do this to a deploy in this state: look at the site's Deploys page and choose another one",
}
PRODUCTION = "production"
_WAITING = ("new", "pending_review", "accepted", "enqueued", "retrying")
_WORKING = ("building", "uploading", "uploaded", "preparing", "prepared", "processing", "processed")
NETLIFY = Rules(
    "Netlify",
    frozenset({READY, "old"}),
    lambda deploy: deploy.finished_at is not None,
    PRODUCTION,
    under_way=frozenset({*_WAITING, *_WORKING}),
)
"""Its words are the filter ``state`` of its OpenAPI document. A deploy that was never published has no ``published_at``."""


@dataclass(frozen=True)
class Site:
    """What the site says of itself."""

    id: str
    name: str
    url: str
    stop_builds: bool = False
    """Pushes are not built."""


def netlify_api(
    settings: Netlify,
    token: str,
    *,
    deadline_s: float = DEADLINE_S,
    patience_s: float = PATIENCE_S,
    waiter: Waiter | None = None,
) -> ProviderApi:
    """Give one token's view of Netlify, which has no scopes: a token may do everything."""
    provider = Provider(
        name="Netlify",
        api_url=settings.api_url,
        reset_header="x-ratelimit-reset",
        limit_header="x-ratelimit-limit",
        status_page="www.netlifystatus.com",
        settings="[netlify] api_url",
        secret="[secrets] netlify_auth_token_env",  # noqa: S106 - where it stands, not what it is
        advice=_ADVICE,
        id_header="x-nf-request-id",
    )
    return ProviderApi(provider, token, deadline_s=deadline_s, patience_s=patience_s, waiter=waiter or Waiter())


@dataclass(frozen=True)
class NetlifySite:
    """One site: a ``Site`` of the engine's."""

    api: ProviderApi
    settings: Netlify
    rules: ClassVar[Rules] = NETLIFY

    def site(self) -> Site:
        """``getSite``: also sees that it is the one that was asked for."""
        told = self._site()
        build = told.inner("build_settings")
        return Site(
            id=told.text("id"),
            name=told.text("name"),
            url=told.text_or_none("ssl_url") or told.text("url"),
            stop_builds=build.truth("stop_builds") if build else False,
        )

    def addresses(self) -> Iterator[str]:
        """``getSite``: where its visitors find it."""
        told = self._site()
        yield from filter(None, (told.text_or_none(key) for key in ("ssl_url", "url", "custom_domain")))
        yield f"{told.text('name')}.netlify.app"
        yield from map(str, told.document.get("domain_aliases") or ())

    def live(self) -> Deploy:
        """``getSite``: its ``published_deploy``."""
        told = self._site()
        return self.read_deploy(told.inside("published_deploy"))

    def deploy(self, deploy_id: DeployId) -> Deploy:
        """``getSiteDeploy``: a deploy of another site is not found."""
        operation = f"the deploy {deploy_id}"
        told = self.api.ask_told(operation, self._of_site(operation, deploy_id), "a deploy")
        return self.read_deploy(told, deploy_id)

    def deploys(self) -> Sequence[Deploy]:
        """``listSiteDeploys``, page by page: those of production, the newest first."""
        found = {deploy.id: deploy for deploy in self._listed() if deploy.context in {"", PRODUCTION}}
        return tuple(
            sorted(
                found.values(), key=lambda each: each.created_at.timestamp() if each.created_at else 0.0, reverse=True
            )
        )

    def restore(self, deploy_id: DeployId) -> Deploy:
        """``restoreSiteDeploy``: 201 with the deploy, which is published when ``published`` says so."""
        operation = f"restore the deploy {deploy_id}"
        return self._change(operation, f"{self._of_site(operation, deploy_id)}/restore", deploy_id)

    def lock(self, deploy_id: DeployId) -> Deploy:
        """``lockDeploy``: what is built from git is not published any more."""
        operation = f"lock the deploy {deploy_id}"
        return self._change(operation, f"{self._of_account(operation, deploy_id)}/lock", deploy_id)

    def unlock(self, deploy_id: DeployId) -> Deploy:
        """``unlockDeploy``: builds are published again; those that were made meanwhile are not."""
        operation = f"unlock the deploy {deploy_id}"
        return self._change(operation, f"{self._of_account(operation, deploy_id)}/unlock", deploy_id)

    def cancel(self, deploy_id: DeployId) -> Deploy:
        """``cancelSiteDeploy``."""
        operation = f"cancel the deploy {deploy_id}"
        return self._change(operation, f"{self._of_account(operation, deploy_id)}/cancel", deploy_id)

    def purge(self) -> None:
        """``purgeCache``: everything of the site that Netlify keeps in its caches; accepted with 202."""
        self.api.ask(
            "purge the cache",
            "/purge",
            method="POST",
            json={"site_id": self.settings.site_id},
            expected=(HTTPStatus.ACCEPTED,),
            repeatable=True,  # what is empty is emptied again
        )

    def publish_files(self, folder: Path, *, title: str, commit: str) -> Deploy:
        """Make a new production deploy of the folder. One that could not be completed is cancelled, so that it is never published.

        Where only answers were lost, Netlify has all files and publishes them: that is looked for, since to say that it failed would be
        wrong as soon as visitors have it.

        The commit is written into the title, which is where ``read_deploy`` finds it: Netlify knows none of files.
        """
        digests = digests_of(folder)
        operation = f"make a deploy of {len(digests)} files"
        path = f"/sites/{self.api.part_of_path(operation, self.settings.site_id)}/deploys"
        told = self.api.ask_told(
            operation,
            path,
            "a deploy",
            method="POST",
            query=(("title", f"{title} [commit {commit}]"),),
            json={"draft": False},
            expected=DONE,
        )
        made = self.read_deploy(told)
        try:
            self._complete(made.id, f"{path}/{self.api.part_of_path(operation, made.id)}", folder, digests)
        except StopRequested:
            self._give_up(made.id)
            raise
        except ActionFailed:
            if not self._has_arrived(made.id):
                self._give_up(made.id)
                raise
        return self.deploy(made.id)

    def _complete(self, deploy_id: DeployId, path: str, folder: Path, digests: Mapping[str, str]) -> None:
        operation = f"name the files of {deploy_id}"
        told = self.api.ask_told(
            operation,
            path,
            "a deploy",
            method="PUT",
            json={"files": dict(digests), "async": False, "draft": False},
            expected=DONE,
            repeatable=True,  # the same names for the same deploy
        )
        told.same("id", deploy_id)
        required = _required(told, set(digests.values()))
        names = {digest: name for name, digest in digests.items()}
        uploads = {digest: partial(self._upload, deploy_id, folder, names[digest], digest) for digest in required}
        all_at_once(uploads, workers=_AT_ONCE)

    def _upload(self, deploy_id: DeployId, folder: Path, name: str, digest: str) -> None:
        operation = f"send {name}"
        content = (folder / name).read_bytes()
        if _sha1(content) != digest:
            raise ActionFailed(
                f"{folder / name} changed while it was being published: build into a folder that nobody else writes to"
            )
        self.api.ask(
            operation,
            f"/deploys/{self.api.part_of_path(operation, deploy_id)}/files/{quote(name)}",
            method="PUT",
            query=(("size", str(len(content))),),
            body=content,
            expected=DONE,
            repeatable=True,  # the same content for the same name of the same deploy
            deadline_s=self.api.deadline_s + len(content) / _SLOWEST_BYTES_A_S,
        )

    def _has_arrived(self, deploy_id: DeployId) -> bool:
        try:
            return self.deploy(deploy_id).state in _ARRIVED
        except ProviderError:
            return False

    def _give_up(self, deploy_id: DeployId) -> None:
        try:
            self.cancel(deploy_id)
        except ProviderError:
            return  # the first failure is the one to tell; a deploy that lacks files is never published

    def read_deploy(self, told: JsonObject, deploy_id: DeployId = "") -> Deploy:
        """Read one deploy; of this site, and with this id if one was asked for."""
        if deploy_id:
            told.same("id", deploy_id)
        if told.text_or_none("site_id"):
            told.same("site_id", self.settings.site_id)
        from_files = _IN_TITLE.search(told.text_or_none("title"))
        return Deploy(
            id=told.text("id"),
            state=told.text("state"),
            commit=told.text_or_none("commit_ref") or (from_files[1] if from_files else ""),
            created_at=told.moment("created_at"),
            finished_at=told.moment("published_at"),
            branch=told.text_or_none("branch"),
            context=told.text_or_none("context"),
            locked=told.truth("locked"),
            url=told.text_or_none("deploy_ssl_url"),
            problem=told.text_or_none("error_message"),
        )

    def _site(self) -> JsonObject:
        operation = f"the site {self.settings.site_id}"
        path = f"/sites/{self.api.part_of_path(operation, self.settings.site_id)}"
        told = self.api.ask_told(operation, path, "a site")
        told.same("id", self.settings.site_id)
        return told

    def _listed(self) -> Iterator[Deploy]:
        operation = f"the deploys of {self.settings.site_id}"
        path = f"/sites/{self.api.part_of_path(operation, self.settings.site_id)}/deploys"
        for page in range(1, _PAGES_MAX + 1):
            query = (("production", "true"), ("page", str(page)), ("per_page", str(_PAGE)))
            answer = self.api.ask(operation, path, query=query)
            found = self.api.told_list(operation, answer, "a deploy")
            yield from (self.read_deploy(told) for told in found)
            if not found or not _NEXT.search(answer.headers.get("link", "")):
                return

    def _change(self, operation: str, path: str, deploy_id: DeployId) -> Deploy:
        told = self.api.ask_told(operation, path, "a deploy", method="POST", expected=DONE)
        return self.read_deploy(told, deploy_id)

    def _of_site(self, operation: str, deploy_id: DeployId) -> str:
        site, deploy = (self.api.part_of_path(operation, each) for each in (self.settings.site_id, deploy_id))
        return f"/sites/{site}/deploys/{deploy}"

    def _of_account(self, operation: str, deploy_id: DeployId) -> str:
        return f"/deploys/{self.api.part_of_path(operation, deploy_id)}"


def host(environment: Environment, asking: Asking) -> NetlifySite:
    """The environment's site."""
    settings, token = environment.netlify or Netlify(), environment.host_token("frontend")
    api = netlify_api(settings, token, deadline_s=asking.deadline_s, patience_s=asking.patience_s, waiter=asking.waiter)
    return NetlifySite(api, settings)
