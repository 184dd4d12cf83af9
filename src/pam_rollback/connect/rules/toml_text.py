"""TOML as people write it: comments, short inline tables, and regular expressions in quotes that need no second reading."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

COLUMNS = 118
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key(name: str) -> str:
    """A key as it may stand in TOML."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def value(found: Any) -> str:
    """A value on one line."""
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, (int, float)):
        return repr(found)
    if isinstance(found, Mapping):
        return "{ " + ", ".join(f"{key(str(name))} = {value(one)}" for name, one in found.items()) + " }"
    if isinstance(found, (list, tuple)):
        return "[" + ", ".join(map(value, found)) + "]"
    text = str(found)
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return _quoted(text)


def _quoted(text: str) -> str:
    """JSON's quotes are TOML's, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def pair(name: str, found: Any) -> Iterator[str]:
    """``name = value``; a list that is too long for a line has a line for each member."""
    line = f"{key(name)} = {value(found)}"
    if len(line) <= COLUMNS or not isinstance(found, (list, tuple)):
        yield line
        return
    yield f"{key(name)} = ["
    yield from (f"    {value(one)}," for one in found)
    yield "]"


def comment(text: str) -> Iterator[str]:
    """Words behind ``#``, as many on a line as there is room for; what is in them is never anything but a comment."""
    line = "#"
    for word in text.split():
        if len(line) + 1 + len(word) > COLUMNS and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line


def table(name: str, content: Mapping[str, Any], notes: Iterable[str] = ()) -> Iterator[str]:
    """A table with a blank line before it, comments first."""
    yield ""
    for note in notes:
        yield from comment(note)
    yield f"[{name}]"
    for each, found in content.items():
        yield from pair(each, found)
