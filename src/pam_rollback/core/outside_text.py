"""Text that comes from outside (answers, versions, commit messages, names): redacted before it is cut, and harmless where it is shown.

Two rules, each in one place. Whoever cuts a text cuts it here, after its secrets were taken out: the first 33 characters of a token are no
form of it that anybody could find later. Whoever shows one passes it through the function of his kind of place: a text from outside is
never a line, a colour, an order to a terminal or a command to a CI runner.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final, Protocol

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, zero-width, line separators
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What no message may carry; joiners of scripts and of emoji may stay where people write to people."""
_COLOR: Final = re.compile(r"\x1b\[(?:(?:0?[0-7]|2[2-7]|3[0-7]|39|4[0-79]|9[0-7])(?:;(?!m)|(?=m)))*m")
"""The colours and weights that pytest and this suite use; nothing that moves, erases or conceals (8)."""
_COMMAND: Final = re.compile(r"^((?:\s|\x1b\[[\d;]*m)*)::", re.MULTILINE)
_OLD_COMMAND: Final = "##["


class Redact(Protocol):
    """Takes the secrets out of a text."""

    def __call__(self, text: str, /) -> str:
        """The text without secrets."""


class _Known:
    """The redaction of this process. One for all: whoever cuts a text may know nothing of the session."""

    redact: Redact = str


def redact_with(redact: Callable[[str], str]) -> None:
    """From now on nothing is cut before this was done."""
    _Known.redact = redact


def redacted(text: str) -> str:
    """The text without the secrets that this process knows."""
    return _Known.redact(text)


def cut(text: str, characters: int, *, sign: str = "…") -> str:
    """The beginning of a text, without secrets; ``sign`` stands where something is missing."""
    clean = redacted(text)
    return clean if len(clean) <= characters else clean[:characters] + sign


def visible(text: str) -> str:
    r"""The text with everything that is not seen written out (``\x1b``, ``\u202e``); tabs and newlines stay."""
    return _UNSEEN.sub(_written_out, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same on one line."""
    return re.sub(r"\s*\n\s*|\t", " ", visible(text)).strip()


def label(text: str, characters: int = 80) -> str:
    """A version, a commit or another name that is one word: it cannot pass for words of ours."""
    return cut("_".join(visible(text).split()), characters)


def for_message(text: str) -> str:
    """Text that people read in a mail or a chat: no control characters, and nothing that turns the reading direction."""
    return _CONTROL.sub(_written_out, text.replace("\r\n", "\n"))


def for_terminal(text: str, *, in_a_line: bool = False) -> str:
    """Text as a terminal or a CI log may get it: our colours stay, other control sequences and commands to the runner do not work.

    ``in_a_line``: something that is not blank stands before it on its line.
    """
    parts: list[str] = []
    end = 0
    for color in _COLOR.finditer(text):
        parts += [visible(text[end : color.start()]), color.group()]
        end = color.end()
    clean = "".join([*parts, visible(text[end:])]).replace(_OLD_COMMAND, "# #[")
    if in_a_line:
        first, newline, rest = clean.partition("\n")
        return first + newline + _COMMAND.sub(r"\1: :", rest)
    return _COMMAND.sub(r"\1: :", clean)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - Python's own forms


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
