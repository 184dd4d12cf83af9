"""Netlify's API over HTTP, as far as a rollback and the official command line tool use it: routes, shapes, errors and limits.

Paths, statuses and shapes are those of the package @netlify/open-api 2.60; what goes on behind them is in the modules beside this one.
A value that a deploy does not have is left out. Limits and the words of 401 and 404 are those of docs.netlify.com and of third parties'
observations; the body of a 429 is not documented.
"""

import re
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from pam_sandbox.faults import PlantedFaults
from pam_sandbox.providers.host import Allowance, Asked, HostApi, Refusal, Route, told
from pam_sandbox.providers.netlify_deploys import (
    BEHAVIOUR,
    PREVIEW,
    PRODUCTION,
    Deployed,
    Deploys,
)
from pam_sandbox.repository import Repository

BASE = "/api/v1"
TEAM = "wheels-and-wins"
_SITE_NAME = "wheels-and-wins"
_ACCOUNT_ID = "64f0c0ffee00000000000001"
_REQUESTS_PER_MIN, _DEPLOYS_PER_MIN = 500, 3
_CACHED = ("old-page-served", "old-asset-served")
_PAGE_MAX = 100
_EXTENSIONS = re.compile(r"/(team|site)/[^/]+/integrations/.+")
"""Another service of Netlify's, which the command line tool asks before it deploys: none is installed."""
_DEPLOY_QUERY = frozenset({"branch", "deploy-previews", "latest-published", "production", "state"})
_DEPLOY = frozenset({"async", "branch", "draft", "environment", "files", "framework", "framework_version", "functions"})
_DEPLOY |= {"edge_functions", "function_schedules", "functions_config", "server", "zip"}
UNDESCRIBED = frozenset({"build_version", "deploy_source", "include_upload_url"})
"""What the command line tool says besides."""
_NONE: frozenset[str] = frozenset()
DESCRIBED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "PATCH site": (_NONE, frozenset({"build_settings"})),
    "GET deploys": (frozenset({"branch", "production", "state", "page", "per_page"}), _NONE),
    "POST deploys": (_DEPLOY_QUERY | {"title"}, _DEPLOY | UNDESCRIBED),
    "PUT upload": (frozenset({"commit_ref", "size"}), _DEPLOY | UNDESCRIBED),
    "POST builds": (frozenset({"branch", "clear_cache", "image", "template_id", "title"}), _NONE),
    "POST purge": (_NONE, frozenset({"cache_tags", "site_id", "site_slug"})),
    "GET site": (frozenset({"feature_flags"}), _NONE),
    "GET account": (
        frozenset({"context_name", "filter", "minimal", "name", "page", "per_page", "scope", "site_id"}),
        _NONE,
    ),
}
"""What query and body may name, of that which Netlify describes; another request is refused, so that a wrong one is noticed."""
_OWNER = {"id": _ACCOUNT_ID, "full_name": "Wheels & Wins", "email": "team@wheelsandwins.example"}
_TEAMS = [{"id": _ACCOUNT_ID, "name": "Wheels & Wins", "slug": TEAM, "roles_allowed": []}]


class NetlifyApi(HostApi):
    """One account with one site, built from the sandbox's repository. `url` is where its visitors go."""

    base = BASE
    fault_name = "netlify-answers"
    described = DESCRIBED
    wrong = HTTPStatus.UNPROCESSABLE_ENTITY
    unauthorized, too_many = "Access Denied", "Too Many Requests"
    limit_prefix, tells_moment = "X-RateLimit", True

    def __init__(self, faults: PlantedFaults, deploys: Deploys, repository: Repository, *, url: str) -> None:
        self._requests, self._creations = Allowance(_REQUESTS_PER_MIN), Allowance(_DEPLOYS_PER_MIN)
        super().__init__(faults, f"nfp_{secrets.token_urlsafe(24)}", self._requests, self._creations)
        self.site_id = str(uuid.uuid4())
        self.deploys = deploys
        self._site_url = url
        self._head = repository.head
        site, deploy = f"/sites/{self.site_id}", r"/deploys/(?P<deploy>[^/]+)"
        described: tuple[tuple[str, str, str, Callable[[Asked], Awaitable[web.Response]]], ...] = (
            ("GET", site, "site", lambda _: told(self._site())),
            ("PATCH", site, "site", self._update_site),
            ("GET", f"{site}/deploys", "deploys", self._list_deploys),
            ("POST", f"{site}/deploys", "deploys", self._create_deploy),
            ("GET", f"(?:{site})?{deploy}", "deploys", lambda asked: told(self._deploy(self._named(asked)))),
            ("PUT", f"{site}{deploy}", "upload", self._update_deploy),
            ("PUT", f"{deploy}/files/(?P<path>.+)", "upload", self._upload),
            ("POST", f"{site}{deploy}/restore", "restore", self._changed(deploys.restore, HTTPStatus.CREATED)),
            ("POST", f"{deploy}/lock", "lock", self._changed(deploys.lock)),
            ("POST", f"{deploy}/unlock", "lock", self._changed(deploys.unlock)),
            ("POST", f"{deploy}/cancel", "cancel", self._changed(deploys.cancel, HTTPStatus.CREATED)),
            ("POST", f"{site}/builds", "builds", self._create_build),
            ("POST", "/purge", "purge", self._purge),
            # What the command line tool asks for beside these.
            ("GET", "/user", "account", lambda _: told(_OWNER)),
            ("GET", "/accounts", "account", lambda _: told(_TEAMS)),
            ("GET", f"/accounts/{TEAM}/env", "account", lambda _: told([])),
            ("GET", "/sites", "account", self._sites),
        )
        self.routes = tuple(
            Route(method, re.compile(f"{path}/?"), operation, answer, takes_file=answer == self._upload)
            for method, path, operation, answer in described
        )

    async def reset(self) -> None:
        """Be as at the start, with all that may be asked for in a minute."""
        await self.deploys.reset()
        self.renew()

    def allowances(self, route: Route) -> tuple[Allowance, ...]:
        """Give one for all requests, and one for new deploys."""
        return (self._requests, self._creations) if route.name == "POST deploys" else (self._requests,)

    def refused(self, refusal: Refusal) -> web.Response:
        """Give a code and a message."""
        return web.json_response({"code": int(refusal.status), "message": str(refusal)}, status=refusal.status)

    def elsewhere(self, request: web.BaseRequest, path: str, *, is_known: bool) -> web.Response:
        """Answer in plain text, whatever is known of the path."""
        del path, is_known
        if _EXTENSIONS.fullmatch(request.path):
            return web.json_response([])
        return web.Response(status=HTTPStatus.NOT_FOUND, text="Not Found")

    async def _update_site(self, asked: Asked) -> web.Response:
        settings = asked.body.get("build_settings", {})
        if isinstance(settings, dict) and "stop_builds" in settings:
            if not isinstance(settings["stop_builds"], bool):
                raise Refusal(self.wrong, "build_settings.stop_builds: expected true or false")
            self.deploys.stop_builds = settings["stop_builds"]
        return await told(self._site())

    async def _list_deploys(self, asked: Asked) -> web.Response:
        query, found = asked.request.query, self.deploys.kept()
        if query.get("production") == "true":
            found = [deploy for deploy in found if deploy.context == PRODUCTION]
        for name in ("state", "branch"):
            if name in query:
                found = [deploy for deploy in found if getattr(deploy, name) == query[name]]
        page, per_page = (self._number(query, name, most) for name, most in (("page", 1), ("per_page", _PAGE_MAX)))
        shown = found[(page - 1) * per_page : page * per_page]
        answer = await told([self._deploy(deploy) for deploy in shown])
        if len(found) > page * per_page:
            following = asked.request.url.update_query(page=page + 1, per_page=per_page)
            answer.headers["Link"] = f'<{following}>; rel="next"'
        return answer

    async def _create_deploy(self, asked: Asked) -> web.Response:
        body = asked.body
        draft = body.get("draft") is True
        deploy = Deployed(
            str(body.get("branch") or self.deploys.branch),
            PREVIEW if draft else PRODUCTION,
            title=asked.request.query.get("title", str(body.get("title") or "")),
            draft=draft,
        )
        if "files" in body:
            self.deploys.declare(deploy, body["files"])
        return await told(self._deploy(self.deploys.add(deploy)))

    async def _update_deploy(self, asked: Asked) -> web.Response:
        deploy = self._named(asked)
        self.deploys.declare(deploy, asked.body.get("files"))
        return await told(self._deploy(deploy))

    async def _upload(self, asked: Asked) -> web.Response:
        deploy = self._named(asked)
        if asked.request.content_type != "application/octet-stream":
            raise Refusal(self.wrong, "Content-Type: expected application/octet-stream")
        return await told(self.deploys.receive(deploy, asked.named["path"], await asked.request.read()))

    async def _create_build(self, asked: Asked) -> web.Response:
        query = asked.request.query
        branch = str(query.get("branch") or self.deploys.branch)
        commit = self._head(branch)
        if commit is None:
            raise Refusal(self.wrong, f"branch {branch} does not exist")
        deploy = self.deploys.start(branch, commit, title=str(query.get("title", "")))
        began = {"created_at": _moment(deploy.created_at), "done": False}
        return await told({"id": deploy.build_id, "deploy_id": deploy.id, "sha": commit, **began})

    async def _purge(self, asked: Asked) -> web.Response:
        body = asked.body
        if "site_id" not in body and "site_slug" not in body:
            raise Refusal(HTTPStatus.BAD_REQUEST, "site_id or site_slug is required")
        if body.get("site_id", self.site_id) != self.site_id or body.get("site_slug", _SITE_NAME) != _SITE_NAME:
            raise Refusal(HTTPStatus.NOT_FOUND, "Not Found")
        if self._faults.newest(BEHAVIOUR, "purge-without-effect") is None:
            for fault in (fault for name in _CACHED for fault in self._faults.named(name)):
                self._faults.remove(fault)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _sites(self, asked: Asked) -> web.Response:
        return await told([self._site()] if asked.request.query.get("name", _SITE_NAME) == _SITE_NAME else [])

    def _changed(
        self, change: Callable[[str], Deployed], status: HTTPStatus = HTTPStatus.OK
    ) -> Callable[[Asked], Awaitable[web.Response]]:
        return lambda asked: told(self._deploy(change(asked.named["deploy"])), status)

    def _named(self, asked: Asked) -> Deployed:
        return self.deploys.find(asked.named["deploy"])

    def _number(self, query: Mapping[str, str], name: str, otherwise: int) -> int:
        text = query.get(name, str(otherwise))
        if not text.isdecimal() or int(text) < 1:
            raise Refusal(self.wrong, f"{name}: expected a number from 1 on")
        return min(int(text), _PAGE_MAX) if name == "per_page" else int(text)

    def _addresses(self) -> dict[str, object]:
        return {
            "name": _SITE_NAME,
            "url": self._site_url,
            "ssl_url": self._site_url,
            "admin_url": f"https://app.netlify.com/projects/{_SITE_NAME}",
        }

    def _site(self) -> dict[str, object]:
        return {
            **self._addresses(),
            "id": self.site_id,
            "state": "current",
            "deploy_url": self._site_url,
            "account_id": _ACCOUNT_ID,
            "account_name": "Wheels & Wins",
            "account_slug": TEAM,
            "published_deploy": self._deploy(self.deploys.published),
            "build_settings": {
                "provider": "git",
                "repo_branch": self.deploys.branch,
                "cmd": "npm run build:production",
                "dir": "dist",
                "stop_builds": self.deploys.stop_builds,
            },
        }

    def _deploy(self, deploy: Deployed) -> dict[str, object]:
        own_address = f"{self._site_url}/?deploy={deploy.id}"
        optional = {
            "build_id": deploy.build_id,
            "error_message": deploy.error_message,
            "commit_ref": deploy.commit,
            "title": deploy.title,
            "published_at": None if deploy.published_at is None else _moment(deploy.published_at),
        }
        return {
            **self._addresses(),
            "id": deploy.id,
            "site_id": self.site_id,
            "state": deploy.state,
            "deploy_url": own_address,
            "deploy_ssl_url": own_address,
            "branch": deploy.branch,
            "context": deploy.context,
            "draft": deploy.draft,
            "skipped": False,
            "locked": self.deploys.locked and deploy is self.deploys.published,
            "required": list(deploy.required),
            "required_functions": [],
            "required_edge_functions": [],
            "created_at": _moment(deploy.created_at),
            "updated_at": _moment(deploy.updated_at),
            **{name: value for name, value in optional.items() if value},
        }


def _moment(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
