"""What is planted in front of the real product: who is answered so, what stays as it is, and that each situation can be planted."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from unittest import mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from pam_sandbox import planting
from pam_sandbox.builds import File
from pam_sandbox.fault_catalogue import CATALOGUE
from pam_sandbox.faults import PlantedFaults
from pam_sandbox.planting import read_fault
from tests.real_product.break_it import SITUATIONS
from tests.real_product.faults import KINDS, Server, Trouble, is_asked_so
from tests.real_product.front_end import RealBuild
from tests.real_product.stand_ins import Model, _question

PROFILE, CHAT, ROWS = "/api/v1/users/1/profile", "/api/v1/pam/chat", "/rest/v1/expenses"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Origin": "http://127.0.0.1:8601"}
US = {"User-Agent": "pam-rollback/1", "Cache-Control": "no-cache"}


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    """The kinds of the real product stand in the catalogue, as while it runs."""
    with mock.patch.object(planting, "CATALOGUE", {**CATALOGUE, **KINDS}):
        yield


def planted(situation: str) -> PlantedFaults:
    """All that belongs to it."""
    found = PlantedFaults()
    for name, settings in SITUATIONS[situation]:
        found.add(read_fault(name, settings))
    return found


def answered(
    situation: str,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    server: Server = "api",
) -> tuple[int, dict[str, object]]:
    """Status and body of one request, whose true answer is 200 and healthy."""

    async def true_answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"status": "healthy"})

    request = make_mocked_request(method, path, headers=headers or US)
    answer = asyncio.run(Trouble(planted(situation), server).answer(request, true_answer))
    assert isinstance(answer, web.Response)
    return answer.status, json.loads(answer.text or "{}")


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_situation_can_be_planted(name: str) -> None:
    """Its faults exist, with these settings."""
    assert [one.kind.name for one in planted(name)] == [fault for fault, _ in SITUATIONS[name]]


def test_every_call_fails_and_health_stays_good() -> None:
    """As a product does whose health looks at nothing; other servers are not meant, nor is a browser's preflight."""
    assert [answered("api-500", path)[0] for path in (PROFILE, CHAT, "/health", "/health/pam", "/api/health")] == [
        500,
        500,
        200,
        200,
        200,
    ]
    assert answered("api-500", ROWS, server="supabase")[0] == 200
    assert answered("api-500", PROFILE, method="OPTIONS")[0] == 200


def test_the_api_is_dead_for_browsers_only() -> None:
    """Its health, too; our own requests get what they always get."""
    assert [answered("dead-for-browsers", path, headers=BROWSER)[0] for path in (PROFILE, "/health")] == [503, 503]
    assert [answered("dead-for-browsers", path)[0] for path in (PROFILE, "/health")] == [200, 200]


def test_writes_fail_and_reads_do_not() -> None:
    """At both servers."""
    assert [answered("writes-500", PROFILE, method=method)[0] for method in ("GET", "PUT")] == [200, 500]
    assert [answered("writes-500", ROWS, method=method, server="supabase")[0] for method in ("GET", "POST")] == [
        200,
        500,
    ]


def test_health_fails_where_it_is_named() -> None:
    """One probe in ten, and nothing else."""
    trouble, seen = Trouble(planted("health-flaps"), "api"), list[int]()

    async def true_answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    async def ask() -> None:
        for _ in range(500):
            answer = await trouble.answer(make_mocked_request("GET", "/health"), true_answer)
            seen.append(answer.status)

    asyncio.run(ask())
    assert answered("health-flaps", PROFILE)[0] == 200
    assert 20 < seen.count(503) < 90


def test_a_good_answer_says_something_besides() -> None:
    """Beside what it says in truth."""
    assert answered("health-maintenance", "/health") == (200, {"status": "healthy", "maintenance": True})
    assert answered("chat-without-success", CHAT, method="POST") == (200, {"status": "healthy", "success": False})
    assert answered("health-maintenance", PROFILE) == (200, {"status": "healthy"})


def test_a_cache_answers_who_does_not_ask_past_it() -> None:
    """By the header that says so."""
    asked = [is_asked_so(make_mocked_request("GET", PROFILE, headers=headers), "cached") for headers in (BROWSER, US)]
    assert asked == [True, False]


def test_half_of_what_is_loaded_lazily_is_gone() -> None:
    """Never what the page itself loads."""
    names = ("index.a", "vendor.b", *(f"Page{number}.c" for number in range(10)))
    scripts = {f"/assets/{name}.js": File("text/javascript", b"", "1.0.0") for name in names}
    page = File("text/html", b'<script src="/assets/index.a.js"></script><link href="/assets/vendor.b.js">', "1.0.0")

    gone = RealBuild({"/index.html": page, **scripts}, "1.0.0").half_of_the_lazy

    assert gone == {f"/assets/Page{number}.c.js" for number in range(0, 10, 2)}


def test_the_model_answers_what_it_was_asked_or_what_somebody_else_has_asked() -> None:
    """So that a mark in the question comes back, and does not while users are mixed up."""

    async def said(model: Model, question: str) -> str:
        body = json.dumps({"messages": [{"role": "user", "content": question}]}).encode()
        request = mock.Mock(spec=web.BaseRequest, read=mock.AsyncMock(return_value=body))
        answer = await model.handle(request)
        assert isinstance(answer, web.Response)
        return str(json.loads(answer.text or "")["content"][0]["text"])

    model = Model()
    assert "mark-1" in asyncio.run(said(model, "mark-1"))
    model.faults = planted("chat-of-another")
    assert "mark-2" not in asyncio.run(said(model, "mark-2"))
    assert "mark-2" in asyncio.run(said(model, "mark-3"))
    assert _question({"messages": [{"content": [{"type": "text", "text": "mark-4"}]}]}) == "mark-4"
