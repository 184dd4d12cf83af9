"""Whether the incident channel's webhook is alive, asked so that nothing is posted."""

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.notify.slack import webhook_alive
from tests.scripted_provider import always, serving

HOOK = "/services/T0/B0/secret"


def test_a_webhook_is_alive_when_it_refuses_an_empty_message() -> None:
    """Nothing is posted, and the secret address is in no message."""
    with serving(always(400, "no_text")) as (url, posted):
        assert "alive" in webhook_alive(url + HOOK, deadline_s=2)
        assert posted == [{}]
        with pytest.raises(ActionFailed, match="not of the form"):
            webhook_alive(f"{url}/hook", deadline_s=2)
    with (
        serving(always(403, "invalid_token")) as (url, _),
        pytest.raises(ActionFailed, match="invalid_token") as caught,
    ):
        webhook_alive(url + HOOK, deadline_s=2)
    assert "secret" not in str(caught.value)
