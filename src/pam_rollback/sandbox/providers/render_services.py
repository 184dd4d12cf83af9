"""Render's API as far as services and their deploys are concerned: the list, settings, deploys, rollback, events.

Paths, parameters, shapes and states are those of https://api-docs.render.com (2026). What the documents leave open is decided here: a
target whose build is not kept any more is 404; cancelling what is not running is 400; a commit that is not there, or a repository that does
not answer, becomes a deploy whose build fails; what a body says besides the known is not looked at.

In one module: the requests of one chapter of Render's documents, with the shapes of their answers.
"""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal, get_args

from aiohttp import web

from pam_rollback.sandbox import history
from pam_rollback.sandbox.backend_deploys import AutoDeploy, BackendDeploy, ServiceDeploys
from pam_rollback.sandbox.providers.accounts import Refusal

Operation = Literal[
    "services",
    "service",
    "patch",
    "list",
    "get",
    "deploy",
    "rollback",
    "cancel",
    "variables",
    "variable",
    "groups",
    "domains",
]
CHANGES: frozenset[Operation] = frozenset({"patch", "deploy"})
"""What counts against the limit of one service."""
_ROUTES: tuple[tuple[str, str, Operation], ...] = (
    ("GET", r"", "service"),
    ("PATCH", r"", "patch"),
    ("GET", r"/deploys", "list"),
    ("POST", r"/deploys", "deploy"),
    ("GET", r"/deploys/(?P<deploy>[^/]+)", "get"),
    ("POST", r"/deploys/(?P<deploy>[^/]+)/cancel", "cancel"),
    ("POST", r"/rollback", "rollback"),
    ("GET", r"/custom-domains", "domains"),
    ("GET", r"/env-vars", "variables"),
    ("PUT", r"/env-vars/(?P<deploy>[A-Za-z_][A-Za-z0-9_]*)", "variable"),
)
_PAGED = frozenset({"cursor", "limit"})
DESCRIBED: Mapping[Operation, tuple[frozenset[str], frozenset[str]]] = {
    "services": (_PAGED | {"name", "type", "ownerId", "suspended", "includePreviews"}, frozenset()),
    "patch": (frozenset(), frozenset({"autoDeploy", "autoDeployTrigger", "branch"})),
    "list": (_PAGED | {"status"}, frozenset()),
    "deploy": (frozenset(), frozenset({"clearCache", "commitId", "deployMode", "imageUrl"})),
    "rollback": (frozenset(), frozenset({"deployId"})),
    "variables": (_PAGED, frozenset()),
    "variable": (frozenset(), frozenset({"value"})),
    "groups": (_PAGED, frozenset()),
    "domains": (_PAGED, frozenset()),
}
"""What a query and a body may name, of that which Render describes; every other request is refused, so that a wrong one is noticed."""
_PAGE, _PAGE_MAX = 20, 100


@dataclass(frozen=True)
class Asked:
    """One request: what it wants, and of which deploy or variable."""

    operation: Operation
    service: str
    deploy: str = ""


def asked(method: str, path: str) -> Asked:
    """What a request for /services, or below it, wants. Raises Refusal when there is no such thing."""
    if (method, path) == ("GET", "/env-groups"):
        return Asked("groups", "")
    if path == "/services":
        if method == "GET":
            return Asked("services", "")
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed")
    found = re.fullmatch(r"/services/(?P<service>[^/]+)(?P<rest>.*)", path)
    if found is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "not found")
    fitting = [
        (verb, operation, match)
        for verb, pattern, operation in _ROUTES
        if (match := re.fullmatch(pattern, found["rest"])) is not None
    ]
    if not fitting:
        raise Refusal(HTTPStatus.NOT_FOUND, "not found")
    for verb, operation, match in fitting:
        if verb == method:
            return Asked(operation, found["service"], match.groupdict().get("deploy", ""))
    raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed")


async def check_described(request: web.BaseRequest, what: Asked) -> None:
    """Raise Refusal for a request that Render does not describe."""
    queries, names = DESCRIBED.get(what.operation, (frozenset(), frozenset()))
    body = await _body(request)
    if body and request.content_type != "application/json":
        raise Refusal(
            HTTPStatus.BAD_REQUEST, f"expected a body of the type application/json, found {request.content_type}"
        )
    if unknown := sorted((request.query.keys() - queries) | (body.keys() - names)):
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{what.operation}: not described: {', '.join(unknown)}")


class Services:
    """One service. Without a `url` it is a worker, which nobody reaches from outside."""

    def __init__(self, deploys: ServiceDeploys | None, *, service_id: str, owner_id: str, url: str, repo: str) -> None:
        self._deploys = deploys
        self._service_id = service_id
        self._owner_id = owner_id
        self._url = url
        self._name = "pam-backend" if url else "pam-celery"
        self._repo = repo
        self._created_at = datetime.now(UTC)
        self._answers: Mapping[
            Operation, Callable[[ServiceDeploys, web.BaseRequest, Asked], Awaitable[web.Response]]
        ] = {
            "patch": self._patch,
            "list": self._list,
            "get": self._get,
            "deploy": self._deploy,
            "rollback": self._roll_back,
            "cancel": self._cancel,
            "variables": self._variables,
            "variable": self._variable,
        }

    async def answer(self, request: web.BaseRequest, what: Asked) -> web.Response:
        """Do it. Raises Refusal."""
        if what.service != self._service_id:
            raise Refusal(HTTPStatus.NOT_FOUND, "not found")
        if what.operation == "service":
            return web.json_response(self.document())
        if what.operation == "domains":
            return web.json_response([])  # this service has none
        if self._deploys is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "not found")
        return await self._answers[what.operation](self._deploys, request, what)

    def document(self) -> dict[str, object]:
        """As it is told."""
        known = self._deploys.settings if self._deploys is not None else None
        trigger = known.auto_deploy if known is not None else "off"
        return {
            "id": self._service_id,
            "ownerId": self._owner_id,
            "name": self._name,
            "slug": self._name,
            "type": "web_service" if self._url else "background_worker",
            "repo": self._repo,
            "branch": known.branch if known is not None else history.BRANCH,
            "rootDir": history.BACKEND,
            "autoDeploy": "no" if trigger == "off" else "yes",
            "autoDeployTrigger": trigger,
            "suspended": "not_suspended",
            "suspenders": [],
            "notifyOnFail": "default",
            "dashboardUrl": f"https://dashboard.render.com/{'web' if self._url else 'worker'}/{self._service_id}",
            "createdAt": rfc3339(self._created_at),
            "updatedAt": rfc3339(known.updated_at if known is not None else self._created_at),
            "serviceDetails": {
                "env": "python",
                "runtime": "python",
                "envSpecificDetails": {
                    "buildCommand": "pip install -r requirements.txt",
                    "startCommand": "python -m pam",
                },
                "numInstances": 1,
                "plan": "starter",
                "buildPlan": "starter",
                "region": "oregon",
                **({"healthCheckPath": "/health", "openPorts": [], "url": self._url} if self._url else {}),
            },
        }

    async def _patch(self, deploys: ServiceDeploys, request: web.BaseRequest, _: Asked) -> web.Response:
        body = await _body(request)
        if "autoDeploy" in body and "autoDeployTrigger" in body:
            raise Refusal(HTTPStatus.BAD_REQUEST, "autoDeploy and autoDeployTrigger cannot both be set")
        trigger: AutoDeploy | None = None
        if "autoDeploy" in body:
            if body["autoDeploy"] not in ("yes", "no"):
                raise Refusal(HTTPStatus.BAD_REQUEST, "autoDeploy must be one of: yes, no")
            trigger = "commit" if body["autoDeploy"] == "yes" else "off"
        if "autoDeployTrigger" in body:
            trigger = next((known for known in get_args(AutoDeploy) if known == body["autoDeployTrigger"]), None)
            if trigger is None:
                raise Refusal(HTTPStatus.BAD_REQUEST, "autoDeployTrigger must be one of: commit, checksPass, off")
        branch = body.get("branch")
        if "branch" in body and not (isinstance(branch, str) and branch):
            raise Refusal(HTTPStatus.BAD_REQUEST, "branch must be a name")
        if trigger is not None:
            deploys.set_auto_deploy(trigger)
        if isinstance(branch, str):
            deploys.set_branch(branch)
        return web.json_response(self.document())

    async def _list(self, deploys: ServiceDeploys, request: web.BaseRequest, _: Asked) -> web.Response:
        statuses = {status for given in request.query.getall("status", []) for status in given.split(",")}
        found = [deploy for deploy in reversed(deploys.deploys) if (not statuses or deploy.status in statuses)]
        return _page(request, ((deploy.id, "deploy", _deploy(deploy)) for deploy in found))

    async def _get(self, deploys: ServiceDeploys, _: web.BaseRequest, what: Asked) -> web.Response:
        return web.json_response(_deploy(_found(deploys, what.deploy)))

    async def _deploy(self, deploys: ServiceDeploys, request: web.BaseRequest, _: Asked) -> web.Response:
        body = await _body(request)
        commit = body.get("commitId")
        if commit is not None and not (isinstance(commit, str) and commit):
            raise Refusal(HTTPStatus.BAD_REQUEST, "commitId must be a commit")
        if body.get("clearCache", "do_not_clear") not in ("clear", "do_not_clear"):
            raise Refusal(HTTPStatus.BAD_REQUEST, "clearCache must be one of: clear, do_not_clear")
        mode = body.get("deployMode", "build_and_deploy")
        if "imageUrl" in body or mode not in {"build_and_deploy", "deploy_only"}:
            raise Refusal(HTTPStatus.BAD_REQUEST, "this service is built from its repository")
        if mode == "deploy_only":
            if commit is not None or "clearCache" in body:
                raise Refusal(HTTPStatus.BAD_REQUEST, "deploy_only cannot be combined with commitId or clearCache")
            return web.json_response(_deploy(deploys.deploy_only()), status=HTTPStatus.CREATED)
        chosen = commit or await asyncio.to_thread(deploys.head) or deploys.settings.branch
        begun = await deploys.deploy(chosen, "api")
        if deploys.planted("queued") is not None:
            return web.Response(status=HTTPStatus.ACCEPTED)
        return web.json_response(_deploy(begun), status=HTTPStatus.CREATED)

    async def _roll_back(self, deploys: ServiceDeploys, request: web.BaseRequest, _: Asked) -> web.Response:
        target_id = (await _body(request)).get("deployId")
        if not isinstance(target_id, str) or not target_id:
            raise Refusal(HTTPStatus.BAD_REQUEST, "deployId is required")
        target = _found(deploys, target_id)
        if not deploys.is_restorable(target):
            raise Refusal(HTTPStatus.NOT_FOUND, f"the build of {target_id} is not available")
        return web.json_response(_deploy(deploys.roll_back(target)), status=HTTPStatus.CREATED)

    async def _cancel(self, deploys: ServiceDeploys, _: web.BaseRequest, what: Asked) -> web.Response:
        deploy = _found(deploys, what.deploy)
        if not deploy.is_running:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"{deploy.id} is not in progress: {deploy.status}")
        deploys.cancel(deploy)
        return web.json_response(_deploy(deploy))

    async def _variables(self, deploys: ServiceDeploys, request: web.BaseRequest, _: Asked) -> web.Response:
        found = sorted(deploys.variables.items())
        return _page(request, ((key, "envVar", {"key": key, "value": text}) for key, text in found))

    async def _variable(self, deploys: ServiceDeploys, request: web.BaseRequest, what: Asked) -> web.Response:
        """Set; it deploys nothing."""
        text = (await _body(request)).get("value")
        if not isinstance(text, str):
            raise Refusal(HTTPStatus.BAD_REQUEST, "value must be a text")
        deploys.variables[what.deploy] = text
        return web.json_response({"key": what.deploy, "value": text})


def services_page(request: web.BaseRequest, services: Iterable[Services]) -> web.Response:
    """One page of those that a key may see, as far as the filters ask for them. Raises Refusal."""
    wanted = {
        name: {one for given in request.query.getall(name, []) for one in given.split(",")}
        for name in ("name", "type", "ownerId", "suspended")
    }
    found = (one.document() for one in services)
    return _page(
        request,
        (
            (str(one["id"]), "service", one)
            for one in found
            if all(not asked_for or str(one[name]) in asked_for for name, asked_for in wanted.items())
        ),
    )


def _found(deploys: ServiceDeploys, deploy_id: str) -> BackendDeploy:
    deploy = deploys.find(deploy_id)
    if deploy is None:
        raise Refusal(HTTPStatus.NOT_FOUND, f"not found: {deploy_id}")
    return deploy


def _deploy(deploy: BackendDeploy) -> dict[str, object]:
    moments = {
        "createdAt": deploy.created_at,
        "startedAt": deploy.started_at,
        "updatedAt": deploy.updated_at or deploy.created_at,
        "finishedAt": deploy.finished_at,
    }
    committed = {"createdAt": rfc3339(deploy.committed_at)} if deploy.committed_at is not None else {}
    return {
        "id": deploy.id,
        "commit": {"id": deploy.commit, "message": deploy.message, **committed},
        "status": deploy.status,
        "trigger": deploy.trigger,
        **{name: rfc3339(moment) for name, moment in moments.items() if moment is not None},
    }


def _page(request: web.BaseRequest, items: Iterable[tuple[str, str, dict[str, object]]]) -> web.Response:
    """One page; a cursor names the last item that was given."""
    try:
        limit = int(request.query.get("limit", _PAGE))
    except ValueError:
        limit = 0
    if not 1 <= limit <= _PAGE_MAX:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"limit must be between 1 and {_PAGE_MAX}")
    all_of_them = list(items)
    begin, cursor = 0, request.query.get("cursor", "")
    if cursor:
        last = _uncovered(cursor)
        begin = next((place for place, item in enumerate(all_of_them, start=1) if item[0] == last), 0)
        if begin == 0:
            raise Refusal(HTTPStatus.BAD_REQUEST, "invalid cursor")
    page = all_of_them[begin : begin + limit]
    return web.json_response(
        [{name: document, "cursor": base64.urlsafe_b64encode(own.encode()).decode()} for own, name, document in page]
    )


def _uncovered(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, ValueError):
        return ""


async def _body(request: web.BaseRequest) -> dict[str, Any]:
    raw = await request.read()
    try:
        body = json.loads(raw) if raw.strip() else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
    return body


def rfc3339(moment: datetime) -> str:
    """Write a moment as Render does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
