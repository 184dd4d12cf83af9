"""Netlify's API over HTTP, as far as a rollback and the official command line tool use it: routes, shapes, errors and limits.

Paths, statuses and shapes are those of the package @netlify/open-api 2.60; what goes on behind them is in the modules beside this one.
A value that a deploy does not have is left out. Limits and the words of 401 and 404 are those of docs.netlify.com and of third parties'
observations; the body of a 429 is not documented.

In one module: a method for each route, and the one shape of a deploy that most of them answer with.
"""

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pam_rollback.sandbox.faults import Fault, PlantedFaults
from pam_rollback.sandbox.providers.accounts import NetlifyAccount, Refusal
from pam_rollback.sandbox.providers.netlify_deploys import (
    BEHAVIOUR,
    PREVIEW,
    PRODUCTION,
    Builds,
    Deployed,
    Deploys,
    Uploads,
)
from pam_rollback.sandbox.spoilt_answers import cut_off

ANSWERS = "netlify-answers"
BASE = "/api/v1"
TEAM = "wheels-and-wins"
_SITE_NAME = "wheels-and-wins"
_ACCOUNT_ID = "64f0c0ffee00000000000001"
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
    "GET deploys": (_DEPLOY_QUERY | {"page", "per_page"}, _NONE),
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
_Result = tuple[HTTPStatus, Any]
_Headers = dict[str, str]


@dataclass(frozen=True)
class _Route:
    method: str
    path: re.Pattern[str]
    operation: str
    """What faults call it."""
    answer: Callable[[web.BaseRequest, Mapping[str, str]], Awaitable[_Result]]
    creates_deploy: bool = False


class NetlifyApi:
    """One account with one site. `site_url` is where its visitors go."""

    def __init__(
        self,
        faults: PlantedFaults,
        account: NetlifyAccount,
        deploys: Deploys,
        builds: Builds,
        *,
        site_id: str,
        site_url: str,
        head: Callable[[str], str | None],
    ) -> None:
        self._faults = faults
        self._account = account
        self._deploys = deploys
        self._builds = builds
        self._uploads = Uploads(deploys)
        self._site_id = site_id
        self._site_url = site_url
        self._head = head
        site, deploy = f"/sites/{re.escape(site_id)}", r"/deploys/(?P<deploy>[^/]+)"
        self._routes = tuple(
            _Route(method, re.compile(f"{path}/?"), operation, answer, operation == "deploys" and method == "POST")
            for method, path, operation, answer in (
                ("GET", site, "site", self._get_site),
                ("PATCH", site, "site", self._update_site),
                ("GET", f"{site}/deploys", "deploys", self._list_deploys),
                ("POST", f"{site}/deploys", "deploys", self._create_deploy),
                ("GET", f"(?:{site})?{deploy}", "deploys", self._get_deploy),
                ("PUT", f"{site}{deploy}", "upload", self._update_deploy),
                ("PUT", f"{deploy}/files/(?P<path>.+)", "upload", self._upload),
                ("POST", f"{site}{deploy}/restore", "restore", self._restore),
                ("POST", f"{deploy}/lock", "lock", self._lock),
                ("POST", f"{deploy}/unlock", "lock", self._unlock),
                ("POST", f"{deploy}/cancel", "cancel", self._cancel),
                ("POST", f"{site}/builds", "builds", self._create_build),
                ("POST", "/purge", "purge", self._purge),
                # What the command line tool asks for beside these.
                ("GET", "/user", "account", self._user),
                ("GET", "/accounts", "account", self._accounts),
                ("GET", f"/accounts/{TEAM}/env", "account", self._nothing),
                ("GET", "/sites", "account", self._sites),
            )
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as Netlify does, or as the planted fault says."""
        headers = {"X-Request-Id": secrets.token_hex(16)}
        route, named = self._routed(request)
        if route is None:
            return _elsewhere(request.path, headers)
        fault = self._fault(route.operation)
        what = "" if fault is None else str(fault.settings["what"])
        if fault is not None and what in {"hangs", "reset"}:
            if what == "hangs":
                await fault.cleared.wait()
            return cut_off(request)
        try:
            headers |= self._let_in(request, route, what)
            await _check_described(request, route)
            status, document = await route.answer(request, named)
        except Refusal as refusal:
            headers |= refusal.headers
            envelope = {"code": int(refusal.status), "message": str(refusal)}
            return web.json_response(envelope, status=refusal.status, headers=headers)
        if what == "answer-lost":
            return cut_off(request)
        if what == "garbage":
            return web.Response(body=b'{"id": "', content_type="application/json", headers=headers)
        return _response(status, document, headers)

    def _let_in(self, request: web.BaseRequest, route: _Route, what: str) -> _Headers:
        """Whoever may not come in is refused, and so is everybody whom the fault concerns; gives the limits to tell."""
        limits = self._account.let_in(request, creates_deploy=route.creates_deploy)
        if not what.startswith(("error-", "429-")):
            return limits
        status = HTTPStatus.TOO_MANY_REQUESTS if what == "429-bare" else HTTPStatus(int(what.removeprefix("error-")))
        is_limit = what == "error-429"
        raise Refusal(status, status.phrase, {**limits, "X-RateLimit-Remaining": "0"} if is_limit else {})

    def _routed(self, request: web.BaseRequest) -> tuple[_Route | None, Mapping[str, str]]:
        if not request.path.startswith(f"{BASE}/"):
            return None, {}
        path = request.path.removeprefix(BASE)
        for route in self._routes:
            match = route.path.fullmatch(path)
            if match is not None and route.method == request.method:
                return route, {name: value or "" for name, value in match.groupdict().items()}
        return None, {}

    def _fault(self, operation: str) -> Fault | None:
        faults = self._faults.named(ANSWERS)
        return next((fault for fault in reversed(faults) if fault.settings["operation"] in {"all", operation}), None)

    async def _get_site(self, _: web.BaseRequest, __: Mapping[str, str]) -> _Result:
        return HTTPStatus.OK, self._site()

    async def _update_site(self, request: web.BaseRequest, _: Mapping[str, str]) -> _Result:
        settings = (await _object(request)).get("build_settings", {})
        if isinstance(settings, dict) and "stop_builds" in settings:
            if not isinstance(settings["stop_builds"], bool):
                raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "build_settings.stop_builds: expected true or false")
            self._deploys.stop_builds = settings["stop_builds"]
        return HTTPStatus.OK, self._site()

    async def _list_deploys(self, request: web.BaseRequest, _: Mapping[str, str]) -> _Result:
        query = request.query
        found = self._deploys.kept()
        if query.get("latest-published") == "true":
            found = [self._deploys.published]
        if query.get("production") == "true":
            found = [deploy for deploy in found if deploy.context == PRODUCTION]
        if query.get("deploy-previews") == "true":
            found = [deploy for deploy in found if deploy.context == PREVIEW]
        for name in ("state", "branch"):
            if name in query:
                found = [deploy for deploy in found if getattr(deploy, name) == query[name]]
        page, per_page = _number(query, "page", 1), min(_number(query, "per_page", _PAGE_MAX), _PAGE_MAX)
        pages = max(1, -(-len(found) // per_page))
        links = [
            f'<{request.url.update_query(page=number, per_page=per_page)}>; rel="{name}"'
            for name, number in (("prev", page - 1), ("next", page + 1), ("last", pages))
            if 1 <= number <= pages and number != page
        ]
        shown = [self._deploy(deploy) for deploy in found[(page - 1) * per_page : page * per_page]]
        return HTTPStatus.OK, _Paged(shown, {"Link": ", ".join(links)} if links else {})

    async def _create_deploy(self, request: web.BaseRequest, _: Mapping[str, str]) -> _Result:
        body = await _object(request)
        draft = body.get("draft") is True
        deploy = Deployed(
            str(body.get("branch") or self._deploys.branch),
            PREVIEW if draft else PRODUCTION,
            title=request.query.get("title", str(body.get("title") or "")),
            draft=draft,
        )
        if "files" in body:
            self._uploads.declare(deploy, body["files"])
        return HTTPStatus.OK, self._deploy(self._deploys.add(deploy))

    async def _get_deploy(self, _: web.BaseRequest, named: Mapping[str, str]) -> _Result:
        return HTTPStatus.OK, self._deploy(self._deploys.find(named["deploy"]))

    async def _update_deploy(self, request: web.BaseRequest, named: Mapping[str, str]) -> _Result:
        deploy = self._deploys.find(named["deploy"])
        self._uploads.declare(deploy, (await _object(request)).get("files"))
        return HTTPStatus.OK, self._deploy(deploy)

    async def _upload(self, request: web.BaseRequest, named: Mapping[str, str]) -> _Result:
        deploy = self._deploys.find(named["deploy"])
        if request.content_type != "application/octet-stream":
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "Content-Type: expected application/octet-stream")
        return HTTPStatus.OK, self._uploads.receive(deploy, named["path"], await request.read())

    async def _restore(self, _: web.BaseRequest, named: Mapping[str, str]) -> _Result:
        return HTTPStatus.CREATED, self._deploy(self._deploys.restore(named["deploy"]))

    async def _lock(self, _: web.BaseRequest, named: Mapping[str, str]) -> _Result:
        return HTTPStatus.OK, self._deploy(self._deploys.lock(named["deploy"]))

    async def _unlock(self, _: web.BaseRequest, named: Mapping[str, str]) -> _Result:
        return HTTPStatus.OK, self._deploy(self._deploys.unlock(named["deploy"]))

    async def _cancel(self, _: web.BaseRequest, named: Mapping[str, str]) -> _Result:
        return HTTPStatus.CREATED, self._deploy(self._deploys.cancel(named["deploy"]))

    async def _create_build(self, request: web.BaseRequest, _: Mapping[str, str]) -> _Result:
        body = await _object(request)
        branch = str(request.query.get("branch") or body.get("branch") or self._deploys.branch)
        commit = self._head(branch)
        if commit is None:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"branch {branch} does not exist")
        deploy = self._builds.start(branch, commit, title=str(request.query.get("title", "")))
        return HTTPStatus.OK, {
            "id": deploy.build_id,
            "deploy_id": deploy.id,
            "sha": commit,
            "done": False,
            "created_at": _moment(deploy.created_at),
        }

    async def _purge(self, request: web.BaseRequest, _: Mapping[str, str]) -> _Result:
        body = await _object(request)
        if "site_id" not in body and "site_slug" not in body:
            raise Refusal(HTTPStatus.BAD_REQUEST, "site_id or site_slug is required")
        if body.get("site_id", self._site_id) != self._site_id or body.get("site_slug", _SITE_NAME) != _SITE_NAME:
            raise Refusal(HTTPStatus.NOT_FOUND, "Not Found")
        if not any(fault.settings["what"] == "purge-without-effect" for fault in self._faults.named(BEHAVIOUR)):
            for fault in (fault for name in _CACHED for fault in self._faults.named(name)):
                self._faults.remove(fault)
        return HTTPStatus.ACCEPTED, None

    async def _user(self, _: web.BaseRequest, __: Mapping[str, str]) -> _Result:
        return HTTPStatus.OK, {"id": _ACCOUNT_ID, "full_name": "Wheels & Wins", "email": "team@wheelsandwins.example"}

    async def _accounts(self, _: web.BaseRequest, __: Mapping[str, str]) -> _Result:
        return HTTPStatus.OK, [{"id": _ACCOUNT_ID, "name": "Wheels & Wins", "slug": TEAM, "roles_allowed": []}]

    async def _sites(self, request: web.BaseRequest, _: Mapping[str, str]) -> _Result:
        return HTTPStatus.OK, [self._site()] if request.query.get("name", _SITE_NAME) == _SITE_NAME else []

    async def _nothing(self, _: web.BaseRequest, __: Mapping[str, str]) -> _Result:
        return HTTPStatus.OK, []

    def _site(self) -> dict[str, object]:
        return {
            "id": self._site_id,
            "state": "current",
            "name": _SITE_NAME,
            "url": self._site_url,
            "ssl_url": self._site_url,
            "admin_url": f"https://app.netlify.com/projects/{_SITE_NAME}",
            "deploy_url": self._site_url,
            "account_id": _ACCOUNT_ID,
            "account_name": "Wheels & Wins",
            "account_slug": TEAM,
            "published_deploy": self._deploy(self._deploys.published),
            "build_settings": {
                "provider": "git",
                "repo_branch": self._deploys.branch,
                "cmd": "npm run build:production",
                "dir": "dist",
                "stop_builds": self._deploys.stop_builds,
            },
        }

    def _deploy(self, deploy: Deployed) -> dict[str, object]:
        optional = {
            "build_id": deploy.build_id,
            "error_message": deploy.error_message,
            "commit_ref": deploy.commit,
            "title": deploy.title,
            "published_at": None if deploy.published_at is None else _moment(deploy.published_at),
        }
        return {
            "id": deploy.id,
            "site_id": self._site_id,
            "state": deploy.state,
            "name": _SITE_NAME,
            "url": self._site_url,
            "ssl_url": self._site_url,
            "deploy_url": f"{self._site_url}/?deploy={deploy.id}",
            "deploy_ssl_url": f"{self._site_url}/?deploy={deploy.id}",
            "admin_url": f"https://app.netlify.com/projects/{_SITE_NAME}",
            "branch": deploy.branch,
            "context": deploy.context,
            "draft": deploy.draft,
            "skipped": False,
            "locked": self._deploys.locked and deploy is self._deploys.published,
            "required": list(deploy.required),
            "required_functions": [],
            "required_edge_functions": [],
            "created_at": _moment(deploy.created_at),
            "updated_at": _moment(deploy.updated_at),
            **{name: value for name, value in optional.items() if value},
        }


@dataclass(frozen=True)
class _Paged:
    items: list[dict[str, object]]
    headers: _Headers


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name, str(otherwise))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: expected a number from 1 on")
    return int(text)


async def _check_described(request: web.BaseRequest, route: _Route) -> None:
    """Raise Refusal for a request that Netlify does not describe."""
    queries, names = DESCRIBED.get(f"{request.method} {route.operation}", (_NONE, _NONE))
    is_file = request.content_type == "application/octet-stream" and route.operation == "upload"
    body = {} if is_file else await _object(request)
    if body and request.content_type != "application/json":
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"expected JSON, declared is {request.content_type}")
    if unknown := sorted((request.query.keys() - queries) | (body.keys() - names)):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"not described for {route.operation}: {', '.join(unknown)}")


async def _object(request: web.BaseRequest) -> dict[str, Any]:
    raw = await request.read()
    try:
        body = json.loads(raw) if raw.strip() else {}
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "the body is no JSON object")
    return body


def _moment(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _elsewhere(path: str, headers: _Headers) -> web.Response:
    if _EXTENSIONS.fullmatch(path):
        return web.json_response([], headers=headers)
    return web.Response(status=HTTPStatus.NOT_FOUND, text="Not Found", headers=headers)


def _response(status: HTTPStatus, document: Any, headers: _Headers) -> web.Response:
    if document is None:
        return web.Response(status=status, headers=headers)
    if isinstance(document, _Paged):
        return web.json_response(document.items, status=status, headers=headers | document.headers)
    return web.json_response(document, status=status, headers=headers)
