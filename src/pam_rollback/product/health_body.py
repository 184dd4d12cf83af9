"""What a health answer says below its first word: "healthy" above a part that is down is no healthy answer.

The rule, and what it leaves alone on purpose, is docs/decisions/healthy-answers.md; its words are ``health_words``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pam_rollback.base.outside_text import cut
from pam_rollback.product.chat_answer import CRASH
from pam_rollback.product.health_words import (
    as_word,
    bare,
    counts_since_start,
    is_bad_truth,
    is_figure,
    is_good_truth,
    is_http_error,
    is_ill,
    is_maintenance,
    is_no,
    is_nothing,
    is_number,
    is_open_breaker,
    is_well,
    names_a_release,
    speaks_of_errors,
    speaks_of_the_past,
    words_of,
)

_STATUS = frozenset({"status", "health", "condition", "state"})
"""Keys whose value is a word for how a part is."""
_CHECKS = frozenset({"checks", "check", "components", "dependencies", "subsystems"})
"""Objects whose members are checked parts: one without a word for well is not known to be well."""
_PARTS = _CHECKS | _STATUS | {"services", "systems", "connections", "summary"}
"""These too, but members may be something else, such as a version."""
_SETTINGS = frozenset(
    {
        "name",
        "id",
        "level",
        "severity",
        "threshold",
        "type",
        "kind",
        "environment",
        "env",
        "region",
        "description",
        "title",
        "label",
    }
    | {
        "log",
        "logging",
        "verbosity",
        "policy",
        "action",
        "message",
        "url",
        "path",
        "host",
        "version",
        "release",
        "commit",
        "build",
    }
    | {"timestamp", "time", "at", "ms", "branch"}
)
"""Keys whose values are names, moments or settings: a log level "error" is no error."""
_SWITCHES = frozenset({"enabled", "configured"})
"""Whether something is looked for at all, not whether it was found."""
_NAMES = ("name", "component", "service", "id")
_RELEASE_KEYS = ("release", "releaseId", "release_id", "version")
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_SHOWN_CHARACTERS = 60
_OBJECTIONS_MAX = 20


def objections(body: Mapping[str, Any], optional: Sequence[str] = ()) -> tuple[str, ...]:
    """Everything in the answer that does not go with a healthy word at its top, as sentences ("checks.redis is 'down'").

    ``optional`` names the parts that may be down while the product is well, by their place, such as ``checks.tts``. The top's own
    ``status`` is not looked at here. Never raises.
    """
    reader = _Reader(frozenset(optional))
    return tuple(islice(reader.of_object(body, "", parts=""), _OBJECTIONS_MAX))


def release_named(body: Mapping[str, Any]) -> str:
    """The release that an answer names; empty when it names none.

    ``release`` goes before ``releaseId`` and that before ``version``: where several stand, the last is often the interface's own version
    (https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check), so they may differ.
    """
    named = (body.get(key) for key in _RELEASE_KEYS)
    return next((name.strip() for name in named if isinstance(name, str) and names_a_release(name)), "")


def commit_named(body: Mapping[str, Any]) -> str:
    """The commit that an answer names under ``commit``; empty when it names none. A word, or too short a hash, is no commit."""
    named = body.get("commit")
    return named.strip() if isinstance(named, str) and _COMMIT.fullmatch(named.strip()) else ""


class _Reader:
    """Walks through one answer, whose depth the reader of JSON has bounded."""

    def __init__(self, optional: frozenset[str]) -> None:
        self._optional = optional
        self._excused = {place.rpartition(".")[2].casefold() for place in optional}

    def of_object(self, found: Mapping[str, Any], place: str, *, parts: str) -> Iterator[str]:
        """``parts`` is the last word of the key under which the object stands: it tells what its members are."""
        if place and _is_over(found):
            return
        for key, value in found.items():
            where, words = f"{place}.{key}" if place else key, words_of(key)
            if where in self._optional or where == "status" or speaks_of_the_past(words):
                continue
            if self._is_bad(words, value, parts=parts, where=where):
                yield _sentence(where, value)
            elif not speaks_of_errors(words):
                yield from self._deeper(value, where, parts=words[-1])

    def _deeper(self, value: Any, place: str, *, parts: str) -> Iterator[str]:
        if isinstance(value, dict):
            yield from self.of_object(value, place, parts=parts)
        elif isinstance(value, list):
            for number, one in enumerate(value):
                where = f"{place}.{_name(one) or number}"
                if where not in self._optional:
                    # An item of a list of checks is a check, not a list of checks.
                    yield from self._deeper(one, where, parts="")

    def _is_bad(self, words: Sequence[str], value: Any, *, parts: str, where: str) -> bool:  # noqa: PLR0911 - one line for each kind of key
        if is_maintenance(words, value) or is_open_breaker(where, words, value):
            return True
        if isinstance(value, str) and CRASH.search(value):
            return True
        if speaks_of_errors(words):
            return value != 0 and not counts_since_start(words) if is_number(value) else self._is_live(value)
        if is_bad_truth(words):
            # "failed" among requests or jobs is a total; at the top and among checks it is how many fail now.
            now = bare(words) not in {"failed", "failing"} or parts in _PARTS or "." not in where
            return now and value > 0 if is_number(value) else self._is_live(value)
        if is_good_truth(words) and not isinstance(value, (dict, list)):
            zero = is_number(value) and value == 0 and bare(words) in {"healthy", "ok", "up"}
            return value is False or zero or (isinstance(value, str) and (is_ill(value) or is_no(value)))
        if words[-1] in _STATUS:
            return _is_bad_status(value, words[-1])
        if words[-1] in _SETTINGS:
            return False
        if parts in _PARTS:
            return _is_bad_part(value, strict=parts in _CHECKS)
        return isinstance(value, str) and is_ill(value)

    def _is_live(self, value: Any) -> bool:
        """Something is said that is not over, and not about a part that is declared as optional."""
        if isinstance(value, str):
            about = re.split(r"[^\w-]", value.strip(), maxsplit=1)[0].casefold()
            return not is_nothing(value) and about not in self._excused
        if isinstance(value, list):
            return any(one != 0 if is_number(one) else self._is_live(one) for one in value)
        if isinstance(value, dict):
            told = (one for key, one in value.items() if key not in _SWITCHES and not speaks_of_the_past(words_of(key)))
            return not _is_over(value) and any(self._is_live(one) for one in told if not is_number(one))
        return value is True


def _is_bad_status(value: Any, key: str) -> bool:
    """A word that is none for well, or for not used, is not known to be well. A ``state`` has too many words: a bad one it has to be."""
    if isinstance(value, str):
        return is_ill(value) or as_word(value) == "unknown" if key == "state" else not is_well(value)
    return value is None or value is False or is_http_error(value)


def _is_bad_part(value: Any, *, strict: bool) -> bool:
    """A part that is one value. Among checks it is a word for well, a figure, or true; elsewhere it only must not be a bad word."""
    if isinstance(value, str):
        return not (is_well(value) or is_figure(value)) if strict else is_ill(value) or as_word(value) == "unknown"
    return value is False or (strict and value is None)


def _is_over(found: Mapping[str, Any]) -> bool:
    """The object itself says that it is resolved."""
    resolved = found.get("resolved", found.get("is_resolved"))
    at = found.get("resolved_at", found.get("resolvedAt"))
    return resolved is True or bool(at) or as_word(str(found.get("status", ""))) in {"resolved", "closed"}


def _name(value: Any) -> str:
    """How an item of a list is called."""
    named = (value.get(key) for key in _NAMES) if isinstance(value, dict) else ()
    return next((name for name in named if isinstance(name, str) and name.strip()), "")


def _sentence(where: str, value: Any) -> str:
    shown = repr(value)
    return f"{cut(where, _SHOWN_CHARACTERS, sign='')} is {cut(shown, _SHOWN_CHARACTERS)}"
