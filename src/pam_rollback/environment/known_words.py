"""How it is said that something was there before, and how a waiver would name it. Pure."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

NEW: Final = "new: "
"""How a sentence begins that names what was not there before, one by one."""
NOTHING_NEW: Final = "nothing new"
"""How a sentence begins that tells of nothing but what was there before."""
OF_OLD: Final = "pam-nothing-new"
"""The property of a test's report: it is red, and by nothing else than that."""


_BORNE_D: Final = 90


def nobody_answers(count: int, named: str) -> str:
    """So many were there before: ``6 known before, and nobody answers for them: button-name (4), color-contrast (2)``."""
    return f"{count} known before, and nobody answers for {'it' if count == 1 else 'them'}: {named}"


def waiver_for(item: str, patterns: Iterable[str], at_most: int) -> str:
    """The waiver that would name these, but for who answers until when and why, which a person has to say."""
    return f"[[waivers]] {', '.join(_keys(item, patterns, at_most))}, until, reason, approved_by"


def to_paste(item: str, patterns: Iterable[str], at_most: int, today: date) -> list[str]:
    """The same as lines that an environment's file takes: nobody has accepted it yet, so it does not count yet."""
    until = f"until = {today + timedelta(days=_BORNE_D)}"
    nobody = 'approved_by = "provisional: name who answers"'
    return ["[[waivers]]", *_keys(item, patterns, at_most), until, 'reason = "why it is borne"', nobody]


def _keys(item: str, patterns: Iterable[str], at_most: int) -> list[str]:
    named = ", ".join(map(_quoted, dict.fromkeys(patterns)))
    return [f'item = "{item}"', f"known = [{named}]", f"at_most = {at_most}"]


def _quoted(text: str) -> str:
    """As TOML takes it: what has backslashes, as selectors do, literally."""
    literal = ("\\" in text or '"' in text) and "'" not in text
    return f"'{text}'" if literal else json.dumps(text, ensure_ascii=False)
