"""The sinks answer as Slack, PagerDuty and Statuspage do: seen with Slack's own client, and with raw requests."""

from __future__ import annotations

import json
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.remote import Remote

INCIDENT = {"name": "PAM answers slowly", "status": "identified", "impact": "major"}


@dataclass(frozen=True)
class RunningSandbox:
    """A running sandbox."""

    state: dict[str, Any]
    remote: Remote

    @property
    def variables(self) -> dict[str, str]:
        """Its secrets."""
        variables: dict[str, str] = self.state["sandbox"]["variables"]
        return variables

    def call(
        self, method: str, url: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """One request: status, JSON and headers of its answer."""
        request = urllib.request.Request(
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read()), dict(refused.headers)

    def event(self, **changes: Any) -> tuple[int, Any, dict[str, str]]:
        """Send an event to PagerDuty's address; right, except for what is changed."""
        payload = {"summary": "trouble", "source": "tests", "severity": "info"}
        right = {"routing_key": self.variables["PAGERDUTY_ROUTING_KEY"], "event_action": "trigger", "payload": payload}
        body = {name: value for name, value in {**right, **changes}.items() if value is not None}
        return self.call("POST", self.state["pagerduty"]["api_url"] + "/v2/enqueue", body)

    def public(self) -> Any:
        """What everybody reads on the status page."""
        return self.call("GET", self.state["urls"]["status_page"] + "/api/v2/summary.json")[1]

    def page(
        self, method: str, path: str, incident: object = None, *, key: str = ""
    ) -> tuple[int, Any, dict[str, str]]:
        """Call Statuspage's API."""
        table = self.state["statuspage"]
        headers = {"Authorization": f"OAuth {key or self.variables['STATUSPAGE_API_KEY']}"}
        body = None if incident is None else {"incident": incident}
        return self.call(method, f"{table['api_url']}/pages/{table['page_id']}{path}", body, headers)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox of its own."""
    with launch(tmp_path_factory.mktemp("channels") / "sandbox.toml") as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        yield RunningSandbox(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def found(started: RunningSandbox) -> RunningSandbox:
    """The sandbox with nothing planted, received or shown."""
    started.remote.clear_all()
    started.remote.forget_received()
    started.remote.set_status_page()
    return started


def test_slacks_own_client_is_understood(found: RunningSandbox) -> None:
    """Text, and blocks beside it."""
    client = WebhookClient(found.variables["PAM_SLACK_WEBHOOK_URL"])
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*rolled back*"}}]

    answers = [client.send(text="hello"), client.send(text="rolled back", blocks=blocks)]

    assert [(answer.status_code, answer.body) for answer in answers] == [(200, "ok"), (200, "ok")]
    assert [message["body"] for message in found.remote.received("slack")] == [
        {"text": "hello"},
        {"text": "rolled back", "blocks": blocks},
    ]


def test_slacks_own_client_understands_the_limit(found: RunningSandbox) -> None:
    """After a burst it is turned away with Retry-After, and its own handler of limits waits and gets through."""
    client = WebhookClient(found.variables["PAM_SLACK_WEBHOOK_URL"])
    statuses = [client.send(text=str(number)).status_code for number in range(12)]
    patient = WebhookClient(
        found.variables["PAM_SLACK_WEBHOOK_URL"], retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=2)]
    )

    assert statuses[:10] == [200] * 10
    assert 429 in statuses[10:]
    assert patient.send(text="at last").status_code == 200


@pytest.mark.parametrize(
    ("how", "status", "body"), [("refuses", 403, "action_prohibited"), ("rate-limited", 429, "rate_limited")]
)
def test_slacks_own_client_understands_the_refusals(found: RunningSandbox, how: str, status: int, body: str) -> None:
    """Plain text, with Slack's words."""
    found.remote.plant("channel-fails", what="slack", how=how)

    answer = WebhookClient(found.variables["PAM_SLACK_WEBHOOK_URL"]).send(text="hello")

    assert (answer.status_code, answer.body) == (status, body)
    assert ("retry-after" in {name.lower() for name in answer.headers}) is (status == 429)


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [(b"{", 400, "invalid_payload"), (b"[]", 400, "invalid_payload"), (b'{"text": ""}', 400, "no_text")],
)
def test_slack_refuses_what_is_no_message(found: RunningSandbox, body: bytes, status: int, word: str) -> None:
    """In plain text, and nothing is kept."""
    request = urllib.request.Request(
        found.variables["PAM_SLACK_WEBHOOK_URL"], data=body, headers={"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request, timeout=10):
        pass
    with refused.value:
        assert (refused.value.code, refused.value.read().decode()) == (status, word)
    assert found.remote.received("slack") == []


def test_an_event_is_taken_and_its_key_given_back(found: RunningSandbox) -> None:
    """202 with the documented body; the routing key is not kept."""
    status, body, _ = found.event(dedup_key="run-1")

    assert (status, body) == (202, {"status": "success", "message": "Event processed", "dedup_key": "run-1"})
    assert all("routing_key" not in message["body"] for message in found.remote.received("pagerduty"))


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
def test_an_event_that_is_none_is_refused(found: RunningSandbox, changes: dict[str, Any], words: str) -> None:
    """400 that names what is wrong; nothing is kept."""
    status, body, _ = found.event(**changes)

    assert (status, body["status"]) == (400, "invalid event")
    assert words in " ".join(body["errors"])
    assert found.remote.received("pagerduty") == []


def test_an_incident_is_made_and_changed_and_shown_to_everybody(found: RunningSandbox) -> None:
    """201 and 200, and the public side shows it, until it is resolved."""
    made, incident, _ = found.page("POST", "/incidents", {"name": "trouble", "impact_override": "critical"})
    path = f"/incidents/{incident['id']}"
    changed, _, _ = found.page("PATCH", path, {"status": "identified", "body": "known"})
    _, [unresolved], _ = found.page("GET", "/incidents/unresolved")
    public = found.public()

    assert (made, changed, unresolved["id"]) == (201, 200, incident["id"])
    assert (unresolved["status"], unresolved["body"]) == ("identified", "known")
    assert (public["status"]["indicator"], public["incidents"][0]["name"]) == ("critical", "trouble")
    assert found.page("PATCH", path, {"status": "resolved"})[0] == 200
    assert (found.public()["status"]["indicator"], found.public()["incidents"]) == ("none", [])


@pytest.mark.parametrize(
    ("method", "path", "incident", "status", "words"),
    [
        ("POST", "/incidents", {}, 422, "Name can't be blank"),
        ("POST", "/incidents", {"name": "x" * 256}, 422, "Name is too long"),
        ("POST", "/incidents", {"name": "x", "status": "bad"}, 422, "Status is not included"),
        ("POST", "/incidents", {"name": "x", "impact": "major"}, 422, "unknown: impact"),
        ("POST", "/incidents", "x", 400, "incident is missing"),
        ("PATCH", "/incidents/nope", {"status": "resolved"}, 404, "Not found"),
        ("GET", "/nope", None, 404, "Not found"),
    ],
)
def test_a_wrong_request_is_refused(
    found: RunningSandbox, method: str, path: str, incident: object, status: int, words: str
) -> None:
    """With a message, and nothing is shown."""
    answered, body, _ = found.page(method, path, incident)

    assert (answered, words in body["message"]) == (status, True), body
    assert found.page("GET", "/incidents/unresolved")[1] == []


def test_each_has_a_limit(found: RunningSandbox) -> None:
    """So many at once, then the service's own word for too many."""
    events = [found.event(dedup_key="run-1")[0] for _ in range(160)]
    asked = [found.page("GET", "/incidents/unresolved")[0] for _ in range(80)]

    assert (set(events[:120]), events[-1]) == ({202}, 429)
    assert (set(asked[:60]), asked[-1]) == ({200}, 420)
    found.remote.forget_received()
    assert found.page("GET", "/incidents/unresolved", key="wrong")[0] == 401


def test_only_sinks_that_exist_can_be_read(found: RunningSandbox) -> None:
    """A name that is none is refused with those that are."""
    with pytest.raises(SandboxError, match="one of slack, pagerduty, email, statuspage"):
        found.remote.received("fax")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"indicator": "bad"}, "found 'bad'"),
        ({"incident": {"name": ""}}, "Name can't be blank"),
        ({"incident": INCIDENT | {"status": "open"}}, "Status is not included"),
        ({"incident": INCIDENT | {"impact": "huge"}}, "Impact override is not included"),
        ({"incident": INCIDENT | {"body": "x"}}, "found body"),
    ],
)
def test_words_that_no_page_has_are_refused(found: RunningSandbox, wanted: dict[str, Any], words: str) -> None:
    """And nothing is changed."""
    with pytest.raises(SandboxError, match=words):
        found.remote.set_status_page(**wanted)

    assert found.public()["status"]["indicator"] == "none"


@pytest.mark.parametrize(
    ("claims", "indicator", "open_"), [("major-outage", "critical", 1), ("all-operational", "none", 0)]
)
def test_a_lie_covers_what_was_posted_until_it_is_cleared(
    found: RunningSandbox, claims: str, indicator: str, open_: int
) -> None:
    """The fault is in what is shown; what was posted comes back."""
    found.remote.set_status_page(indicator="minor", incident=INCIDENT | {"status": "monitoring"})
    found.remote.plant("status-page-lies", claims=claims)

    told = found.public()
    assert (told["status"]["indicator"], len(told["incidents"])) == (indicator, open_)
    found.remote.clear("status-page-lies")
    assert found.public()["incidents"][0]["status"] == "monitoring"
