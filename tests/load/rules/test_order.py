"""Orders that make no sense are refused with what is wrong, and secrets stay out of what is shown or sent."""

from typing import Any

import pytest
from pydantic import ValidationError

from pam_rollback.load.order import LoadOrder

TARGET = {"name": "", "addresses": {"api": "http://127.0.0.1:1"}}
SIGN_IN = {"path": "/login", "email": "traveller@example.com", "password": "open sesame"}


def order(**changes: Any) -> LoadOrder:
    """A small run."""
    plain = {
        "targets": [TARGET],
        "journeys": [{"name": "health", "path": "/health"}],
        "shape": {"name": "steady", "rate_hz": 1},
        "duration_s": 1,
    }
    return LoadOrder.model_validate({**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"shape": {"name": "steady"}}, "Field required", id="no rate"),
        pytest.param({"shape": {"name": "steps", "rate_hz": 1, "shares_pct": [0]}}, "greater than 0", id="no share"),
        pytest.param({"targets": [TARGET, TARGET]}, "targets need names of their own", id="two of a name"),
        pytest.param(
            {"journeys": [{"name": "a", "path": "/a", "part": "backend"}]}, "no address for backend", id="no address"
        ),
        pytest.param(
            {"journeys": [{"name": "a", "path": "/a", "signed_in": True}]},
            "no sign_in is given",
            id="nobody to sign in",
        ),
        pytest.param({"workers": 0}, "greater than or equal to 1", id="no worker"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    """One error that says what was expected."""
    with pytest.raises(ValidationError, match=words):
        order(**changes)


def test_secrets_are_neither_shown_nor_sent() -> None:
    """What is written down has none; an error about an order shows none."""
    with_account = order(sign_in=SIGN_IN)
    with pytest.raises(ValidationError) as refused:
        order(sign_in={**SIGN_IN, "passwort": "open sesame"})

    assert "open sesame" in with_account.model_dump_json()
    for shown in (repr(with_account), with_account.without_secrets.model_dump_json(), str(refused.value)):
        assert "open sesame" not in shown
        assert "traveller@" not in shown
    assert with_account.without_secrets.sign_in is not None


def test_everything_is_over_within_a_deadline() -> None:
    """It is the run's own length and what start and end may take."""
    assert 30 < order().ends_within_s < 120
    assert order(deadline_s=5).ends_within_s == 5
