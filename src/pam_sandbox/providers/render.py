"""Render's API: one account with one service, or two, their deploys and metrics, and what goes wrong with it when a fault says so.

Paths, parameters, shapes and states are those of https://api-docs.render.com (2026). What the documents leave open is decided here: a
target whose build is not kept any more is 404; cancelling what is not running is 400; a commit that is not there, or a repository that does
not answer, becomes a deploy whose build fails.
"""

import asyncio
import base64
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, get_args

from aiohttp import web

from pam_sandbox import backend_deploys
from pam_sandbox.backend_deploys import AutoDeploy, BackendDeploy, ServiceDeploys, Settings
from pam_sandbox.faults import Fault, PlantedFaults
from pam_sandbox.providers import render_metrics
from pam_sandbox.providers.host import Allowance, Asked, HostApi, Refusal, Route, told
from pam_sandbox.providers.render_metrics import Metrics, ServiceRecords, rfc3339
from pam_sandbox.repository import BACKEND

FAULT = render_metrics.FAULT
BASE = "/v1"
GETS_PER_MIN, _CHANGES_PER_MIN, _SERVICE_CHANGES_PER_MIN = 400, 30, 10
"""The last one is for one service: its settings, and deploys."""
_CHANGES = frozenset({"patch", "deploy"})
"""What counts against it."""
_SPOILING = frozenset({"garbage", "hangs", "reset", "answer-lost"})
_METRICS_REFUSED = {"unauthorized": HTTPStatus.UNAUTHORIZED, "rate-limited": HTTPStatus.TOO_MANY_REQUESTS}
_NONE: frozenset[str] = frozenset()
_PAGED = frozenset({"cursor", "limit"})
DESCRIBED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "GET services": (_PAGED | {"name", "type", "ownerId", "suspended", "includePreviews"}, _NONE),
    "PATCH patch": (_NONE, frozenset({"autoDeploy", "autoDeployTrigger", "branch"})),
    "GET list": (_PAGED | {"status"}, _NONE),
    "POST deploy": (_NONE, frozenset({"clearCache", "commitId", "deployMode", "imageUrl"})),
    "POST rollback": (_NONE, frozenset({"deployId"})),
    "GET variables": (_PAGED, _NONE),
    "PUT variable": (_NONE, frozenset({"value"})),
    "GET groups": (_PAGED, _NONE),
    "GET domains": (_PAGED, _NONE),
    "GET metrics": (
        frozenset({"resource", "startTime", "endTime", "resolutionSeconds", "quantile", "aggregateBy"}),
        _NONE,
    ),
}
"""What a query and a body may name, of that which Render describes; every other request is refused, so that a wrong one is noticed."""
_PAGE, _PAGE_MAX = 20, 100


@dataclass(frozen=True)
class _Service:
    """One service. Without a `url` it is a worker, which nobody reaches from outside."""

    id: str
    url: str
    deploys: ServiceDeploys | None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class RenderApi(HostApi):
    """Answers as Render does, or as the planted fault says."""

    base = BASE
    fault_name = backend_deploys.FAULT
    described = DESCRIBED
    wrong = HTTPStatus.BAD_REQUEST
    unauthorized, too_many = "unauthorized", "rate limit exceeded"
    phrase = str.lower
    limit_prefix, tells_moment = "Ratelimit", False

    def __init__(
        self,
        faults: PlantedFaults,
        records: ServiceRecords,
        *,
        key: str,
        service_id: str,
        owner_id: str,
        deploys: ServiceDeploys | None = None,
        url: str = "",
        repo: str = "",
        workers: Mapping[str, ServiceDeploys | None] | None = None,
        finest_step_s: int = 1,
        gets_per_min: int = GETS_PER_MIN,
    ) -> None:
        self._gets, self._changes = Allowance(gets_per_min), Allowance(_CHANGES_PER_MIN)
        self._service_changes = Allowance(_SERVICE_CHANGES_PER_MIN)
        super().__init__(faults, key, self._gets, self._changes, self._service_changes)
        self._metrics = Metrics(records, service_id=service_id, finest_step_s=finest_step_s)
        self._owner_id = owner_id
        self._repo = repo
        beside = [_Service(name, "", its) for name, its in (workers or {}).items()]
        self._services = {one.id: one for one in (_Service(service_id, url, deploys), *beside)}
        service = "/services/(?P<service>[^/]+)"
        deploy = f"{service}/deploys/(?P<deploy>[^/]+)"
        described: tuple[tuple[str, str, str, Callable[[Asked], Awaitable[web.Response]]], ...] = (
            ("GET", "/services", "services", self._list_services),
            ("GET", service, "service", lambda asked: told(self._document(self._service(asked)))),
            ("PATCH", service, "patch", self._patch),
            ("GET", f"{service}/deploys", "list", self._list),
            ("POST", f"{service}/deploys", "deploy", self._deploy),
            ("GET", deploy, "get", lambda asked: told(_deploy(_found(self._of(asked), asked.named["deploy"])))),
            ("POST", f"{deploy}/cancel", "cancel", self._cancel),
            ("POST", f"{service}/rollback", "rollback", self._roll_back),
            ("GET", f"{service}/custom-domains", "domains", self._no_domains),
            ("GET", f"{service}/env-vars", "variables", self._variables),
            ("PUT", f"{service}/env-vars/(?P<name>[A-Za-z_][A-Za-z0-9_]*)", "variable", self._variable),
            ("GET", "/env-groups", "groups", lambda _: told([])),  # this account has none
            ("GET", "/metrics/(?P<metric>.+)", "metrics", self._tell_metrics),
        )
        self.routes = tuple(
            Route(method, re.compile(path), operation, answer) for method, path, operation, answer in described
        )

    def fault_of(self, route: Route) -> Fault | None:
        """Give the fault of the deploys, as far as it spoils answers, or that of the metrics, which the service's own page shares."""
        if route.operation != "metrics":
            planted = (one for one in reversed(self._faults.named(self.fault_name)) if _spoils(one))
            found = next((one for one in planted if one.settings["operation"] in {"all", route.operation}), None)
            if found is not None or route.operation != "service":
                return found
        return self._faults.newest(FAULT)

    def spoilt(self, how: str) -> web.Response | None:
        """Give the other ways of these two faults, too."""
        if how in _METRICS_REFUSED:
            return self.refused(Refusal(_METRICS_REFUSED[how], _METRICS_REFUSED[how].phrase.lower()))
        if how == "garbage":
            return web.Response(body=b'{"id": "dep-', content_type="application/json")
        return super().spoilt(how)

    def allowances(self, route: Route) -> tuple[Allowance, ...]:
        """Give one for reading or one for changes, and besides one for changes of a service."""
        usual = self._gets if route.method == "GET" else self._changes
        return (usual, self._service_changes) if route.operation in _CHANGES else (usual,)

    def refused(self, refusal: Refusal) -> web.Response:
        """Give an id and a message."""
        return web.json_response({"id": secrets.token_hex(8), "message": str(refusal)}, status=refusal.status)

    def elsewhere(self, request: web.BaseRequest, path: str, *, is_known: bool) -> web.Response:
        """Tell a wrong path from a wrong method."""
        del request, path
        status = HTTPStatus.METHOD_NOT_ALLOWED if is_known else HTTPStatus.NOT_FOUND
        answer = self.refused(Refusal(status, status.phrase.lower()))
        answer.headers.update(self.limits(self._gets))
        return answer

    def _service(self, asked: Asked) -> _Service:
        found = self._services.get(asked.named["service"])
        if found is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "not found")
        return found

    def _of(self, asked: Asked) -> ServiceDeploys:
        deploys = self._service(asked).deploys
        if deploys is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "not found")
        return deploys

    def _document(self, service: _Service) -> dict[str, object]:
        known = service.deploys.settings if service.deploys is not None else Settings(auto_deploy="off")
        url, name = service.url, "pam-backend" if service.url else "pam-celery"
        return {
            "id": service.id,
            "ownerId": self._owner_id,
            "name": name,
            "slug": name,
            "type": "web_service" if url else "background_worker",
            "repo": self._repo,
            "branch": known.branch,
            "rootDir": BACKEND,
            "autoDeploy": "no" if known.auto_deploy == "off" else "yes",
            "autoDeployTrigger": known.auto_deploy,
            "suspended": "not_suspended",
            "suspenders": [],
            "notifyOnFail": "default",
            "dashboardUrl": f"https://dashboard.render.com/{'web' if url else 'worker'}/{service.id}",
            "createdAt": rfc3339(service.created_at),
            "updatedAt": rfc3339(known.updated_at),
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
                **({"healthCheckPath": "/health", "openPorts": [], "url": url} if url else {}),
            },
        }

    async def _no_domains(self, asked: Asked) -> web.Response:
        self._service(asked)
        return await told([])

    async def _list_services(self, asked: Asked) -> web.Response:
        """Give those that a key may see, as far as the filters ask for them."""
        wanted = {name: _listed(asked, name) for name in ("name", "type", "ownerId", "suspended")}
        found = [
            document
            for document in map(self._document, self._services.values())
            if all(not known or document[name] in known for name, known in wanted.items())
        ]
        return await _page(asked, "service", [(str(document["id"]), document) for document in found])

    async def _patch(self, asked: Asked) -> web.Response:
        service, deploys, body = self._service(asked), self._of(asked), asked.body
        if "autoDeploy" in body and "autoDeployTrigger" in body:
            raise Refusal(self.wrong, "autoDeploy and autoDeployTrigger cannot both be set")
        _one_of(body, "autoDeploy", "yes", "no")
        _one_of(body, "autoDeployTrigger", *get_args(AutoDeploy))
        branch = body.get("branch", deploys.settings.branch)
        if not (isinstance(branch, str) and branch):
            raise Refusal(self.wrong, "branch must be a name")
        by_older_word: dict[Any, AutoDeploy] = {"yes": "commit", "no": "off"}
        trigger = body.get("autoDeployTrigger") or by_older_word.get(body.get("autoDeploy"))
        deploys.change(branch=branch, auto_deploy=trigger or deploys.settings.auto_deploy)
        return await told(self._document(service))

    async def _list(self, asked: Asked) -> web.Response:
        statuses = _listed(asked, "status")
        found = [one for one in reversed(self._of(asked).deploys) if not statuses or one.status in statuses]
        return await _page(asked, "deploy", [(deploy.id, _deploy(deploy)) for deploy in found])

    async def _deploy(self, asked: Asked) -> web.Response:
        deploys, body = self._of(asked), asked.body
        commit = body.get("commitId")
        if commit is not None and not (isinstance(commit, str) and commit):
            raise Refusal(self.wrong, "commitId must be a commit")
        _one_of(body, "clearCache", "clear", "do_not_clear")
        mode = body.get("deployMode", "build_and_deploy")
        if "imageUrl" in body or mode not in {"build_and_deploy", "deploy_only"}:
            raise Refusal(self.wrong, "this service is built from its repository")
        if mode == "deploy_only":
            if commit is not None or "clearCache" in body:
                raise Refusal(self.wrong, "deploy_only cannot be combined with commitId or clearCache")
            return await told(_deploy(deploys.deploy_only()), HTTPStatus.CREATED)
        chosen = commit or await asyncio.to_thread(deploys.head) or deploys.settings.branch
        begun = await deploys.deploy(chosen, "api")
        if deploys.planted("queued") is not None:
            return web.Response(status=HTTPStatus.ACCEPTED)
        return await told(_deploy(begun), HTTPStatus.CREATED)

    async def _roll_back(self, asked: Asked) -> web.Response:
        deploys, target_id = self._of(asked), asked.body.get("deployId")
        if not isinstance(target_id, str) or not target_id:
            raise Refusal(self.wrong, "deployId is required")
        target = _found(deploys, target_id)
        if not deploys.is_restorable(target):
            raise Refusal(HTTPStatus.NOT_FOUND, f"the build of {target_id} is not available")
        return await told(_deploy(deploys.roll_back(target)), HTTPStatus.CREATED)

    async def _cancel(self, asked: Asked) -> web.Response:
        deploys = self._of(asked)
        deploy = _found(deploys, asked.named["deploy"])
        if not deploy.is_running:
            raise Refusal(self.wrong, f"{deploy.id} is not in progress: {deploy.status}")
        deploys.cancel(deploy)
        return await told(_deploy(deploy))

    async def _variables(self, asked: Asked) -> web.Response:
        found = sorted(self._of(asked).variables.items())
        return await _page(asked, "envVar", [(key, {"key": key, "value": text}) for key, text in found])

    async def _variable(self, asked: Asked) -> web.Response:
        """Set it; that deploys nothing."""
        name, text = asked.named["name"], asked.body.get("value")
        if not isinstance(text, str):
            raise Refusal(self.wrong, "value must be a text")
        self._of(asked).variables[name] = text
        return await told({"key": name, "value": text})

    async def _tell_metrics(self, asked: Asked) -> web.Response:
        fault = self._faults.newest(FAULT)
        return await told(self._metrics.document(asked.request, asked.named["metric"], fault))


def _spoils(fault: Fault) -> bool:
    """Tell whether a fault is in the answers; the others are in what becomes of a deploy."""
    how = str(fault.settings["what"])
    return how in _SPOILING or how.startswith("error-")


def _one_of(body: Mapping[str, Any], name: str, *known: str) -> None:
    if name in body and body[name] not in known:
        raise Refusal(RenderApi.wrong, f"{name} must be one of: {', '.join(known)}")


def _listed(asked: Asked, name: str) -> set[str]:
    """Give the values of a query that may be repeated, or be a list."""
    return {one for given in asked.request.query.getall(name, []) for one in given.split(",")}


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


async def _page(asked: Asked, what: str, items: Iterable[tuple[str, dict[str, object]]]) -> web.Response:
    """Give one page; a cursor names the last item that was given."""
    query, listed = asked.request.query, list(items)
    limit = query.get("limit", str(_PAGE))
    if not limit.isdecimal() or not 1 <= int(limit) <= _PAGE_MAX:
        raise Refusal(RenderApi.wrong, f"limit must be between 1 and {_PAGE_MAX}")
    begin = 0
    if cursor := query.get("cursor", ""):
        begin = next((place for place, (own, _) in enumerate(listed, start=1) if _cursor(own) == cursor), 0)
        if begin == 0:
            raise Refusal(RenderApi.wrong, "invalid cursor")
    page = listed[begin : begin + int(limit)]
    return await told([{what: document, "cursor": _cursor(own)} for own, document in page])


def _cursor(own: str) -> str:
    return base64.urlsafe_b64encode(own.encode()).decode()
