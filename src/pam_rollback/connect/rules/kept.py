"""What happens to a file that is there already: what a person changed is never changed, and what would be new is said instead.

The second line of each file that is written holds the sum of what follows it. As long as it is true nobody has changed the file, and
it may be written anew.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pam_rollback.connect.rules.toml_text import value

_SIGN = "# Nobody has changed it as long as this is the sum of what follows: "
_DIGITS = 16


class Fate(Enum):
    """What becomes of a file; the value is what people read."""

    NEW = "written"
    SAME = "as it was"
    RENEWED = "written anew: nobody had changed it"
    KEPT = "NOT touched: somebody changed it, or wrote it"


@dataclass(frozen=True)
class Proposed:
    """One file as it would be, and as it is. ``text`` is what is to be there; None: what is there stays."""

    fate: Fate
    text: str | None
    differences: tuple[str, ...] = ()
    """What would be new in a file that stays."""


def signed(body: str, made_by: str) -> str:
    """A whole file: who made it, the sum, and the body."""
    return f"# {made_by}\n{_SIGN}{_sum(body)}\n{body}"


def is_untouched(text: str) -> bool:
    """Nobody has changed the file since it was written."""
    body = _body(text)
    return body is not None and _said(text) == _sum(body)


def proposed(
    body: str, made_by: str, there: str | None, differences_of: Callable[[str, str], Iterable[str]] | None = None
) -> Proposed:
    """``there``: the file's text now; None when there is none. ``differences_of``: what is new in a body; without it both are TOML."""
    if there is None:
        return Proposed(Fate.NEW, signed(body, made_by))
    if _body(there) == body:
        return Proposed(Fate.SAME, None)
    if is_untouched(there):
        return Proposed(Fate.RENEWED, signed(body, made_by))
    differences = tuple((differences_of or _differences)(there, body))
    return Proposed(Fate.KEPT if differences else Fate.SAME, None, differences)


def _differences(there: str, body: str) -> Iterator[str]:
    try:
        now = tomllib.loads(there)
    except tomllib.TOMLDecodeError as problem:
        yield f"it is no TOML: {problem}"
        return
    yield from _compared(now, tomllib.loads(body), "")


def _compared(now: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, found in new.items():
        where = f"{place}.{name}" if place else name
        if isinstance(found, dict) and isinstance(now.get(name), dict):
            yield from _compared(now[name], found, where)
        elif name not in now:
            yield f"{where} = {value(found)}"
        elif now[name] != found:
            yield f"{where} = {value(found)} (there: {value(now[name])})"


def _said(text: str) -> str:
    lines = text.split("\n", 2)
    return lines[1].removeprefix(_SIGN) if len(lines) > 1 and lines[1].startswith(_SIGN) else ""


def _body(text: str) -> str | None:
    return text.split("\n", 2)[2] if _said(text) and text.count("\n") > 1 else None


def _sum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:_DIGITS]
