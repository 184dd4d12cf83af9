"""The clients of PagerDuty, Statuspage, mail and the app's notice, against the real sandbox: what works, and what each refusal says."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from pam_rollback.core.answer import Answer
from pam_rollback.http.client import deliver, fetch
from pam_rollback.notify.channels import (
    Mailer,
    PagerDutyEvents,
    StatusPageApi,
    mailer_of,
    pagerduty_of,
    status_page_of,
)
from pam_rollback.notify.slack import SlackWebhook
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_sandbox.remote import Remote
from tests.certificate import own_certificate
from tests.sessions import RunningSandbox

ENVIRONMENTS = Path(__file__).parents[3] / "environments"
NAME = "PAM answers late or not at all"


@pytest.fixture(scope="module")
def environment(shared_range: RunningSandbox) -> Environment:
    """A running sandbox, as a session attaches to it."""
    shared_range.as_it_was()
    return load_environment(str(shared_range.file), ENVIRONMENTS, {})


@pytest.fixture
def remote(environment: Environment) -> Iterator[Remote]:
    """Its controls; nothing is planted, received or shown at first, and nothing afterwards."""
    assert environment.sandbox is not None
    controls = Remote(environment.sandbox.control_url, environment.sandbox.token)
    controls.forget_received()
    controls.set_status_page()
    yield controls
    controls.clear_all()


@pytest.fixture
def pager(environment: Environment) -> PagerDutyEvents:
    """The pager."""
    return pagerduty_of(environment)


@pytest.fixture
def page(environment: Environment) -> StatusPageApi:
    """The status page."""
    return status_page_of(environment)


@pytest.fixture
def mailer(environment: Environment) -> Mailer:
    """The mail server."""
    return mailer_of(environment)


def test_an_alert_goes_from_triggered_to_resolved(pager: PagerDutyEvents, remote: Remote) -> None:
    """Three events with one key, and a change on record beside them; a long text is cut to what the API takes."""
    assert pager.trigger("run-1", "x" * 2000, severity="critical", link="https://ci.example/1") == ""
    assert pager.acknowledge("run-1") == ""
    assert pager.resolve("run-1") == ""
    assert pager.record_change("rolled back", at="2026-11-25T03:00:00Z") == ""

    events = [message["body"] for message in remote.received("pagerduty")]
    assert [event.get("event_action") for event in events] == ["trigger", "acknowledge", "resolve", None]
    assert {event["dedup_key"] for event in events[:3]} == {"run-1"}
    assert events[0]["payload"]["severity"] == "critical"
    assert len(events[0]["payload"]["summary"]) == 1024
    assert events[0]["links"] == [{"href": "https://ci.example/1", "text": "the run"}]
    assert events[3]["payload"]["summary"] == "rolled back"


def test_one_incident_is_opened_goes_on_and_is_resolved(
    page: StatusPageApi, remote: Remote, environment: Environment
) -> None:
    """Telling twice does not open a second one; what everybody reads is what was written; no subscriber gets mail from a sandbox."""
    assert page.tell(NAME, "We are on it.", status="identified") == ""
    assert page.tell(NAME, "Still on it.", status="identified") == ""

    shown = fetch(environment.urls.status_page + "/api/v2/summary.json").json
    assert (shown["status"]["indicator"], len(shown["incidents"])) == ("major", 1)
    assert page.tell(NAME, "We are watching.", status="monitoring") == ""
    assert fetch(environment.urls.status_page + "/api/v2/summary.json").json["status"]["indicator"] == "minor"
    assert page.tell(NAME, "Over.", status="resolved") == ""
    shown = fetch(environment.urls.status_page + "/api/v2/summary.json").json
    assert (shown["status"]["indicator"], shown["incidents"]) == ("none", [])
    bodies = [message["body"] for message in remote.received("statuspage")]
    assert [body["status"] for body in bodies] == ["identified", "identified", "monitoring", "resolved"]
    assert {body["deliver_notifications"] for body in bodies} == {False}


def test_one_mail_goes_to_several_people(mailer: Mailer, remote: Remote) -> None:
    """With subject, text and umlauts as they were written, marked as sent by a machine."""
    assert mailer.send(["ops@example.com", "dev@example.com"], "Rückbau\nläuft", "Schritt 1: fertig") == ""

    [mail] = remote.received("email")
    assert mail["recipients"] == ["ops@example.com", "dev@example.com"]
    assert (mail["subject"], mail["text"]) == ("Rückbau läuft", "Schritt 1: fertig")
    assert mail["headers"]["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong-password"}, "does not accept user name and password: check their variables"),
        ({"username": ""}, "530 5.7.0 Authentication required"),
        ({"starttls": True}, "cannot do what is asked of it"),
        ({"port": 1}, "Connection refused"),
    ],
)
def test_the_mail_servers_refusals_say_what_to_do(
    mailer: Mailer, remote: Remote, change: dict[str, str], words: str
) -> None:
    """As a reason, never as an exception, and never with the password."""
    refused = replace(mailer, **change)  # type: ignore[arg-type] # a parameter's own type

    said = refused.send(["ops@example.com"], "subject", "text")
    assert words in said
    assert "wrong-password" not in said + repr(refused)
    assert remote.received("email") == []


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A mail server that demands STARTTLS, with its port and the certificate that vouches for it."""
    context, certificate = own_certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # the library connects to the port that it was told, so it has to be one
    server = Controller(Sink(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True)
    server.start()
    yield port, certificate
    server.stop()


def test_mail_is_encrypted_and_the_server_has_to_prove_who_it_is(
    encrypted: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody vouches for is refused; with its authority known, the mail goes through."""
    port, certificate = encrypted
    mailer = Mailer("localhost", port, "rollback@example.com")

    assert "certificate verify failed" in mailer.send(["ops@example.com"], "subject", "text")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert mailer.send(["ops@example.com"], "subject", "text") == ""


@pytest.mark.parametrize("how", ["hangs", "refuses"])
@pytest.mark.parametrize("channel", ["slack", "pagerduty", "email", "statuspage"])
def test_no_channel_raises_or_waits_for_ever(
    environment: Environment,
    remote: Remote,
    pager: PagerDutyEvents,
    page: StatusPageApi,
    mailer: Mailer,
    channel: str,
    how: str,
) -> None:
    """Whatever happens to a channel is a reason that names it, within the deadline; a minute later it works again."""
    send: dict[str, Callable[[], str]] = {
        "slack": lambda: SlackWebhook(environment.secret("slack_webhook"), deadline_s=1).post("text"),
        "pagerduty": lambda: replace(pager, deadline_s=1).trigger("run-1", "text", severity="info"),
        "email": lambda: replace(mailer, deadline_s=1).send(["ops@example.com"], "subject", "text"),
        "statuspage": lambda: replace(page, deadline_s=1).tell(NAME, "text", status="identified"),
    }
    names = {"slack": "Slack", "pagerduty": "PagerDuty", "email": "mail", "statuspage": "Statuspage"}
    remote.plant("channel-fails", what=channel, how=how)

    began_s = time.monotonic()
    said = send[channel]()

    assert said.startswith(names[channel])
    assert time.monotonic() - began_s < 20, "one that hangs would not end"
    assert remote.received(channel) == []
    remote.clear_all()
    assert send[channel]() == ""


def test_what_was_turned_away_is_sent_again_after_the_time_it_was_told() -> None:
    """As long as that fits into the deadline, and not otherwise; other refusals are final."""
    tried: list[float] = []

    def answers(*statuses: int, retry_after: str) -> Callable[[float], Answer]:
        left = iter(statuses)

        def send(left_s: float) -> Answer:
            tried.append(left_s)
            return Answer("POST", "http://x", next(left), "text/plain", b"", 1.0, headers={"retry-after": retry_after})

        return send

    assert deliver(answers(429, 200, retry_after="1"), deadline_s=5).http_status == 200
    assert 3.5 < tried[1] < 4.1
    assert deliver(answers(429, 200, retry_after="30"), deadline_s=5).http_status == 429
    assert deliver(answers(500, 200, retry_after="1"), deadline_s=5).http_status == 500
