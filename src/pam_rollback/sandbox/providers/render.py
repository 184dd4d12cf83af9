"""Render's API: one account with one service, or two, their deploys and metrics, and what goes wrong with it when a fault says so."""

import time
from http import HTTPStatus

from aiohttp import web

from pam_rollback.sandbox import backend_deploys
from pam_rollback.sandbox.backend_deploys import ServiceDeploys
from pam_rollback.sandbox.faults import Fault, PlantedFaults
from pam_rollback.sandbox.providers import render_metrics
from pam_rollback.sandbox.providers.accounts import RENDER_GETS_PER_MIN, Refusal, RenderAccount, refused_by_render
from pam_rollback.sandbox.providers.render_metrics import Metrics, ServiceRecords
from pam_rollback.sandbox.providers.render_services import (
    CHANGES,
    Asked,
    Services,
    asked,
    check_described,
    services_page,
)
from pam_rollback.sandbox.spoilt_answers import cut_off

FAULT = render_metrics.FAULT
BASE = "/v1"
_METRICS = f"{BASE}/metrics/"
_METRICS_REFUSED = {"unauthorized": 401, "rate-limited": 429}
_AFTER_A_WHILE_S = 1
"""What a planted refusal for too many requests asks for."""


class RenderApi:
    """Answers as Render does, or as the planted fault says."""

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
        worker: tuple[str, ServiceDeploys | None] | None = None,
        finest_step_s: int = 1,
        gets_per_min: int = RENDER_GETS_PER_MIN,
    ) -> None:
        self._faults = faults
        self.account = RenderAccount(key, gets_per_min=gets_per_min)
        self._metrics = Metrics(records, service_id=service_id, finest_step_s=finest_step_s)
        self._service = Services(deploys, service_id=service_id, owner_id=owner_id, url=url, repo=repo)
        self._workers = (
            {}
            if worker is None
            else {worker[0]: Services(worker[1], service_id=worker[0], owner_id=owner_id, url="", repo=repo)}
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        try:
            if request.path.startswith(_METRICS):
                return await self._do(request, None, self._metrics_fault())
            what = asked(request.method, request.path.removeprefix(BASE))
            fault = self._fault_of(what) or (self._metrics_fault() if what.operation == "service" else None)
            return await self._do(request, what, fault)
        except Refusal as refusal:
            return refused_by_render(refusal, self.account.limits(request))

    async def _do(self, request: web.BaseRequest, what: Asked | None, fault: Fault | None) -> web.StreamResponse:
        """Answer one request, ``what`` of a service or for metrics, as far as the fault allows it."""
        changes = what is not None and what.operation in CHANGES
        how = str(fault.settings["what"]) if fault is not None else ""
        if fault is not None and how == "hangs":
            await fault.cleared.wait()
        if how in {"hangs", "reset"}:
            return cut_off(request)
        try:
            self.account.let_in(request, changes_service=changes)
            answer = _spoilt(how) or (self._tell_metrics(request) if what is None else await self._told(request, what))
        except Refusal as refusal:
            answer = refused_by_render(refusal, {})
        if how == "answer-lost":
            return cut_off(request)
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS or "429" not in how:
            answer.headers.update(self.account.limits(request, changes_service=changes))
        return answer

    async def _told(self, request: web.BaseRequest, what: Asked) -> web.Response:
        await check_described(request, what)
        if what.operation == "services":
            return services_page(request, (self._service, *self._workers.values()))
        if what.operation == "groups":
            return web.json_response([])  # this account has none
        return await self._workers.get(what.service, self._service).answer(request, what)

    def _tell_metrics(self, request: web.BaseRequest) -> web.Response:
        if request.method != "GET":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed")
        name = request.path.removeprefix(_METRICS)
        return web.json_response(self._metrics.document(request, name, self._metrics_fault()))

    def _metrics_fault(self) -> Fault | None:
        return next(reversed(self._faults.named(FAULT)), None)

    def _fault_of(self, what: Asked) -> Fault | None:
        planted = self._faults.named(backend_deploys.FAULT)
        return next((fault for fault in reversed(planted) if _answers(fault, what)), None)


def _answers(fault: Fault, what: Asked) -> bool:
    how = str(fault.settings["what"])
    spoils = how.startswith(("error-", "429-")) or how in {"garbage", "plain-text", "hangs", "reset", "answer-lost"}
    return spoils and fault.settings["operation"] in {"all", what.operation}


def _spoilt(how: str) -> web.Response | None:
    """What is answered in place of the truth; nothing when it is not to be spoilt here."""
    if how in {"error-429", "429-epoch", "429-bare"}:
        return _too_many(how)
    if how.startswith("error-") or how in _METRICS_REFUSED:
        status = HTTPStatus(_METRICS_REFUSED.get(how) or int(how.removeprefix("error-")))
        return refused_by_render(Refusal(status, status.phrase.lower()), {})
    if how == "garbage":
        return web.Response(body=b'{"id": "dep-', content_type="application/json")
    if how == "plain-text":
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text="Internal Server Error")
    return None


def _too_many(how: str) -> web.Response:
    reset = int(time.time()) + _AFTER_A_WHILE_S if how == "429-epoch" else _AFTER_A_WHILE_S
    headers = {"Ratelimit-Limit": "10", "Ratelimit-Remaining": "0", "Ratelimit-Reset": str(reset)}
    return refused_by_render(
        Refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate limit exceeded"), {} if how == "429-bare" else headers
    )
