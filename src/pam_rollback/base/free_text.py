"""What people type as a reason or a name: any text of any language, made one line that every channel can carry.

Sources: PEP 383 (bytes of a terminal that are not UTF-8 arrive as lone surrogates) and Unicode's Default_Ignorable_Code_Point (characters
that show nothing although they are letters, symbols or marks by their category).
"""

import re
import unicodedata
from typing import Final

_NOTHING_SHOWN: Final = ("Z", "Cc", "Cf", "Cs", "M")
"""Spaces, control and format characters, and marks, which need a character to stand on."""
_IGNORABLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u2065\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""Fillers, the blank Braille pattern and what Unicode reserves for characters without a glyph."""
_NO_BYTE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates that stand for no byte."""
_UNREADABLE: Final = "\ufffd"


def cleaned(text: str) -> str:
    """The text on one line: UTF-8 bytes read as such, other bytes as U+FFFD, no control characters, single spaces.

    What it says stays as it was typed, in any script: it is never a reason not to act.
    """
    whole = _NO_BYTE.sub(_UNREADABLE, text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join("".join(" " if unicodedata.category(one) == "Cc" else one for one in whole).split())


def shows_something(text: str) -> bool:
    """Whether a reader sees anything of it: not with spaces, control, zero-width or filler characters alone."""
    return any(
        not unicodedata.category(character).startswith(_NOTHING_SHOWN) and not _IGNORABLE.match(character)
        for character in text
    )
