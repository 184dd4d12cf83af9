"""The flags are one truth for every release: read, changed by administrators with a record, and evaluated alike for everybody."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.running_product import Database, Product

ENHANCED, VOICE, FAST = "PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", "PAM_PERFORMANCE_OPTIMIZATIONS"
OFF = {"enabled": False, "rolloutPercentage": 0}
ON = {"enabled": True, "rolloutPercentage": 100}
BULK = "/ofrep/v1/evaluate/flags"
HISTORY = "SELECT id, initiated_by, action, reason, before, after FROM flag_history ORDER BY id DESC LIMIT 1"
EMERGENCY = "emergency-token-of-the-tests"


def evaluate(product: Product, user_id: str) -> dict[str, Any]:
    """Every flag's evaluation for a user, by name."""
    answer = product.call("POST", BULK, {"context": {"targetingKey": user_id}})
    assert answer.status == 200, answer
    return {flag["key"]: flag for flag in answer.json["flags"]}


def test_all_flags_of_the_plan_are_on_at_the_start(product_database: Database, candidate: Product) -> None:
    """Fifteen names, 100 % each."""
    assert len(candidate.flags()) == 15
    assert all(flag == ON for flag in candidate.flags().values())
    assert product_database.rows("SELECT count(*) FROM feature_flags WHERE enabled AND rollout_percentage = 100") == [
        (15,)
    ]


def test_a_change_merges_and_is_recorded(candidate: Product, product_database: Database) -> None:
    """What is not named stays; the record says who, what, before and after, in the same transaction."""
    answer = candidate.admin(
        "POST", "/feature-flags", {ENHANCED: {"rolloutPercentage": 25}}, headers={"X-Initiated-By": "ops"}
    )
    [(change_id, who, action, _, before, after)] = product_database.rows(HISTORY)

    assert answer.json["changed"] == [ENHANCED]
    assert candidate.flags()[ENHANCED] == {"enabled": True, "rolloutPercentage": 25}
    assert candidate.flags()[VOICE] == ON
    assert (change_id, who, action) == (answer.json["change_id"], "ops", "set")
    assert (before, after) == ({ENHANCED: ON}, {ENHANCED: {"enabled": True, "rolloutPercentage": 25}})


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"PAM_TYPO": {"enabled": False}}, "there is no flag PAM_TYPO"),
        ({ENHANCED: {"rolloutPercentage": 101}}, "rolloutPercentage has to be a whole number"),
        ({ENHANCED: {"rolloutPercentage": -1}}, "rolloutPercentage has to be a whole number"),
        ({ENHANCED: {"rolloutPercentage": 50.0}}, "rolloutPercentage has to be a whole number"),
        ({ENHANCED: {"rolloutPercentage": "50"}}, "rolloutPercentage has to be a whole number"),
        ({ENHANCED: {"rolloutPercentage": True}}, "rolloutPercentage has to be a whole number"),
        ({ENHANCED: {"enabled": "false"}}, "enabled has to be true or false"),
        ({ENHANCED: {"enabled": 0}}, "enabled has to be true or false"),
        ({ENHANCED: {"enabled": None}}, "enabled has to be true or false"),
        ({ENHANCED: {"enable": False}}, "enable is not known"),
        ({ENHANCED: {}}, "expected an object with"),
        ({ENHANCED: False}, "expected an object with"),
        ({}, "names no flag"),
        ([], "expected an object of flags"),
        (b"{", "not valid JSON"),
        (b"[" * 5000, "not valid JSON"),
    ],
    ids=lambda part: repr(part)[:50],
)
def test_an_invalid_change_changes_nothing(
    candidate: Product, product_database: Database, body: object, named: str
) -> None:
    """422 that names the problem; a valid part beside it is not carried out, and there is no record."""
    mixed = {VOICE: OFF, **body} if isinstance(body, dict) and body else body
    before, recorded = candidate.flags(), product_database.rows(HISTORY)
    answer = candidate.admin("POST", "/feature-flags", mixed)

    assert answer.status == 422
    assert named in answer.text
    assert candidate.flags() == before
    assert product_database.rows(HISTORY) == recorded


def test_every_problem_is_named_at_once(candidate: Product) -> None:
    """One answer is enough to repair the request."""
    body = {"PAM_TYPO": OFF, ENHANCED: {"rolloutPercentage": 101, "enabled": 1}}
    detail = candidate.admin("POST", "/feature-flags", body).json["detail"]

    assert [problem["loc"] for problem in detail] == [
        ["body", "PAM_TYPO"],
        ["body", ENHANCED, "enabled"],
        ["body", ENHANCED, "rolloutPercentage"],
    ]


def test_the_plans_own_command_without_its_content_type_is_refused(candidate: Product) -> None:
    """The plan's curl sends a form: 415, and nothing changes."""
    form = "application/x-www-form-urlencoded"

    assert candidate.admin("POST", "/feature-flags", {ENHANCED: OFF}, content_type=form).status == 415
    assert candidate.admin("POST", "/feature-flags/disable-all-pam", b"x=1", content_type=form).status == 415
    assert candidate.flags()[ENHANCED] == ON


def test_disable_all_turns_everything_off(candidate: Product, product_database: Database) -> None:
    """Without a body, as the plan sends it; the record names the token when nobody else is named."""
    answer = candidate.admin("POST", "/feature-flags/disable-all-pam")
    [(_, who, action, _, _, after)] = product_database.rows(HISTORY)

    assert answer.status == 200
    assert candidate.flags() == dict.fromkeys(candidate.flags(), OFF)
    assert (who, action, len(after)) == ("admin token", "disable-all-pam", 15)


def test_the_emergency_rollback_turns_everything_off_with_a_reason(
    candidate: Product, product_database: Database
) -> None:
    """The plan's one-liner, with its token: flags off, reason and name on record."""
    body = {"reason": "critical-issue", "initiated_by": "ops-team"}
    answer = candidate.admin("POST", "/emergency-rollback", body, token=EMERGENCY)
    [(_, who, action, reason, _, _)] = product_database.rows(HISTORY)

    assert answer.status == 200
    assert candidate.flags() == dict.fromkeys(candidate.flags(), OFF)
    assert (who, action, reason) == ("ops-team", "emergency-rollback", "critical-issue")


@pytest.mark.parametrize(
    "body", [{}, {"reason": "x"}, {"reason": " ", "initiated_by": "x"}, {"reason": 1, "initiated_by": "x"}, []]
)
def test_an_emergency_without_reason_and_name_is_refused(candidate: Product, body: object) -> None:
    """422, and the flags stay as they are."""
    assert candidate.admin("POST", "/emergency-rollback", body, token=EMERGENCY).status == 422
    assert candidate.flags()[ENHANCED] == ON


def test_clearing_the_caches_is_recorded(candidate: Product, product_database: Database) -> None:
    """It changes no flag and leaves a record."""
    assert candidate.admin("POST", "/cache/clear").json["status"] == "ok"
    assert product_database.rows(HISTORY)[0][2] == "cache-clear"
    assert candidate.flags()[ENHANCED] == ON


def test_the_share_of_users_is_the_hash_of_their_ids(candidate: Product) -> None:
    """SHA-256 of the id modulo 100, computed here again: exactly the users below the percentage have the feature."""
    candidate.admin("POST", "/feature-flags", {ENHANCED: {"rolloutPercentage": 25}})
    users = [f"user-{number}" for number in range(200)]
    expected = {user for user in users if int(hashlib.sha256(user.encode()).hexdigest(), 16) % 100 < 25}
    evaluations = {user: evaluate(candidate, user)[ENHANCED] for user in users}

    assert {user for user in users if evaluations[user]["value"]} == expected
    assert 30 <= len(expected) <= 70
    assert {evaluation["reason"] for evaluation in evaluations.values()} == {"SPLIT"}


def test_a_change_reaches_every_process_at_once(candidate: Product, stable: Product) -> None:
    """The other release agrees within 0.2 s (and what the test itself needs)."""
    candidate.set_flags(ENHANCED, on=False)
    changed_s = time.monotonic()
    while evaluate(stable, "somebody")[ENHANCED]["value"]:
        assert time.monotonic() - changed_s < 1
    off = {"key": ENHANCED, "value": False, "reason": "DISABLED", "variant": "off"}
    assert evaluate(candidate, "somebody")[ENHANCED] == off


def test_the_page_gets_its_flags(candidate: Product) -> None:
    """Signed in by token, otherwise for the id that the page made up; nobody at all is refused."""
    candidate.set_flags(VOICE, on=False)
    for answer in (
        candidate.call("GET", "/api/v1/flags", token=candidate.sign_in()),
        candidate.call("GET", "/api/v1/flags?user_id=visitor-1"),
    ):
        assert answer.status == 200
        assert (answer.json["flags"][ENHANCED], answer.json["flags"][VOICE]) == (True, False)
    assert candidate.call("GET", "/api/v1/flags").status == 422


def test_ofrep_bulk_is_cached_by_its_etag(candidate: Product) -> None:
    """304 without a body while nothing changed, 200 with another tag after a change."""
    body = {"context": {"targetingKey": "user-1"}}
    first = candidate.call("POST", BULK, body)
    tag = {"If-None-Match": first.headers["etag"]}
    same = candidate.call("POST", BULK, body, headers=tag)
    candidate.set_flags(ENHANCED, on=False)
    changed = candidate.call("POST", BULK, body, headers=tag)

    assert (same.status, same.text) == (304, "")
    assert changed.status == 200
    assert changed.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "INVALID_CONTEXT"),
        ({"context": 5}, "INVALID_CONTEXT"),
        ({"context": {}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": ""}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": 5}}, "INVALID_CONTEXT"),
        (b"{", "PARSE_ERROR"),
    ],
    ids=repr,
)
def test_ofrep_refuses_in_its_own_words(candidate: Product, body: object, code: str) -> None:
    """400 with OFREP's error code."""
    answer = candidate.call("POST", BULK, body)
    assert (answer.status, answer.json["errorCode"]) == (400, code)
