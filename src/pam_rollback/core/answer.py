"""What a service answered, as a value: an answer that makes no sense is an observation, not an exception."""

import json
import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NoReturn

from pam_rollback.core.outside_text import cut

BYTES_MAX = 16 << 20
"""The largest document that is read. Whoever fetches usually has a smaller limit of its own."""
DEPTH_MAX = 64
"""Objects and lists inside each other. Honest answers have less than ten."""
_NUMBER_END = 10**308
"""About where doubles end: a larger integer breaks whoever calculates with it."""
_KEY_CHARACTERS = 40
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
        raise NotJson(f"the key {cut(twice, _KEY_CHARACTERS, sign='')!r} stands twice in one object")
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


_SHOWN_CHARACTERS = 120
_REDIRECTS = range(300, 400)
_UNAVAILABLE = frozenset({502, 503})
"""By RFC 9110 a gateway without a good answer, and a server that cannot serve now. A 500 and a 504 are about one question."""
_NOT_PACKED = frozenset({"", "identity"})
"""No request of the suite accepts another encoding (RFC 9110, section 12.5.3): whoever honours the header could not read the body."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, or the reason why there was none.

    ``problem`` is empty when a complete answer came; else it says in words what happened ("refused the connection", "silent for 5 s",
    "body did not end within 5 s", "closed after 12 of 100 bytes").
    """

    method: str
    url: str
    http_status: int | None
    content_type: str
    body: bytes
    elapsed_ms: float
    problem: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    sent: bool = True
    """False when it is certain that nothing of the request was sent."""
    earlier: str = ""
    """What came of the same request just before, where it was asked once more."""

    @property
    def lost(self) -> bool:
        """The connection was cut under way: neither a refusal nor a silence, which last."""
        return self.problem.startswith(("closed ", "connection failed while "))

    @property
    def complete(self) -> bool:
        """A whole answer came in time; nothing is said of what it contains."""
        return not self.problem

    @property
    def json(self) -> Any:
        """The body as JSON, read strictly, or None when it is not JSON by content and by content type."""
        return self._read[0]

    @property
    def json_problem(self) -> str:
        """Why there is no JSON although its content type says so, such as a key that stands twice; empty when there is."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Any, str]:
        if self.problem or not self.is_json_type:
            return None, ""
        packed = self.headers.get("content-encoding", "").strip().lower()
        if packed not in _NOT_PACKED:
            return None, f"packed as {cut(packed, _SHOWN_CHARACTERS)}, which nobody asked for"
        try:
            return read_json(self.body), ""
        except NotJson as problem:
            return None, str(problem)

    @property
    def is_json_type(self) -> bool:
        """The content type says JSON."""
        kind = self.content_type.partition(";")[0].strip().lower()
        return kind == "application/json" or kind.endswith("+json")

    @property
    def text(self) -> str:
        """The start of the body on one line, for messages."""
        line = " ".join(self.body.decode("utf-8", "replace").split())
        return cut(line, _SHOWN_CHARACTERS)

    @property
    def redirected_to(self) -> str:
        """Where a redirect points, without its query, which may hold a secret; empty for every other answer."""
        target = self.headers.get("location", "") if self.http_status in _REDIRECTS else ""
        path, query, _ = re.sub("//[^/?#]*@", "//", target).partition("?")
        return cut(path + ("?…" if query else ""), _SHOWN_CHARACTERS)

    @property
    def retry_after(self) -> str:
        """When to ask again, as the answer itself says; empty when it does not."""
        return cut(self.headers.get("retry-after", ""), _SHOWN_CHARACTERS)

    @property
    def server(self) -> str:
        """Whom it was asked of."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{re.split('[/?#]', rest)[0].rpartition('@')[2]}"

    @property
    def cause(self) -> str:
        """What stands in the way of any question to this server, in the same words for all of them; empty for an answer to its own.

        Nobody could be asked there, or it says that it cannot serve: in the same words again, or by a page in the place of an answer.
        """
        if self.problem:
            return "" if self.sent else f"{self.server} cannot be reached"
        body = " ".join(self.body.decode("utf-8", "replace").split())
        if self.http_status not in _UNAVAILABLE or (self.is_json_type and body != self.text):
            return ""
        said = repr(body) if self.is_json_type else self.content_type.partition(";")[0] or "nothing"
        return f"{self.server} answers HTTP {self.http_status} with {said}"

    def __str__(self) -> str:
        """One line that a person understands."""
        before = f" (asked once more: {self.earlier} the first time)" if self.earlier else ""
        if self.problem:
            return f"{self.method} {self.url}: {self.problem}{before}"
        target = f" (a redirect to {self.redirected_to})" if self.redirected_to else ""
        later = f" (Retry-After: {self.retry_after})" if self.retry_after else ""
        kind = self.content_type or "without content type"
        return f"{self.method} {self.url}: HTTP {self.http_status}{target}{later} {kind} {self.text!r}{before}"


SIGN_IN_LIMITED: Final = "the sign-in is rate limited"
"""Nothing is known of what needs a sign-in, and it is no error of the service."""
_MINUTE_S = 60


def limited(retry_after: str = "") -> str:
    """The words with when to come again, as ``Retry-After`` has it (seconds, or a date)."""
    later = retry_after.strip()
    if later.isdecimal() and later.isascii():
        later = f"{math.ceil(int(later) / _MINUTE_S)} min" if int(later) > _MINUTE_S else f"{later} s"
    return f"{SIGN_IN_LIMITED} (HTTP 429{f', again after {later}' if later else ''})"
