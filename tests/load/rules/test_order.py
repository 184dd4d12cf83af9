"""Orders that make no sense are refused with what is wrong, and secrets stay out of what is shown or sent."""

from typing import Any

import pytest
from pydantic import ValidationError

from pam_rollback.redeploy.load.order import LoadOrder

TARGET = {"name": "", "addresses": {"api": "http://127.0.0.1:1"}}
SIGN_IN = {"path": "/login", "email": "traveller@example.com", "password": "open sesame"}


def order(**changes: Any) -> LoadOrder:
    """A small run."""
    plain = {
        "targets": [TARGET],
        "journeys": [{"name": "health", "path": "/health"}],
        "rate_hz": 1,
        "duration_s": 1,
    }
    return LoadOrder.model_validate({**plain, **changes})


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
