"""Whether PAM answered: an apology with HTTP 200 is no answer.

Without a model that it can reach, the product answers 200 after some seconds, with a friendly apology. A good answer has text in
``response`` and, where the product's answers name one (``[chat] intent``), an intent that is not null. The words of an apology decide where
nobody sees an intent (on a page, or of a product that names none, as today's), and never against a named one: PAM may well be sorry that it
rains.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from pam_rollback.core.outside_text import cut
from pam_rollback.target.health_body import CRASH, is_ill, is_no, is_nothing, is_number

Intent = Literal["named", "never"]
"""As in ``[chat] intent`` of the environment file."""

_SORRY = re.compile(r"\b(sorry|apologi[sz]e|apologies|unfortunately|oops|regret)\b")
_IN_TROUBLE = re.compile(
    r"\b(trouble|technical|temporarily|unavailable|went wrong|an error|try (?:\w+ )?(?:again|later)|not available|"
    r"(?:can't|cannot|can not|couldn't|could not|unable to|not able to) "
    r"(?:\w+ )?(?:answer|respond|process|connect|reach|help|complete|think))\b"
)
_IN_TROUBLE_ITSELF = re.compile(
    r"\b(?:i'm|i am|we're|we are|pam is)(?: \w+)? having (?:\w+ )?(?:trouble|problems|difficulties) "
    r"(?:processing|answering|responding|connecting|thinking|with (?:your|this|that) (?:request|question|message))\b"
    r"|\bi (?:encountered|ran into|hit) an? (?:\w+ )?(?:error|issue|problem)\b"
)
"""Today's product says no sorry: what it cannot do is to answer at all. A place that cannot be found is none of this."""
_NO_INTENTS = frozenset({"", "none", "null", "unknown", "error", "fallback"})
_ANSWERS_ON_SOCKET = frozenset(
    {"", "chat_response", "response", "chat_response_complete", "response_complete", "error"}
)
_WORDS_ON_SOCKET = ("response", "content", "message", "full_response")
_FAILED = "failed"
_SHOWN_CHARACTERS = 60
_TELLING = 8
"""So many words, as they stand."""
_MARKS = re.compile(r"[\n*_`#\[\]()<>|~]+")


def apology(text: str) -> str:
    """The beginning of a text that says that there is no answer, sorry or not; empty when it is none."""
    plain = " ".join(text.replace("\u2019", "'").lower().split())
    if CRASH.search(text):
        return shown(text)
    if not (_IN_TROUBLE_ITSELF.search(plain) or (_SORRY.search(plain) and _IN_TROUBLE.search(plain))):
        return ""
    return shown(text)


def said_on_socket(frame: str | bytes) -> dict[str, Any] | None:
    """What a message of a WebSocket says in PAM's name, as an answer over HTTP would; None for all other messages.

    Greetings, signs of life, parts of an answer that is still being written and alerts are no answers.
    """
    try:
        body = json.loads(frame)
    except ValueError:
        return None
    if not isinstance(body, dict) or str(body.get("type", "")) not in _ANSWERS_ON_SOCKET:
        return None
    words = next((body[key] for key in _WORDS_ON_SOCKET if isinstance(body.get(key), str)), None)
    if words is None:
        return None
    failed = body.get("type") == "error" or bool(failure_beside(body))
    return {"response": words, "intent": body.get("intent"), **({_FAILED: True} if failed else {})}


def failure_beside(body: Mapping[str, Any]) -> str:
    """What an answer says, beside what it gives, of having failed; empty when it says nothing of that. Below the top anything may stand."""
    for key in ("success", "error", "errors", "detail"):
        value = body.get(key)
        text = value if isinstance(value, str) else ""
        if key == "success":
            wrong = value is False or (bool(text) and is_no(text))
        elif key == "detail":  # of what was asked for, or of a failure
            wrong = bool(text) and bool(is_ill(text) or CRASH.search(text) or apology(text))
        else:
            wrong = not is_nothing(text) if text else bool(value) and not is_number(value)
        if wrong:
            return f"it says that it failed: {key} is {shown(repr(value))}"
    return ""


def shortcoming(body: Mapping[str, Any], intent: Intent) -> str:
    """Why the body of a chat's answer is no answer to a user; empty when it is one."""
    text = body.get("response")
    if not isinstance(text, str) or not text.strip():
        return "without text in 'response'"
    if failed := "an error instead of an answer" if body.get(_FAILED) else failure_beside(body):
        return f"{failed}: {shown(text)!r}"
    if CRASH.search(text):
        return f"the end of a program instead of an answer: {shown(text)!r}"
    if intent == "never":
        return f"an apology instead of an answer: {shown(text)!r}" if apology(text) else ""
    told = body.get("intent")
    if told is None or (isinstance(told, str) and told.strip().lower() in _NO_INTENTS):
        what = "an apology instead of an answer" if apology(text) else "an answer that names no intent"
        never = (
            ""
            if "intent" in body
            else '; where answers never have one: [chat] intent = "never" in the environment\'s file'
        )
        return f"{what} (intent: {told!r}): {shown(text)!r}{never}"
    return ""


def telling_part(text: str) -> str:
    """Words of a text by which a page that shows it can be known: its longest stretch without marks of formatting."""
    return " ".join(max(_MARKS.split(text), key=len).split()[:_TELLING])


def shown(text: str) -> str:
    """The beginning, on one line."""
    return cut(" ".join(text.split()), _SHOWN_CHARACTERS)
