"""What is told and how it is: every pair of them has one judgement, written out here."""

import json
from typing import Any

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.notify.communication import (
    MessageDelivery,
    Notice,
    PublicTruth,
    ReceivedMessage,
    Service,
    StatusPage,
    UsersTold,
)
from pam_rollback.target.health import HealthReport
from tests.contracts import usual

URL = "http://127.0.0.1:1/api/v2/summary.json"
WELL = Service(())
ILL = Service(("the database says unhealthy", "PAM says degraded"))
RUN = "20261125T000000Z-sandbox-0001"


def answer(
    body: object, *, status: int | None = 200, content_type: str = "application/json", problem: str = ""
) -> Answer:
    """An answer with this body, as JSON unless it is text."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer("GET", URL, status, content_type, text.encode(), 3.0, problem)


def summary(indicator: str = "none", *statuses: str, **more: Any) -> dict[str, Any]:
    """A summary as Statuspage gives it, with an incident of each status."""
    incidents = [{"name": f"incident {status}", "status": status, "impact": "major"} for status in statuses]
    head = {"status": {"indicator": indicator, "description": f"({indicator})"}}
    return {**head, "incidents": incidents, "scheduled_maintenances": [], **more}


def page(indicator: str = "none", *statuses: str, **more: Any) -> StatusPage:
    """The page as it was read."""
    return StatusPage.of(answer(summary(indicator, *statuses, **more)))


def report(status: str, http_status: int = 200) -> HealthReport:
    """A health answer."""
    return HealthReport.of(usual("the back end"), answer({"status": status}, status=http_status))


RUNNING_MAINTENANCE = {"scheduled_maintenances": [{"status": "in_progress"}]}
PLANNED_MAINTENANCE = {"scheduled_maintenances": [{"status": "scheduled"}]}


@pytest.mark.parametrize(
    ("service", "shown", "why"),
    [
        # The service is well.
        pytest.param(WELL, page(), "", id="well, operational"),
        pytest.param(WELL, page("none", "monitoring"), "", id="well, watched"),
        pytest.param(WELL, page("minor", "monitoring"), "", id="well, minor while watched"),
        pytest.param(WELL, page("maintenance", **RUNNING_MAINTENANCE), "", id="well, under maintenance"),
        pytest.param(WELL, page("none", "identified"), "still shows 'incident identified'", id="well, still open"),
        pytest.param(WELL, page("none", "paused"), "'incident paused' (paused", id="well, a status that nobody knows"),
        pytest.param(WELL, page("minor"), "nothing there explains it", id="well, minor without an incident"),
        pytest.param(WELL, page("major", "monitoring"), "nothing there explains it", id="well, major while watched"),
        pytest.param(WELL, page("maintenance"), "nothing there explains it", id="well, maintenance of nothing"),
        # The service is not well.
        pytest.param(ILL, page("major", "investigating"), "", id="ill, admitted"),
        pytest.param(ILL, page("critical"), "", id="ill, only the headline"),
        pytest.param(ILL, page(), "open an incident there", id="ill, all operational"),
        pytest.param(
            ILL, page("none", "monitoring"), "the database says unhealthy and 1 more", id="ill, called repaired"
        ),
    ],
)
def test_the_status_page_is_judged_beside_the_service(service: Service, shown: StatusPage, why: str) -> None:
    """The table of the module, row by row, and a few beyond."""
    truth = PublicTruth(shown, service)

    assert (truth.why == "") == (why == ""), truth
    assert why in truth.why


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(answer("", status=None, problem="refused the connection"), "refused the connection", id="refused"),
        pytest.param(answer("<h1>503</h1>", status=503, content_type="text/html"), "HTTP 503", id="503"),
        pytest.param(answer("<h1>Status</h1>", content_type="text/html"), "cannot be read", id="HTML"),
        pytest.param(answer({"status": "ok"}), "is not the summary", id="another API"),
        pytest.param(answer(summary() | {"incidents": None}), "is not the summary", id="no incidents"),
        pytest.param(answer(summary("green")), "headline 'green'", id="another headline"),
    ],
)
@pytest.mark.parametrize("service", [WELL, ILL], ids=["well", "ill"])
def test_a_page_that_cannot_be_read_tells_no_truth(given: Answer, words: str, service: Service) -> None:
    """However the service is: the plan counts on the page."""
    truth = PublicTruth(StatusPage.of(given), service)

    assert truth.why
    assert words in str(truth)
    assert truth.page.reached == (given.http_status is not None)


@pytest.mark.parametrize(
    ("reports", "well"),
    [
        ([report("healthy")], True),
        ([report("healthy"), report("degraded")], False),
        ([report("healthy", 503)], False),
        ([report("unhealthy")], False),
    ],
)
def test_the_service_is_well_when_every_answer_is(reports: list[HealthReport], *, well: bool) -> None:
    """One word and one status, as the health checks judge."""
    assert Service.of(reports).well is well


UP = Notice(active=True, text="PAM is slow", since="2026-11-25T00:00:00+00:00")
DOWN = Notice()


@pytest.mark.parametrize(
    ("notice", "service", "shown", "why"),
    [
        pytest.param(DOWN, WELL, page(), "", id="well, none"),
        pytest.param(UP, WELL, page(), "take it away", id="well, left over"),
        pytest.param(UP, WELL, page("none", "monitoring"), "", id="watched, still there"),
        pytest.param(DOWN, WELL, page("none", "monitoring"), "", id="watched, gone"),
        pytest.param(DOWN, WELL, page("major", "identified"), "'incident identified' (identified", id="open, none"),
        pytest.param(UP, ILL, page(), "", id="ill, there"),
        pytest.param(DOWN, ILL, page(), "put one there", id="ill, none"),
        pytest.param(UP, WELL, None, "take it away", id="well, left over, no page"),
        pytest.param(UP, ILL, None, "", id="ill, there, no page"),
        pytest.param(DOWN, ILL, None, "", id="ill, none, no page"),
        pytest.param(UP, WELL, StatusPage(URL, problem="cannot be read"), "take it away", id="left over, page unread"),
        pytest.param(Notice(active=True), ILL, page(), "without a text", id="ill, says nothing"),
        pytest.param(Notice.of(answer("x", status=404)), WELL, page(), "cannot be read", id="unread"),
        pytest.param(Notice.of(answer({"active": "no"})), WELL, page(), "is no notice", id="another answer"),
    ],
)
def test_the_notice_is_there_or_gone(notice: Notice, service: Service, shown: StatusPage | None, why: str) -> None:
    """There while there is something to say, gone when it is over, either while it is watched."""
    told = UsersTold(notice, service, shown)

    assert (told.why == "") == (why == ""), told
    assert why in told.why


def message(text: str = f"DRILL, nothing is wrong: flags off · run {RUN}", channel: str = "") -> ReceivedMessage:
    """A message as the channel got it."""
    return ReceivedMessage.of({"text": text} | ({"channel": channel} if channel else {}))


@pytest.mark.parametrize(
    ("problem", "received", "drill", "why"),
    [
        pytest.param("", [message()], True, "", id="arrived"),
        pytest.param("", None, True, "", id="nobody can look"),
        pytest.param("", [message("else"), message()], True, "", id="among others"),
        pytest.param("", [message(f"flags off · run {RUN}")], False, "", id="real"),
        pytest.param("rollup_error", [], True, "was not told: rollup_error", id="refused"),
        pytest.param("", [], True, "no message of run", id="lost"),
        pytest.param("", [message(f"flags off · run {RUN}")], True, "as if it were real", id="not marked"),
        pytest.param("", [message(channel="#general")], True, "asks for the channel #general", id="astray"),
    ],
)
def test_the_team_was_told(problem: str, received: list[ReceivedMessage] | None, *, drill: bool, why: str) -> None:
    """Accepted, arrived under this run's id, marked as a drill if it is one, in the plan's channel."""
    told = MessageDelivery("#pam-incidents", RUN, drill=drill, problem=problem, received=received)

    assert (told.why == "") == (why == ""), told
    assert why in told.why
