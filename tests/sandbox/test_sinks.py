"""The sinks answer as Slack, PagerDuty and Statuspage do, and refuse what those refuse: a wrong message of ours is noticed."""

from typing import Any

import pytest
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from tests.sandbox.answer import Answer, asked
from tests.sandbox.found_range import Found


def event(found: Found, **changes: Any) -> Answer:
    """Send an event to PagerDuty's address; right, except for what is changed."""
    payload = {"summary": "trouble", "source": "tests", "severity": "info"}
    right = {"routing_key": found.variables["PAGERDUTY_ROUTING_KEY"], "event_action": "trigger", "payload": payload}
    return asked(found.state["pagerduty"]["api_url"] + "/v2/enqueue", "POST", {**right, **changes})


def page(found: Found, method: str, path: str, incident: object = None) -> Answer:
    """Call Statuspage's API."""
    table = found.state["statuspage"]
    headers = {"Authorization": f"OAuth {found.variables['STATUSPAGE_API_KEY']}"}
    body = None if incident is None else {"incident": incident}
    return asked(f"{table['api_url']}/pages/{table['page_id']}{path}", method, body, headers)


def test_slacks_own_client_is_understood(found: Found) -> None:
    """Text, and blocks beside it."""
    client = WebhookClient(found.variables["PAM_SLACK_WEBHOOK_URL"])
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*rolled back*"}}]

    answers = [client.send(text="hello"), client.send(text="rolled back", blocks=blocks)]

    assert [(answer.status_code, answer.body) for answer in answers] == [(200, "ok"), (200, "ok")]
    assert [message["body"] for message in found.remote.received("slack")] == [
        {"text": "hello"},
        {"text": "rolled back", "blocks": blocks},
    ]


def test_slacks_own_client_understands_the_limit(found: Found) -> None:
    """After a burst it is turned away with Retry-After, and its own handler of limits waits and gets through."""
    url = found.variables["PAM_SLACK_WEBHOOK_URL"]
    statuses = [WebhookClient(url).send(text=str(number)).status_code for number in range(12)]
    patient = WebhookClient(url, retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=2)])

    assert statuses[:10] == [200] * 10
    assert 429 in statuses[10:]
    assert patient.send(text="at last").status_code == 200


@pytest.mark.parametrize(("body", "status", "word"), [(b"[]", 400, "invalid_payload"), ({"text": ""}, 400, "no_text")])
def test_slack_refuses_what_is_no_message(found: Found, body: object, status: int, word: str) -> None:
    """In plain text, and nothing is kept."""
    answer = asked(found.variables["PAM_SLACK_WEBHOOK_URL"], "POST", body)

    assert (answer.status, answer.text) == (status, word)
    assert found.remote.received("slack") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"routing_key": "0" * 32}, "routing key"),
        ({"event_action": "fix"}, "event_action"),
        ({"event_action": "resolve"}, "dedup_key"),
        ({"dedup_key": "x" * 256}, "dedup_key"),
        ({"payload": {"summary": "x" * 1025, "source": "x", "severity": "info"}}, "summary"),
        ({"payload": {"summary": "x", "severity": "info"}}, "source"),
        ({"payload": {"summary": "x", "source": "x", "severity": "bad"}}, "severity"),
    ],
)
def test_an_event_that_is_none_is_refused(found: Found, changes: dict[str, Any], words: str) -> None:
    """400 that names what is wrong; nothing is kept. A right one is taken, and its key given back."""
    refused = event(found, **changes)

    assert (refused.status, refused.json["status"]) == (400, "invalid event")
    assert words in " ".join(refused.json["errors"])
    assert found.remote.received("pagerduty") == []
    assert event(found, dedup_key="run-1").json["dedup_key"] == "run-1"


@pytest.mark.parametrize(
    ("method", "path", "incident", "status", "words"),
    [
        ("POST", "/incidents", {}, 422, "Name can't be blank"),
        ("POST", "/incidents", {"name": "x" * 256}, 422, "Name is too long"),
        ("POST", "/incidents", {"name": "x", "status": "bad"}, 422, "Status is not included"),
        ("POST", "/incidents", {"name": "x", "impact": "major"}, 422, "unknown: impact"),
        ("POST", "/incidents", "x", 400, "incident is missing"),
        ("PATCH", "/incidents/nope", {"status": "resolved"}, 404, "Not found"),
    ],
)
def test_an_incident_that_is_none_is_refused(
    found: Found, method: str, path: str, incident: object, status: int, words: str
) -> None:
    """With a message, and nothing is shown."""
    answer = page(found, method, path, incident)

    assert (answer.status, words in answer.json["message"]) == (status, True), answer
    assert page(found, "GET", "/incidents/unresolved").json == []
