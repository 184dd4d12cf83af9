"""The test account of today's product, signed in at its Supabase-like host, on paths that are one for each user."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plugin.topics import access as exposure
from pam_rollback.target.accounts import account_api, signed_in, still_signed_in
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_sandbox.remote import Remote
from tests.sessions import ROOT, own_range


@pytest.fixture(scope="module")
def today() -> Iterator[Environment]:
    """A sandbox of today's product."""
    with own_range("pam-today") as made:
        described = made.file.with_name("today.toml")
        text = re.sub(r"(?ms)^abilities = \[.*?\]\n", "", made.file.read_text(encoding="utf-8"))
        text = text.replace('kind = "sandbox"\n', f'kind = "sandbox"\nabilities = {ABILITIES}\n')
        described.write_text(f"{text}\n[probing]\nrate_hz = 5\nweights = {{ login = 1 }}\n", encoding="utf-8")
        described.chmod(0o600)
        yield load_environment(str(described), ROOT / "environments", {})


ABILITIES = '["test_account", "second_test_account"]'


def test_what_is_owed_is_cleared_away_after_the_session_is_over(today: Environment) -> None:
    """In a new one; settings and expenses of a journey were left to a person. One that goes on is gone on with."""
    api = account_api(today, signed_in(today))

    assert still_signed_in(today, api)() is api
    assert api.is_refused is False
    over = replace(api, token=f"{api.token}x")
    assert over.is_refused is True
    later = still_signed_in(today, over)
    assert later().expenses_noted("nothing like it") == []
    assert later() is later()


def test_it_is_not_known_then_what_is_left_where_nobody_can_sign_in(
    today: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told by name, by whoever tries."""
    over = replace(account_api(today, signed_in(today)), token="nobodys")
    monkeypatch.setattr(Environment, "sign_in_headers", {"apikey": "not-the-key"})

    with pytest.raises(MeasurementFailed, match="does not say whether the expense noted 'a note' is left"):
        still_signed_in(today, over)().delete_expenses("a note")


def test_another_key_is_refused(today: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of the account then, and the key is not shown."""
    monkeypatch.setattr(Environment, "sign_in_headers", {"apikey": "not-the-key"})
    with pytest.raises(MeasurementFailed, match="the test account could not sign in") as failed:
        signed_in(today)

    assert "not-the-key" not in str(failed.value)
    assert "check the account's variables" in str(failed.value)


def test_accounts_are_kept_apart_or_seen_not_to_be(today: Environment) -> None:
    """Expenses are rows of Supabase, no message is kept, settings can only be read; an open policy is found, and nothing is left."""
    sandbox = today.sandbox
    assert sandbox is not None
    remote = Remote(sandbox.control_url, sandbox.token)
    two = exposure.two_accounts(today, signed_in(today), signed_in(today, "second_test_user"), lambda: None)
    sound = two.looked()
    remote.plant("data", what="policy-opened")
    try:
        leaking = two.looked()
        remote.clear_all()
        remote.plant("chat-answers-anothers-words")
        mistaken = two.looked()
    finally:
        remote.clear_all()

    assert sound.exposures == 0, sound
    assert {seen.partition(" by ")[0] for seen in mistaken.exposed} == {
        "what the first account asked PAM",
        "what the second account asked PAM",
    }
    assert {"expenses", "settings", "profile", "words"} <= {kind.kind for kind in sound.kinds}
    assert "messages: the product keeps nothing of a question" in sound.not_tried
    assert leaking.exposures
    assert all("/rest/v1/expenses" in seen for seen in leaking.exposed)
    assert (sound.left, leaking.left) == ("", "")
