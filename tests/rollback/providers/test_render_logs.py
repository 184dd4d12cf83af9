"""The service's log by Render's API: page by page, each line once, and no further than a limit."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pam_rollback.base.errors import ProviderError
from pam_rollback.environment.hosts import Render
from pam_rollback.rollback.providers.render.render_api import render_api
from pam_rollback.rollback.providers.render.render_logs import read_logs
from pam_rollback.rollback.rules.deploys import Logs
from tests.render_stand_in import KEY, OWNER, SERVICE, StandIn, stand_in
from tests.scripted_provider import Scripted, says, scripted


def page(*numbers: int, more: bool = False, start: str = "2026-11-25T10:00:00Z") -> Mapping[str, Any]:
    """A page as Render tells it."""
    logs = [{"id": f"l{n}", "timestamp": f"T{n}", "message": f"line {n}", "labels": []} for n in numbers]
    return {"hasMore": more, "nextStartTime": start, "nextEndTime": "2026-11-25T11:00:00Z", "logs": logs}


def read(server: Scripted | StandIn, **settings: str) -> Logs:
    """The last hour of the service's log."""
    table = Render.model_validate({"service_id": SERVICE, "owner_id": OWNER, "api_url": server.url, **settings})
    api = render_api(table, KEY, deadline_s=2, patience_s=0)
    now = datetime.now(UTC)
    return read_logs(api, table, since=now - timedelta(hours=1), until=now + timedelta(minutes=1))


def test_pages_are_put_together_and_each_line_is_there_once() -> None:
    """The next page may begin with the last line of the one before."""
    with scripted(says(page(1, 2, more=True)), says(page(2, 3))) as server:
        found = read(server)

    assert found == Logs(("T1 line 1", "T2 line 2", "T3 line 3"), more=False)


def test_the_owner_is_asked_for_where_nobody_named_it() -> None:
    """Render wants it, and the service tells it."""
    with scripted(says({"id": SERVICE, "name": "x", "ownerId": OWNER}), says(page(1))) as server:
        read(server, owner_id="")

    assert server.asked == [f"GET /services/{SERVICE}", "GET /logs"]
    assert server.requests[1].query["ownerId"] == OWNER


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([says({"hasMore": False})], "expected a list of logs"),
        ([says({**page(), "logs": ["x"]})], "expected a line with its time and message"),
        ([says(page(1, more=True)), says(page(2, more=True))], "expected another time on each page"),
    ],
)
def test_what_is_not_the_contract_is_said(answers: list[Any], words: str) -> None:
    """Nothing is read as an empty log."""
    with scripted(*answers) as server, pytest.raises(ProviderError, match=words):
        read(server)


def test_the_stand_in_tells_requests_that_failed() -> None:
    """More than a page of them, in order; those that went well are no lines."""
    with stand_in() as server:
        for number in range(250):
            server.records.note_answer(500, 12.0, f"GET /n/{number}")
            server.records.note_answer(200, 12.0, "GET /fine")
        found = read(server)

    assert [line.split()[3] for line in found.lines] == [f"/n/{number}" for number in range(250)]
    assert not found.more


def test_another_key_and_another_service_are_refused() -> None:
    """As everywhere else."""
    with stand_in() as server:
        with pytest.raises(ProviderError, match="404"):
            read(server, service_id="srv-other")
        table = Render.model_validate({"service_id": SERVICE, "owner_id": OWNER, "api_url": server.url})
        with pytest.raises(ProviderError, match="401"):
            read_logs(render_api(table, "wrong", patience_s=0), table, since=datetime.now(UTC), until=datetime.now(UTC))
