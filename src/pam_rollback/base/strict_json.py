"""The one way to read JSON that came from outside: what two readers could understand differently is refused, and said in words.

Sources: RFC 8259 (JSON) and RFC 7493 (I-JSON: UTF-8, no key twice). Python's own reader takes the last of two equal keys, knows ``NaN`` and
``Infinity``, makes ``1e999`` infinite, and ends with RecursionError in a document that is nested deeply enough.
"""

import json
import re
from typing import Any, NoReturn

from pam_rollback.base.outside_text import cut

BYTES_MAX = 16 << 20
"""The largest document that is read. Whoever fetches usually has a smaller limit of its own."""
DEPTH_MAX = 64
"""Objects and lists inside each other. Honest answers have less than ten."""
_NUMBER_END = 10**308
"""About where doubles end: a larger integer breaks whoever calculates with it."""
_SHOWN_CHARACTERS = 40
_LONE_SURROGATE = re.compile(
    r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


class NotJson(ValueError):  # noqa: N818 - named by what was found
    """The text is no JSON, or none that can be understood in one way only. The message is the reason in words."""


def read_json(text: bytes | str) -> Any:
    """Read exactly one JSON document. Raises NotJson and nothing else, whatever the text is.

    Half of a surrogate pair, as programs leave it that cut a text within an emoji, becomes the replacement character: left in, it could
    not be written to any file.
    """
    if len(text) > BYTES_MAX:
        raise NotJson(f"larger than {BYTES_MAX} bytes")
    try:
        # A byte order mark is allowed to be ignored, and some servers send one.
        decoded = text if isinstance(text, str) else text.decode("utf-8-sig")
        document = json.loads(
            _LONE_SURROGATE.sub(lambda found: found[1] or "\\ufffd", decoded),
            object_pairs_hook=_object,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise NotJson("not UTF-8") from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise NotJson(_in_words(error)) from None
    except NotJson:
        raise
    except ValueError:
        raise NotJson("a number with thousands of digits") from None
    _refuse_extremes(document)
    return document


_TOO_DEEP = f"nested more than {DEPTH_MAX} deep"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise NotJson(f"the key {cut(twice, _SHOWN_CHARACTERS, sign='')!r} stands twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is no JSON number")


def _in_words(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "empty"
    if error.msg == "Extra data":
        return f"more than one document, the second from character {error.pos + 1} on"
    if error.pos >= len(error.doc.rstrip()):
        return f"it breaks off after {len(error.doc)} characters"
    return f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.pos + 1}"


def _refuse_extremes(document: Any) -> None:
    """Without recursion: the document's depth is one of the things that are looked at."""
    level = [document]
    for depth in range(DEPTH_MAX + 1):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, (dict, list)):
                if depth == DEPTH_MAX:
                    raise NotJson(_TOO_DEEP)
                deeper += value.values() if isinstance(value, dict) else value
            elif isinstance(value, (int, float)) and not abs(value) < _NUMBER_END:
                raise NotJson("a number that is too large")
        level = deeper
