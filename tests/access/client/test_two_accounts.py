"""One account looks for what another owns, against the real product: every leak is found, ours are the only rows, and all is cleared."""

import re
from dataclasses import replace

import pytest

from pam_rollback.access.separation import Separation
from pam_rollback.access.two_accounts import SETTING, Places, TwoAccounts
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.target.pam_api import Account
from pam_sandbox.database import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, account_id
from tests.running_product import Database, Product

FIRST, SECOND = str(account_id(TEST_ACCOUNT_EMAIL)), str(account_id(OTHER_ACCOUNT_EMAIL))
LEFT = "SELECT count(*) FROM expenses WHERE description LIKE 'pam-rollback-probe-%%'"


@pytest.fixture
def two(candidate: Product, product_database: Database) -> TwoAccounts:
    """Both accounts of the sandbox, without tickets."""
    product_database.rows("DELETE FROM support_tickets WHERE user_id = ANY(%s::uuid[])", [FIRST, SECOND])
    api = f"http://127.0.0.1:{candidate.port}/api/v1"
    places = Places(
        expenses=f"{api}/expenses",
        chat=f"{api}/pam/chat",
        history=f"{api}/pam/history",
        settings=f"{api}/settings",
        profile=f"{api}/profile",
        tickets=f"{api}/support/tickets",
    )
    first, second = Account(FIRST, candidate.sign_in()), Account(SECOND, candidate.sign_in_other())
    return TwoAccounts(places, first, second, lambda: None)


def paths(found: Separation) -> set[str]:
    """Where something was seen, without ids and limits."""
    return {re.sub(r"[0-9a-f-]{36}|\d{2,}", "…", seen.rpartition(" by ")[2]) for seen in found.exposed}


def test_a_sound_product_keeps_them_apart(two: TwoAccounts, product_database: Database) -> None:
    """Every kind is looked for by list and by id, and words; nothing stays but messages and a setting of both accounts."""
    settings = "SELECT count(*) FROM user_settings WHERE user_id <> ALL(%s::uuid[])"
    others = "SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM expenses t WHERE user_id <> ALL(%s::uuid[])"
    ours = [FIRST, SECOND]
    before = product_database.rows(settings, ours), product_database.rows(others, ours)
    found = two.looked()

    assert found.exposures == 0, found
    kinds = ["expenses", "messages", "settings", "profile"]
    assert [kind.kind for kind in found.kinds] == [*kinds, *kinds, "words", "words"]
    assert {look.by_id for kind in found.kinds for look in kind.looks} == {True, False}
    assert found.looks == 22
    assert (product_database.rows(settings, ours), product_database.rows(others, ours)) == before
    assert product_database.rows(LEFT) == [(0,)]
    assert found.left == ""
    assert product_database.rows("SELECT count(*) FROM user_settings WHERE setting_name = %s", SETTING) == [(2,)]


def test_what_the_product_does_not_keep_is_not_looked_for(two: TwoAccounts) -> None:
    """PAM is asked for words only, and it is named."""
    found = replace(two, keeps_messages=False).looked()

    assert found.exposures == 0, found
    kinds = ["expenses", "settings", "profile"]
    assert [kind.kind for kind in found.kinds] == [*kinds, *kinds, "words", "words"]
    assert found.not_tried[0] == "messages: the product keeps nothing of a question"


def test_tickets_are_looked_for_where_there_are_any(
    two: TwoAccounts, candidate: Product, product_database: Database
) -> None:
    """None is opened for this: support would be called. What cannot be tried is named."""
    without = two.looked().not_tried
    assert [one.partition(",")[0] for one in without] == [
        "support tickets: the first account has none",
        "support tickets: the second account has none",
    ]

    body = {"subject": "From the suite", "message": "Please ignore."}
    opened = candidate.call("POST", "/api/v1/support/tickets", body, token=candidate.sign_in()).status
    found = two.looked()
    with candidate.fault("cross-user-read", what="tickets"):
        leaking = two.looked()
    product_database.rows("DELETE FROM support_tickets WHERE user_id = %s", FIRST)

    assert opened == 201
    assert found.exposures == 0
    assert [kind.kind for kind in found.kinds].count("support tickets") == 1
    assert leaking.exposures
    assert paths(leaking) == {"GET /api/v1/support/tickets?limit=…"}


def test_evidence_names_our_own_things_only(two: TwoAccounts, candidate: Product, product_database: Database) -> None:
    """Everybody's expenses were shown to the second account; none of theirs is in what is kept."""
    with candidate.fault("cross-user-read", what="expenses"):
        found = two.looked()
    foreign = product_database.rows("SELECT DISTINCT description FROM expenses WHERE user_id <> %s", FIRST)

    assert len(foreign) > 10
    assert not any(text in repr(vars(found)) for (text,) in foreign if text)


@pytest.mark.parametrize("what", ["expenses", "messages", "settings"])
def test_a_write_that_is_lost_is_not_known(two: TwoAccounts, candidate: Product, what: str) -> None:
    """What its owner does not see either is not kept apart, it is gone."""
    with candidate.fault("writes-forgotten", what=what):
        found = two.looked()

    with pytest.raises(MeasurementFailed, match="the first account does not see"):
        _ = found.exposures


def test_errors_hide_nothing_and_invent_nothing(two: TwoAccounts, candidate: Product) -> None:
    """One of four requests fails: still kept apart, still found, still cleared."""
    with candidate.fault("errors", share=0.25):
        sound = two.looked()
        with candidate.fault("cross-user-read", what="messages"):
            leaking = two.looked()

    assert sound.exposures == 0
    assert leaking.exposures
    assert (sound.left, leaking.left) == ("", "")


def test_an_outage_is_not_known(two: TwoAccounts, product_database: Database) -> None:
    """Neither kept apart nor exposed; that something may be left is told."""
    with product_database.outage():
        found = two.looked()

    with pytest.raises(MeasurementFailed, match="nothing could be written as the first account: POST HTTP 503"):
        _ = found.exposures
    assert "delete it by hand" in found.left
