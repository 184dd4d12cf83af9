"""What people type as a reason or a name is text of any language; what shows nothing is none."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.outside_text import cleaned, shows_something

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Lone surrogates and control characters among it."""


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("Łukasz O\u2019Neill", "Łukasz O\u2019Neill"),
        ("  errors\n\tsince  02:40 ", "errors since 02:40"),
        ("王小明 👩‍💻", "王小明 👩‍💻"),
        ("a\u200bb", "a\u200bb"),
        ("Jos\udcc3\udca9", "José"),
        ("Jos\udce9", "Jos\ufffd"),
        ("half \ud83d", "half \ufffd"),
        ("bell\a", "bell"),
    ],
)
def test_what_it_says_stays(typed: str, text: str) -> None:
    """One line, in any script; UTF-8 bytes of a terminal that calls itself ASCII are read as UTF-8."""
    assert cleaned(typed) == text


@given(ANY_TEXT)
def test_every_channel_can_carry_it(typed: str) -> None:
    """Property: it is UTF-8 and JSON, on one line, without control characters, and cleaning it again changes nothing."""
    text = cleaned(typed)

    assert json.loads(json.dumps(text, ensure_ascii=False).encode()) == text
    assert len(text.splitlines()) <= 1
    assert not [character for character in text if unicodedata.category(character) in {"Cc", "Cs"}]
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "  ", "\u200b", "\u200b\u2060\ufeff", "\u00ad", "\u3164", "\u2800", "\u202e", "\u0301", "\x07", "\u00a0"],
)
def test_what_shows_nothing(text: str) -> None:
    """Spaces, control, zero-width and filler characters alone."""
    assert not shows_something(text)


@pytest.mark.parametrize("text", ["Ł", "\u2019", "王", "👍", "\u200bx", "0", "-", "\ufffd", "한"])
def test_what_shows_something(text: str) -> None:
    """One character that a reader sees is enough."""
    assert shows_something(text)
