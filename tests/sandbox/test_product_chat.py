"""What PAM acknowledges is stored: question and answer together, for the person who asked."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from pam_rollback.sandbox.database import TEST_ACCOUNT_EMAIL

if TYPE_CHECKING:
    from tests.running_product import Database, Product

CHAT = "/api/v1/pam/chat"
MONTH_TOTAL = """
SELECT coalesce(sum(amount), 0) FROM expenses JOIN auth.users u ON u.id = user_id
WHERE u.email = %s AND date >= date_trunc('month', current_date)
"""
PAIRS = """
SELECT question.content, answer.content, answer.id::text FROM pam_messages question
JOIN pam_messages answer ON answer.conversation_id = question.conversation_id AND answer.role = 'assistant'
WHERE question.role = 'user' AND question.content LIKE %s AND answer.created_at > question.created_at
ORDER BY question.created_at, answer.created_at
"""


def test_a_chat_is_stored_with_its_answer(candidate: Product, product_database: Database) -> None:
    """When the product acknowledges, both messages are in the database, exactly as sent and as answered."""
    message = f"  Where to sleep, {uuid4()}? \u00fc\u20ac\U0001f690 'quoted' -- "
    answer = candidate.call("POST", CHAT, {"message": message}, token=candidate.sign_in())

    assert answer.status == 200, answer
    assert product_database.rows(PAIRS, message) == [(message, answer.json["response"], answer.json["message_id"])]


def test_the_answer_depends_on_message_and_account(candidate: Product, product_database: Database) -> None:
    """It names the person's own month total, and another question gets another answer."""
    [(total,)] = product_database.rows(MONTH_TOTAL, TEST_ACCOUNT_EMAIL)
    token = candidate.sign_in()
    texts = [
        candidate.call("POST", CHAT, {"message": f"{text} {uuid4()}"}, token=token).json["response"]
        for text in ("How much did I spend?", "Find a campground", "Will it rain? The weather")
    ]

    assert all(f"{total:,.2f}" in text for text in texts)
    assert len(set(texts)) == 3


def test_a_new_expense_changes_the_next_answer(candidate: Product, product_database: Database) -> None:
    """The answers that are kept for speed do not outlive what they were made of."""
    token, question = candidate.sign_in(), {"message": "How much did I spend this month?"}
    candidate.call("POST", CHAT, question, token=token)
    candidate.call("POST", "/api/v1/expenses", {"amount": 3.21, "category": "tolls"}, token=token)
    [(total,)] = product_database.rows(MONTH_TOTAL, TEST_ACCOUNT_EMAIL)

    assert f"{total:,.2f}" in candidate.call("POST", CHAT, question, token=token).json["response"]


def test_a_repeated_question_is_answered_from_the_cache_behind_its_flag(candidate: Product) -> None:
    """PAM_PERFORMANCE_OPTIMIZATIONS: same answer, stored again, without asking the database for the facts; off, no cache."""
    token, question = candidate.sign_in(), {"message": f"How much? {uuid4()}"}
    answers = [candidate.call("POST", CHAT, question, token=token) for _ in range(2)]
    candidate.admin("POST", "/cache/clear")
    after_clear = candidate.call("POST", CHAT, question, token=token)
    candidate.set_flags("PAM_PERFORMANCE_OPTIMIZATIONS", on=False)
    without = candidate.call("POST", CHAT, question, token=token)

    assert [answer.headers["x-cache"] for answer in (*answers, after_clear, without)] == ["miss", "hit", "miss", "miss"]
    assert answers[0].json["response"] == answers[1].json["response"]
    assert answers[0].json["message_id"] != answers[1].json["message_id"]


def test_suggestions_come_with_their_flag_in_the_new_release_only(candidate: Product, stable: Product) -> None:
    """PAM_ENHANCED_UI shows in the answer of the candidate; the stable release does not know the feature."""
    token = candidate.sign_in()

    def suggestions(product: Product) -> object:
        return product.call("POST", CHAT, {"message": "Plan a trip"}, token=token).json.get("suggestions")

    with_flag = suggestions(candidate)
    in_stable = suggestions(stable)
    candidate.set_flags("PAM_ENHANCED_UI", on=False)

    assert isinstance(with_flag, list)
    assert len(with_flag) == 3
    assert (in_stable, suggestions(candidate)) == (None, None)


def test_many_at_once_lose_nothing(candidate: Product, product_database: Database) -> None:
    """Concurrent messages of one person are all stored, each directly followed by its answer."""
    token, mark = candidate.sign_in(), uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda n: candidate.call("POST", CHAT, {"message": f"{mark} {n}"}, token=token).status, range(40))
        )
    followed_by = "SELECT count(*) FROM plan.pam_conversations WHERE message LIKE %s AND response LIKE %s"

    assert statuses == [200] * 40
    assert product_database.rows(followed_by, f"{mark}%", f"%{mark}%") == [(40,)]


def test_history_gives_the_newest_last(candidate: Product) -> None:
    """A limit keeps the newest messages."""
    token, mark = candidate.sign_in(), uuid4().hex
    sent = [candidate.call("POST", CHAT, {"message": f"{mark} {n}"}, token=token).json for n in range(3)]
    messages = candidate.call("GET", "/api/v1/pam/history?limit=4", token=token).json["messages"]

    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert messages[-1]["id"] == sent[-1]["message_id"]
    assert messages[-2]["content"] == f"{mark} 2"
    assert messages[0]["created_at"] < messages[-1]["created_at"]


def test_one_persons_history_is_not_anothers(candidate: Product) -> None:
    """Reading and deleting reach one's own messages only."""
    own, other, mark = candidate.sign_in(), candidate.sign_in_other(), uuid4().hex
    candidate.call("POST", CHAT, {"message": mark}, token=own)
    candidate.call("POST", CHAT, {"message": "hello"}, token=other)
    deleted = candidate.call("DELETE", "/api/v1/pam/history", token=other)

    assert deleted.json["deleted"] >= 2
    assert candidate.call("GET", "/api/v1/pam/history", token=other).json == {"messages": []}
    assert mark in candidate.call("GET", "/api/v1/pam/history", token=own).text


def test_a_conversation_can_be_continued_by_its_owner_only(candidate: Product, product_database: Database) -> None:
    """Another's conversation looks as if it did not exist, and nothing of the attempt is stored."""
    mark = uuid4().hex
    first = candidate.call("POST", CHAT, {"message": "hello"}, token=candidate.sign_in()).json
    body = {"message": mark, "conversation_id": first["conversation_id"]}
    refused = candidate.call("POST", CHAT, body, token=candidate.sign_in_other())
    continued = candidate.call("POST", CHAT, {**body, "session_id": first["session_id"]}, token=candidate.sign_in())

    assert refused.status == 404
    assert (continued.status, continued.json["session_id"]) == (200, first["session_id"])
    assert product_database.rows("SELECT count(*) FROM pam_messages WHERE content = %s", mark) == [(1,)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": "  \n"},
        {"message": "x" * 2001},
        {"message": "a\0b"},
        {"message": 5},
        {"message": "\ud800"},
        {"message": "hi", "conversation_id": "not-an-id"},
        {"message": "hi", "user_id": "somebody"},
        {"message": "hi", "context": math.nan},
        [],
        b"{not json",
        b"[" * 5000,
    ],
    ids=lambda body: repr(body)[:40],
)
def test_what_is_no_message_is_refused(candidate: Product, body: object) -> None:
    """422 (400 for a body that cannot even be parsed) with JSON that says where, never a 500."""
    answer = candidate.call("POST", CHAT, body, token=candidate.sign_in())

    assert answer.status in {400, 422}, answer
    assert answer.json["detail"]


def test_the_longest_message_is_taken(candidate: Product) -> None:
    """2000 characters are the limit, not 1999."""
    assert candidate.call("POST", CHAT, {"message": "\u00e4" * 2000}, token=candidate.sign_in()).status == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_only_json_is_taken(candidate: Product, content_type: str | None) -> None:
    """415 for anything that is not declared as JSON."""
    answer = candidate.call("POST", CHAT, {"message": "hi"}, token=candidate.sign_in(), content_type=content_type)

    assert answer.status == 415
    assert "application/json" in answer.json["detail"]


def test_voice_is_heard_and_answered(candidate: Product, stable: Product, product_database: Database) -> None:
    """The same recording is heard as the same sentence, stored like a chat; only the feature adds speech."""
    token, path = candidate.sign_in(), "/api/v1/pam/voice"
    new = candidate.call("POST", path, b"sound", token=token, content_type="audio/webm;codecs=opus")
    old = stable.call("POST", path, b"sound", token=token, content_type="audio/wav")
    stored = product_database.rows("SELECT content FROM pam_messages WHERE id = %s", new.json["message_id"])

    assert (new.status, old.status) == (200, 200)
    assert new.json["transcript"] == old.json["transcript"]
    assert stored == [(new.json["response"],)]
    assert ("speech" in new.json, "speech" in old.json) == (True, False)


def test_what_is_no_recording_is_refused(candidate: Product) -> None:
    """415 for another type, 422 for silence, 413 for more than two megabytes."""
    token, path = candidate.sign_in(), "/api/v1/pam/voice"

    assert candidate.call("POST", path, {"a": 1}, token=token).status == 415
    assert candidate.call("POST", path, b"", token=token, content_type="audio/webm").status == 422
    assert candidate.call("POST", path, b"x" * 2_100_000, token=token, content_type="audio/webm").status == 413


def test_without_a_model_it_apologises(candidate: Product) -> None:
    """Under its fault: 200, friendly words, no intent. Healthy, every answer names one, also to what PAM does not understand."""
    token = candidate.sign_in()
    usual = candidate.call("POST", CHAT, {"message": "qwertz"}, token=token)
    with candidate.fault("chat-apologises"):
        sorry = candidate.call("POST", CHAT, {"message": "How much did I spend?"}, token=token)
        healthy = candidate.call("GET", "/health/pam")

    assert (usual.status, usual.json["intent"]) == (200, "other")
    assert (sorry.status, sorry.json["intent"]) == (200, None)
    assert "sorry" in sorry.json["response"]
    assert healthy.json["status"] == "healthy"
