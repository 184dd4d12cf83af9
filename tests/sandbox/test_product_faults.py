"""Each fault of a release is seen red, stays behind its flag, and is gone when it is taken away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pam_rollback.sandbox.faults import read_fault
from pam_rollback.sandbox.problems import SandboxError

if TYPE_CHECKING:
    from tests.running_product import Database, Product

ENHANCED, VOICE, FAST = "PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", "PAM_PERFORMANCE_OPTIMIZATIONS"
ADMIN = "admin-token-of-the-tests"
FAULTS = "/__range__/faults"
REQUESTS = 100


def failures(product: Product, path: str = "/api/v1/profile") -> int:
    """How many of 100 requests of the test account answer 500."""
    token = product.sign_in()
    return sum(product.call("GET", path, token=token).status == 500 for _ in range(REQUESTS))


def latency_s(product: Product) -> float:
    """How long the profile takes."""
    token, began_s = product.sign_in(), time.monotonic()
    assert product.call("GET", "/api/v1/profile", token=token).status == 200
    return time.monotonic() - began_s


def voice_status(product: Product) -> int:
    """What a recording is answered with."""
    return product.call("POST", "/api/v1/pam/voice", b"hi", token=product.sign_in(), content_type="audio/webm").status


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
def test_errors_hit_exactly_their_share(candidate: Product, share: float) -> None:
    """Spread evenly and not by luck: of 100 requests the share fails, give or take two; without the fault none."""
    with candidate.fault("errors", share=share):
        assert failures(candidate) == pytest.approx(share * REQUESTS, abs=2)
    assert failures(candidate) == 0


def test_errors_hit_every_journey(candidate: Product) -> None:
    """Two journeys that take turns both see the share: none of them is spared."""
    token = candidate.sign_in()
    counts = {"/api/v1/profile": 0, "/api/v1/expenses": 0}
    with candidate.fault("errors"):
        for _ in range(50):
            for path in counts:
                counts[path] += candidate.call("GET", path, token=token).status == 500

    assert all(count == pytest.approx(30, abs=4) for count in counts.values()), counts


def test_errors_need_their_flag(candidate: Product) -> None:
    """The feature-flag rollback cures them while the fault is still there."""
    with candidate.fault("errors", share=1):
        assert failures(candidate) == REQUESTS
        candidate.set_flags(ENHANCED, on=False)
        assert failures(candidate) == 0


def test_errors_spare_health_sign_in_flags_and_admin(candidate: Product) -> None:
    """What a rollback needs keeps working."""
    with candidate.fault("errors", share=1):
        login = {"email": "test.traveller@example.org", "password": "wheels-and-wins-2026"}
        statuses = [
            candidate.call("GET", "/health").status,
            candidate.call("GET", "/health/comprehensive").status,
            candidate.call("POST", "/api/v1/auth/login", login).status,
            candidate.call("GET", "/api/v1/flags", token=candidate.sign_in()).status,
            candidate.admin("GET", "/feature-flags").status,
        ]
    assert statuses == [200] * 5


def test_a_failure_is_json_and_stores_nothing(candidate: Product, product_database: Database) -> None:
    """An error that is answered is no acknowledgement."""
    count = "SELECT count(*) FROM pam_messages"
    before = product_database.rows(count)
    with candidate.fault("errors", share=1):
        answer = candidate.call("POST", "/api/v1/pam/chat", {"message": "hello"}, token=candidate.sign_in())

    assert (answer.status, list(answer.json)) == (500, ["detail"])
    assert product_database.rows(count) == before


def test_latency_needs_its_flag(candidate: Product) -> None:
    """Slow with the flag, quick without, quick when the fault is gone."""
    with candidate.fault("latency", ms=400):
        assert latency_s(candidate) >= 0.4
        candidate.set_flags(FAST, on=False)
        assert latency_s(candidate) < 0.35
        candidate.set_flags(FAST, on=True)
    assert latency_s(candidate) < 0.35


def test_voice_needs_its_flag(candidate: Product) -> None:
    """503 with the flag; without it voice works as before the feature."""
    with candidate.fault("voice"):
        assert voice_status(candidate) == 503
        candidate.set_flags(VOICE, on=False)
        assert voice_status(candidate) == 200
        candidate.set_flags(VOICE, on=True)
    assert voice_status(candidate) == 200


def test_a_release_without_the_features_is_spared(stable: Product) -> None:
    """The code behind the flag is not in the stable release, so its faults cannot show there."""
    with stable.fault("errors", share=1), stable.fault("latency", ms=400), stable.fault("voice"):
        assert failures(stable) == 0
        assert latency_s(stable) < 0.35
        assert voice_status(stable) == 200


def test_ignored_flags_are_acknowledged_and_stay(candidate: Product, product_database: Database) -> None:
    """200 and the wished-for answer, but reading back tells the truth, and there is no record."""
    body = {"reason": "a test", "initiated_by": "tests"}
    count = "SELECT count(*) FROM flag_history"
    before = product_database.rows(count)
    with candidate.fault("flags-ignored"):
        set_answer = candidate.admin("POST", "/feature-flags", {ENHANCED: {"enabled": False}})
        all_answer = candidate.admin("POST", "/feature-flags/disable-all-pam")
        emergency = candidate.admin("POST", "/emergency-rollback", body, token="emergency-token-of-the-tests")
        refused = candidate.admin("POST", "/feature-flags", {"PAM_TYPO": {"enabled": False}})
        still_on = candidate.flags()[ENHANCED]["enabled"]
    assert [set_answer.status, all_answer.status, emergency.status, refused.status] == [200, 200, 200, 422]
    assert set_answer.json["flags"][ENHANCED]["enabled"] is False
    assert still_on is True
    assert product_database.rows(count) == before

    candidate.set_flags(ENHANCED, on=False)
    assert candidate.flags()[ENHANCED]["enabled"] is False


def test_partial_flags_leave_some_users_behind(candidate: Product) -> None:
    """The admin API says off, yet some users keep the feature; only evaluating many users shows it."""

    def keep() -> int:
        return sum(
            candidate.call("GET", f"/api/v1/flags?user_id=user-{number}").json["flags"][ENHANCED]
            for number in range(200)
        )

    candidate.set_flags(ENHANCED, on=False)
    with candidate.fault("flags-partial", percent=20):
        assert candidate.flags()[ENHANCED]["enabled"] is False
        assert 20 <= keep() <= 60
        body = {"context": {"targetingKey": "user-1"}}
        evaluated = candidate.call("POST", "/ofrep/v1/evaluate/flags", body).json["flags"]
        value = next(flag["value"] for flag in evaluated if flag["key"] == ENHANCED)
        assert value is candidate.call("GET", "/api/v1/flags?user_id=user-1").json["flags"][ENHANCED]
    assert keep() == 0


def test_a_refusing_admin_api_refuses_the_right_token(candidate: Product) -> None:
    """401, and nothing changes; afterwards the token is right again."""
    with candidate.fault("admin-refuses"):
        assert candidate.admin("GET", "/feature-flags").status == 401
        assert candidate.admin("POST", "/feature-flags", {ENHANCED: {"enabled": False}}).status == 401
    assert candidate.flags()[ENHANCED]["enabled"] is True


def test_configuration_is_lost_with_the_next_change_of_a_flag(candidate: Product) -> None:
    """Not before it: then every flag that it does not name is off, until the fault is gone."""
    others = {name: flag for name, flag in candidate.flags().items() if name != ENHANCED}
    assert any(flag["enabled"] for flag in others.values())
    with candidate.fault("configuration-lost", what="flags"):
        assert {name: candidate.flags()[name] for name in others} == others
        candidate.admin("POST", "/feature-flags", {ENHANCED: {"rolloutPercentage": 40}})
        lost = candidate.flags()
    assert lost[ENHANCED] == {"enabled": True, "rolloutPercentage": 40}
    assert not any(lost[name]["enabled"] for name in others)
    assert {name: candidate.flags()[name] for name in others} == others


def test_older_settings_are_lost_and_young_ones_stay(candidate: Product) -> None:
    """Those of weeks ago are not given any more; what was written now is."""
    token, path = candidate.sign_in(), "/api/v1/settings"
    candidate.call("PUT", path, {"settings": {"young": 1}}, token=token)
    before = candidate.call("GET", path, token=token).json["settings"]
    with candidate.fault("configuration-lost", what="settings"):
        assert candidate.call("GET", path, token=token).json["settings"] == before
        candidate.admin("POST", "/feature-flags", {ENHANCED: {"enabled": True}})
        lost = candidate.call("GET", path, token=token).json["settings"]
    assert "theme" in before
    assert "theme" not in lost
    assert lost["young"] == 1
    assert candidate.call("GET", path, token=token).json["settings"] == before


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("errors", {"share": 1.5}),
        ("errors", {"share": -0.1}),
        ("errors", {"share": float("nan")}),
        ("errors", {"shar": 0.5}),
        ("latency", {"ms": True}),
        ("voice", {"share": 0.5}),
        ("auth-bypass", {"accepts": "everything"}),
        ("earthquake", {}),
    ],
    ids=repr,
)
def test_an_odd_fault_is_refused(name: str, parameters: dict[str, object]) -> None:
    """Unknown names and parameters and impossible values."""
    with pytest.raises(SandboxError):
        read_fault(name, parameters)


@pytest.mark.parametrize("token", [None, "garbage", ADMIN])
def test_the_switches_do_not_exist_for_others(candidate: Product, token: str | None) -> None:
    """404 without the sandbox's own token, the admin token included."""
    assert candidate.call("PUT", f"{FAULTS}/voice", {}, token=token).status == 404
    assert candidate.call("DELETE", f"{FAULTS}/voice", token=token).status == 404


def test_forgotten_writes_are_acknowledged_and_not_stored(candidate: Product) -> None:
    """An expense is booked with 201 and a setting with 200, and neither is there afterwards; the other kind of write is kept."""
    token = candidate.sign_in()
    expense = {"amount": 1.5, "category": "fuel", "description": "forgotten"}
    with candidate.fault("writes-forgotten", what="expenses"):
        booked = candidate.call("POST", "/api/v1/expenses", expense, token=token)
        candidate.call("PUT", "/api/v1/settings", {"settings": {"kept": 1}}, token=token)
    with candidate.fault("writes-forgotten", what="settings"):
        saved = candidate.call("PUT", "/api/v1/settings", {"settings": {"forgotten": 1}}, token=token)

    with candidate.fault("writes-forgotten", what="messages"):
        answer = candidate.call("POST", "/api/v1/pam/chat", {"message": "Forget this"}, token=token)

    assert (booked.status, booked.json["description"], saved.status, answer.status) == (201, "forgotten", 200, 200)
    messages = candidate.call("GET", "/api/v1/pam/history", token=token).json["messages"]
    assert [one for one in messages if one["content"] == "Forget this"] == []
    assert saved.json["settings"]["forgotten"] == 1
    expenses = candidate.call("GET", "/api/v1/expenses", token=token).json["expenses"]
    assert [one for one in expenses if one["description"] == "forgotten"] == []
    settings = candidate.call("GET", "/api/v1/settings", token=token).json["settings"]
    assert (settings.get("kept"), "forgotten" in settings) == (1, False)


def test_a_bypass_serves_whom_it_should_refuse(candidate: Product) -> None:
    """Each way in opens for its own kind of request, the others stay shut, and all are shut again afterwards."""
    token = candidate.sign_in()
    head, claims, signature = token.split(".")
    false = ("A" if signature[0] != "A" else "B") + signature[1:]
    asked = {
        "none": {},
        "garbage": {"Authorization": "Bearer garbage"},
        "false": {"Authorization": f"Bearer {head}.{claims}.{false}"},
    }

    def served() -> dict[str, list[bool]]:
        """By whom, at the users' API and at the admin API."""
        paths = ("/api/v1/profile", "/admin/feature-flags")
        return {
            name: [candidate.call("GET", path, headers=headers).status == 200 for path in paths]
            for name, headers in asked.items()
        }

    found = {}
    for accepts in ("missing", "wrong", "unverified", "expired", "users-as-admins"):
        with candidate.fault("auth-bypass", accepts=accepts):
            as_user = candidate.call("GET", "/admin/feature-flags", token=token).status == 200
            found[accepts] = (served(), as_user)
    shut, both, users_only = [False, False], [True, True], [True, False]
    all_shut = dict.fromkeys(asked, shut)

    assert found["missing"] == ({**all_shut, "none": both}, False)
    assert found["wrong"] == ({"none": shut, "garbage": both, "false": both}, True)
    assert found["unverified"] == ({**all_shut, "false": users_only}, False)
    assert found["expired"] == (all_shut, False)
    assert found["users-as-admins"] == (all_shut, True)
    assert served() == all_shut


def test_any_password_opens_the_sign_in(candidate: Product) -> None:
    """Of an account that there is, and only while the fault is there."""
    wrong = {"email": "test.traveller@example.org", "password": "not-the-password"}

    def status(body: object) -> int:
        return candidate.call("POST", "/api/v1/auth/login", body).status

    with candidate.fault("auth-bypass", accepts="any-password"):
        assert (status(wrong), status({**wrong, "email": "nobody@example.org"})) == (200, 401)
    assert status(wrong) == 401


@pytest.mark.parametrize(
    ("how", "listed"), [("shown", [1234.0]), ("stored", [1.23]), ("doubled", [12.34, 12.34])], ids=str
)
def test_an_expense_becomes_another(candidate: Product, how: str, listed: list[float]) -> None:
    """Acknowledged each time; without the fault it is what was entered."""
    token = candidate.sign_in()
    note = f"falsified {how}"
    with candidate.fault("expenses-falsified", how=how):
        body = {"amount": 12.34, "category": "food", "description": note}
        assert candidate.call("POST", "/api/v1/expenses", body, token=token).status == 201
        expenses = candidate.call("GET", "/api/v1/expenses?limit=5000", token=token).json["expenses"]

    assert [one["amount"] for one in expenses if one["description"] == note] == listed


@pytest.mark.parametrize(
    ("what", "path", "name"),
    [
        ("expenses", "/api/v1/expenses?limit=5000", "expenses"),
        ("messages", "/api/v1/pam/history?limit=5000", "messages"),
        ("tickets", "/api/v1/support/tickets?limit=1000", "tickets"),
    ],
)
def test_lists_show_everybodys_rows(candidate: Product, what: str, path: str, name: str) -> None:
    """Many more than one's own, in that list only, and only while the fault is there."""
    token = candidate.sign_in_other()

    def listed() -> int:
        return len(candidate.call("GET", path, token=token).json[name])

    own = listed()
    with candidate.fault("cross-user-read", what=what):
        everybodys = listed()
    with candidate.fault("cross-user-read", what="settings"):
        other_list = listed()
    assert everybodys > own + 100
    assert (other_list, listed()) == (own, own)


def test_settings_show_whoever_wrote_last(candidate: Product) -> None:
    """The other account's newest value stands under the same name."""
    change = {"settings": {"shared_by_fault": "of the first"}}
    candidate.call("PUT", "/api/v1/settings", change, token=candidate.sign_in())
    token = candidate.sign_in_other()
    with candidate.fault("cross-user-read", what="settings"):
        shown = candidate.call("GET", "/api/v1/settings", token=token).json["settings"]
    after = candidate.call("GET", "/api/v1/settings", token=token).json["settings"]

    assert shown["shared_by_fault"] == "of the first"
    assert "shared_by_fault" not in after


def test_another_users_id_is_believed(candidate: Product, product_database: Database) -> None:
    """With one's own token, the rows of whom the address names."""
    [(first,)] = product_database.rows("SELECT id::text FROM auth.users WHERE email = %s", "test.traveller@example.org")
    token = candidate.sign_in_other()
    with candidate.fault("cross-user-read", what="user-id"):
        shown = candidate.call("GET", f"/api/v1/profile?user_id={first}", token=token)
        odd = candidate.call("GET", "/api/v1/profile?user_id=x", token=token)

    assert (shown.status, shown.json["id"], odd.status) == (200, first, 422)
    assert candidate.call("GET", f"/api/v1/profile?user_id={first}", token=token).status == 403


@pytest.mark.parametrize("what", ["chat", "expenses"])
def test_a_feature_fails_for_always_the_same_users(candidate: Product, what: str) -> None:
    """At 40 % the first account is among them and the second is not; every time, in this feature only, behind its flag."""
    requests = {
        "chat": ("POST", "/api/v1/pam/chat", {"message": "hello"}),
        "expenses": ("GET", "/api/v1/expenses", None),
    }

    def statuses(feature: str, token: str) -> set[int]:
        method, path, body = requests[feature]
        return {candidate.call(method, path, body, token=token).status for _ in range(4)}

    [other] = set(requests) - {what}
    with candidate.fault("feature-fails-for-some", percent=40, what=what):
        first, second = statuses(what, candidate.sign_in()), statuses(what, candidate.sign_in_other())
        spared = statuses(other, candidate.sign_in())
        candidate.set_flags(ENHANCED, on=False)
        cured = statuses(what, candidate.sign_in())
        candidate.set_flags(ENHANCED, on=True)
    assert (first, second, spared, cured) == ({500}, {200}, {200}, {200})
    assert statuses(what, candidate.sign_in()) == {200}


def test_a_feature_check_is_one_question(candidate: Product) -> None:
    """Draw or try, not both and not neither; only so many at once."""
    ask = {
        "nothing": {},
        "both": {"sample": 1, "user_ids": ["00000000-0000-4000-8000-000000000000"]},
        "no id": {"user_ids": ["x"]},
        "nobody": {"user_ids": []},
        "too many": {"user_ids": ["00000000-0000-4000-8000-000000000000"] * 101},
    }

    assert {
        name: candidate.admin("POST", "/feature-check", body).status for name, body in ask.items()
    } == dict.fromkeys(ask, 422)
