"""The sandbox's stand-in for the incident channel."""

import time

import pytest

from tests.sandbox.found_range import RunningSandbox


class TestSlack:
    """The incident channel answers in Slack's words."""

    def test_a_message_is_kept_as_it_came(self, found: RunningSandbox) -> None:
        """A test sees text, headers and when it was received."""
        before_s = time.monotonic()
        answer = found.slack(b'{"text": "rolled back"}')
        (message,) = found.remote.slack_messages()

        assert (answer.status, answer.kind, answer.text) == (200, "text/plain", "ok")
        assert message["body"] == {"text": "rolled back"}
        assert message["headers"]["Content-Type"] == "application/json"
        assert before_s <= message["received_s"] <= time.monotonic()

    def test_a_form_with_a_payload_is_accepted(self, found: RunningSandbox) -> None:
        """The older way of sending."""
        form = b"payload=%7B%22text%22%3A%22x%22%7D"

        assert found.slack(form, kind="application/x-www-form-urlencoded").text == "ok"

    @pytest.mark.parametrize(
        ("body", "kind", "status", "word"),
        [
            (b"{", "application/json", 400, "invalid_payload"),
            (b"[]", "application/json", 400, "invalid_payload"),
            (b"{}", "application/json", 400, "no_text"),
            (b'{"text": ""}', "application/json", 400, "no_text"),
            (b'{"text": "x"}', "application/x-www-form-urlencoded", 400, "invalid_payload"),
            (b'{"text": "x"}', "text/plain", 400, "invalid_payload"),
            (b"\xff\xfe", "application/json", 400, "invalid_payload"),
        ],
    )
    def test_a_wrong_message_is_refused_in_plain_text(
        self, found: RunningSandbox, body: bytes, kind: str, status: int, word: str
    ) -> None:
        """The body has to be what its content type says; JSON that is sent as a form is not."""
        answer = found.slack(body, kind=kind)

        assert (answer.status, answer.kind, answer.text) == (status, "text/plain", word)
        assert found.remote.slack_messages() == []

    def test_a_wrong_address_is_refused(self, found: RunningSandbox) -> None:
        """The address is the secret."""
        assert found.slack(b'{"text": "x"}', path="/services/T000/B000/guess").status == 403
        assert found.slack(b'{"text": "x"}', path="/services/T1/B1/guess").text == "no_service"

    def test_a_burst_is_slowed_down(self, found: RunningSandbox) -> None:
        """One message a second in the long run, as documented; emptying the sink begins anew."""
        answers = [found.slack(b'{"text": "x"}').status for _ in range(12)]
        found.remote.forget_slack()

        assert answers[:10] == [200] * 10
        assert 429 in answers
        assert found.slack(b'{"text": "x"}').status == 200

    def test_the_channel_can_be_down(self, found: RunningSandbox) -> None:
        """A drill can prove that a rollback goes on when nobody can be told."""
        found.remote.plant("notifications-down")
        answer = found.slack(b'{"text": "x"}')

        assert (answer.status, answer.text) == (500, "rollup_error")
        assert found.remote.slack_messages() == []
