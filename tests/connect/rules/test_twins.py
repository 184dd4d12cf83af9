"""Red twins find what a contract does not notice, and nothing where it notices all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.ops.connect.twins import survivors, twins_of
from pam_rollback.target.contract import Component
from pam_rollback.target.health import judge
from tests.contracts import CHAT, HEALTH, PAM, captured, component

_TEXTS = {"matches": r".*\S.*"}
STATUS = {"json": "/status", "equals": "healthy"}


@pytest.mark.parametrize(
    ("held", "body"),
    [
        pytest.param(component(STATUS), HEALTH, id="the real back end"),
        pytest.param(component(STATUS, optional=["checks.tts"]), PAM, id="the real PAM, without a voice"),
        pytest.param(
            component({"json": "/status", "any_of": ["healthy", "ok", "ready"]}), {"status": "ok"}, id="one of"
        ),
        pytest.param(
            component({"json": "/response", **_TEXTS}, {"json": "/intent", **_TEXTS}, whole=False, site="api"),
            {key: value for key, value in CHAT.items() if key != "timestamp"},
            id="a chat's answer is text and intent",
        ),
    ],
)
def test_conditions_that_notice_everything_have_no_survivors(held: Component, body: Any) -> None:
    """And there were twins."""
    if not held.whole:
        assert survivors(held, captured(body)) == ('a part inside says "unhealthy"',)
        return
    assert len(twins_of(held, captured(body))) > 10
    assert survivors(held, captured(body)) == ()


@pytest.mark.parametrize(
    ("held", "body", "survivor"),
    [
        pytest.param(
            component({"json": "/service", "exists": True}), HEALTH, "/status is 'unhealthy'", id="another word"
        ),
        pytest.param(
            component({"json": "/service", "exists": True}), HEALTH, "/service is a list of what it was", id="type"
        ),
        pytest.param(component({"answer": "status", "equals": 200}), HEALTH, "a page of HTML", id="any page"),
        pytest.param(component({"answer": "status", "equals": 200}), HEALTH, "an empty body", id="nothing"),
        pytest.param(
            component(STATUS, http_status="any", whole=False), HEALTH, 'a part inside says "unhealthy"', id="inside"
        ),
        pytest.param(
            component({"answer": "text", "matches": ".*healthy.*"}), HEALTH, "the key 'status' twice", id="twice"
        ),
        pytest.param(
            component({"answer": "text", "matches": ".*healthy.*"}), HEALTH, "a second document behind it", id="second"
        ),
        pytest.param(
            component({"json": "/checks/database/status", "equals": "healthy"}, whole=False),
            PAM,
            "/checks/cache/status is 'unhealthy'",
            id="a part",
        ),
    ],
)
def test_what_a_contract_does_not_notice_survives(held: Component, body: Any, survivor: str) -> None:
    """Each kind of twin survives where nothing looks at what it changes, and is named."""
    assert survivor in survivors(held, captured(body))


def test_a_text_has_a_twin_too() -> None:
    """A word before it."""
    text = component({"answer": "text", "matches": ".*pong"}, whole=False)
    assert survivors(text, captured(b"pong", content_type="text/plain")) == ('"not" before its text',)


def test_a_bad_answer_proves_nothing() -> None:
    """Its twins would be red for its own fault."""
    with pytest.raises(ValueError, match="not healthy itself"):
        survivors(component(STATUS), captured({"status": "degraded"}))


def test_a_stale_twin_is_not_of_now() -> None:
    """It is not called unhealthy: nothing is known of now."""
    stale = next(twin for twin in twins_of(component(STATUS), captured(HEALTH)) if "two days" in twin.change)

    found = judge(component(STATUS), stale.captured)
    assert found.healthy
    assert not found.proves_health
    assert "days old" in found.not_known


_KEYS = st.text(st.characters(codec="ascii", categories=["Lu", "Ll"]), min_size=1, max_size=6)
_FLAT = st.dictionaries(
    _KEYS, st.one_of(st.text(min_size=1, max_size=6), st.integers(1, 9), st.booleans()), min_size=1, max_size=5
)


@given(_FLAT)
def test_an_answer_whose_every_field_is_asked_for_has_no_survivor(body: dict[str, Any]) -> None:
    """Equality of all fields, the status and nothing unhealthy inside notice each twin, whatever the answer."""
    conditions = [{"json": f"/{key}", "equals": value} for key, value in body.items()]
    held = component(*conditions)
    green = captured(body)
    if judge(held, green).healthy:
        assert survivors(held, green) == ()
