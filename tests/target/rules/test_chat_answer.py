"""An apology is no answer, and being sorry that it rains is one."""

import json

import pytest

from pam_rollback.target.chat_answer import Intent, apology, said_on_socket, shortcoming

SORRY = "I'm sorry, I'm having trouble answering right now. Please try again in a moment."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SORRY, None),
        ("I apologize, but I cannot process that at the moment.", None),
        ("Sorry, something went wrong on our side.", "unknown"),
        ("Here is nothing of use to you.", None),
        ("Here is nothing of use to you.", " "),
    ],
)
def test_an_answer_without_an_intent_is_none(text: str, told: str | None) -> None:
    """Whatever its words are: that is how the product answers without a model."""
    assert "(intent:" in shortcoming({"response": text, "intent": told}, "named")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("You have spent 12.00 this month.", "named"),
        ("Sorry to hear that it rains! Try again tomorrow: it stays dry.", "named"),
        ("Unfortunately the pass is closed; I would take the valley road.", "never"),
        ("You have spent 12.00 this month.", "never"),
        ("I'm having trouble finding a site near Utah; shall I look in Nevada?", "never"),
        ("If you are having trouble with your stove, try again with a full bottle.", "never"),
        ("I found an error in your budget: two fuel stops are the same.", "never"),
        ("Terror: a film to watch when it rains.\nA Traceback is where a rope comes back.", "named"),
    ],
)
def test_an_answer_is_one(text: str, intent: Intent) -> None:
    """With an intent where there is one, by its words where there is none."""
    body = {"response": text} if intent == "never" else {"response": text, "intent": "budget"}

    assert shortcoming(body, intent) == ""


@pytest.mark.parametrize(
    "text",
    [
        "I'm having trouble answering just now. Please try again.",
        "I am currently having trouble with your request.",
        "PAM is having technical difficulties connecting; come back soon.",
        "I encountered an error: circuit breaker open. Please try again.",
    ],
)
def test_an_apology_need_not_say_sorry(text: str) -> None:
    """As today's product's does not: that it cannot answer is what counts."""
    assert "an apology instead of an answer" in shortcoming({"response": text, "intent": None}, "never")


@pytest.mark.parametrize(
    ("frame", "wrong"),
    [
        ({"type": "chat_response", "message": "Two sites are free.", "error": False}, ""),
        ({"response": "Two sites are free."}, ""),
        ({"type": "chat_response", "content": "Two sites are free.", "error": True}, "an error instead of an answer"),
        ({"type": "error", "message": "Message too long"}, "an error instead of an answer: 'Message too long'"),
        ({"type": "chat_response", "content": SORRY}, "an apology instead of an answer"),
        ({"type": "chat_response", "content": ""}, "without text in 'response'"),
    ],
)
def test_what_a_socket_says_is_judged_as_an_answer(frame: dict[str, object], wrong: str) -> None:
    """Under whichever of its keys the words are."""
    said = said_on_socket(json.dumps(frame))

    assert said is not None
    assert shortcoming(said, "never").startswith(wrong)
    assert bool(shortcoming(said, "never")) == bool(wrong)


@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "ping"}',
        '{"type": "connection", "message": "Connected to PAM"}',
        '{"type": "chat_response_delta", "content": "Two"}',
        '{"type": "proactive_alert", "content": {"message": "Storm"}}',
        '{"type": "chat_response", "content": 7}',
        '["Two sites are free."]',
        "Two sites are free.",
        b"\x00\xff",
    ],
)
def test_what_else_a_socket_says_is_no_answer(frame: str | bytes) -> None:
    """Greetings, signs of life, parts, alerts, and what is no JSON."""
    assert said_on_socket(frame) is None


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "/app/answer.py", line 8\nopenai.RateLimitError: 429 quota exceeded',
        "openai.RateLimitError: 429 quota exceeded",
        "KeyError('choices')",
        "Internal Server Error",
    ],
)
@pytest.mark.parametrize("intent", ["named", "never"])
def test_the_end_of_a_program_is_no_answer(text: str, intent: Intent) -> None:
    """Whichever intent comes with it, over HTTP and on a page."""
    assert "the end of a program instead of an answer" in shortcoming({"response": text, "intent": "other"}, intent)
    assert apology(text)


@pytest.mark.parametrize("beside", [{"success": False}, {"error": "model unreachable"}, {"errors": ["no model"]}])
@pytest.mark.parametrize("intent", ["named", "never"])
def test_an_answer_that_says_that_it_failed_is_none(beside: dict[str, object], intent: Intent) -> None:
    """Over HTTP and on a socket, whatever it answers; a page shows only the words."""
    body = {"response": "You have spent 12.00 this month.", "intent": "budget"}
    frame = json.dumps({"type": "chat_response", "content": body["response"], **beside})
    said = said_on_socket(frame)

    assert "it says that it failed: " in shortcoming(body | beside, intent)
    assert said is not None
    assert "an error instead of an answer" in shortcoming(said, intent)
    assert shortcoming(body | {"success": True, "error": None}, intent) == ""
