"""Whether PAM answered: an apology with HTTP 200 is no answer.

Without a model that it can reach, the product answers 200 after some seconds, with a friendly apology and ``intent: null``. A good answer
has text in ``response`` and, where the product's answers name one (``[chat] intent``), an intent that is not null. The words of an apology
are a second sign: they decide where nobody sees an intent (on a page, or of a product that names none), and never against a named one: PAM
may well be sorry that it rains.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pam_rollback.base.outside_text import cut

Intent = Literal["named", "never"]
"""As in ``[chat] intent`` of the environment file."""

_SORRY = re.compile(r"\b(sorry|apologi[sz]e|apologies|unfortunately|oops|regret)\b")
_IN_TROUBLE = re.compile(
    r"\b(trouble|technical|temporarily|unavailable|went wrong|an error|try (?:\w+ )?(?:again|later)|not available|"
    r"(?:can't|cannot|can not|couldn't|could not|unable to|not able to) "
    r"(?:\w+ )?(?:answer|respond|process|connect|reach|help|complete|think))\b"
)
_NO_INTENTS = frozenset({"", "none", "null", "unknown", "error", "fallback"})
_SHOWN_CHARACTERS = 60
_TELLING = 8
"""So many words, as they stand."""
_MARKS = re.compile(r"[\n*_`#\[\]()<>|~]+")


def apology(text: str) -> str:
    """The beginning of a text that says sorry for not answering; empty when it is none."""
    plain = " ".join(text.replace("\u2019", "'").lower().split())
    if not (_SORRY.search(plain) and _IN_TROUBLE.search(plain)):
        return ""
    return shown(text)


def shortcoming(body: Mapping[str, Any], intent: Intent) -> str:
    """Why the body of a chat's answer is no answer to a user; empty when it is one."""
    text = body.get("response")
    if not isinstance(text, str) or not text.strip():
        return "without text in 'response'"
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
