"""What a health answer says below its first word: "healthy" above a part that is down is no healthy answer.

The rule, what it leaves alone on purpose, and why these words: docs/decisions/healthy-answers.md. Keys are read as words: ``lastError``,
``last_error`` and ``last-error`` are one key. Values are read whole, or up to their first punctuation ("unhealthy: no route"). Nothing is
searched for within a text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pam_rollback.core.outside_text import cut

HEALTHY = "healthy"
CRASH = re.compile(
    r"(?i:traceback \(most recent call last\))|^(?:[a-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception)\b\s*[:(]|^\s*(?i:internal server error)\W*$",
    re.MULTILINE,
)
"""What a program says of its own end. A person is told nothing by it, whichever intent goes with it."""


def _set(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_WELL = _set(
    "healthy ok okay good fine pass passed passing up alive live ready running online available reachable connected operational active",
    "serving success successful succeeded normal nominal green closed resolved complete completed started enabled open pong true yes",
    "idle sleeping standby leader primary replica follower warm warmed warming cold",
)
_NOT_USED = _set("disabled skipped skip off unused not-used not-configured unconfigured not-applicable n/a")
"""The product runs without that part on purpose."""
_ILL = _set(
    "unhealthy not-healthy degraded degraded-performance down fail failed failing failure error errored errors critical fatal dead offline",
    "unavailable not-available unreachable disconnected not-connected timeout timed-out refused connection-refused broken outage",
    "partial-outage major-outage unready not-ready not-ok crashed stopped impaired overloaded exhausted half-open",
)
_FALSE = _set("false no 0")
_NOTHING = _set(
    "none null nil n/a na no ok okay - nothing false 0 [] {} healthy success no-error no-errors no-issues no-problems"
)
"""What stands under a key for errors when there is none."""
_ERRORS = _set(
    "error errors issue issues problem problems failure failures exception exceptions fault faults",
    "warning warnings alert alerts traceback tracebacks stacktrace",
)
_TOTALS = _set("errors failures exceptions warning warnings alert")
"""A number there counts since the start, or is a threshold."""
_COMPANIONS = _set(
    "message messages msg text detail details description reason reasons code type list names string current active open live critical",
    "fatal health is are has the parts check checks component components dependency dependencies service services system systems",
    "subsystems",
)
"""What may stand beside an error in its key: ``error_message`` speaks of one, ``error_tracking`` does not."""
_PAST = _set("last previous prior past recent resolved former historical")
_OVER = _ERRORS | _set("incident incidents outage outages")
_GOOD_TRUTHS = _set("healthy ok up alive ready available connected reachable operational passing passed online success")
_GOOD_ENDINGS = _set("healthy ok alive connected reachable operational")
_BAD_TRUTHS = _set("unhealthy degraded down failed failing offline unavailable unreachable broken dead disconnected")
_UNNAMED = _set(
    "unknown none null nil undefined nan n/a na unset not-set unspecified not-available missing empty tbd todo version release latest",
    "placeholder",
)
_OPEN = _set("open half-open tripped")
_SWITCHED_ON = _set("true on yes 1 active enabled in-progress ongoing")
_MAINTENANCE = _set("maintenance maintenance-mode in-maintenance under-maintenance")
_TEMPLATE = re.compile(r"\$\{|\{\{|%[A-Za-z_]+%|\$[A-Za-z_]+$|<[A-Za-z_ -]+>$")
_BREAKER = re.compile("breaker|circuit", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_FIRST = re.compile(r"\s*([A-Za-z/_-]+(?: [A-Za-z]+)?)\s*(?:$|[.!:;,(\[]|\s-\s)")
_FIGURE = re.compile(r"[v~<>=]*\d[\w.:+%/-]*( [\w%/]{1,3})?")
_HTTP_ERRORS = range(400, 600)


def is_well(value: str) -> bool:
    """A word for well, or for a part that is not used."""
    return bool(_forms(value) & (_WELL | _NOT_USED))


def is_ill(value: str) -> bool:
    """A word for ill."""
    return bool(_forms(value) & _ILL)


def is_no(value: str) -> bool:
    """A false that was written as a text."""
    return as_word(value) in _FALSE


def is_nothing(value: str) -> bool:
    """No error, in words."""
    return not value.strip() or as_word(value) in _NOTHING


def is_figure(value: str) -> bool:
    """A number, a time, a version: "12 ms", "15.2"."""
    return bool(_FIGURE.fullmatch(value.strip()))


def is_number(value: object) -> bool:
    """A number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_http_error(value: object) -> bool:
    """A number that is an HTTP status of the 400s or 500s."""
    return is_number(value) and value in _HTTP_ERRORS


def words_of(key: str) -> tuple[str, ...]:
    """The words of a key, in lower case."""
    return tuple(word.casefold() for word in _WORD.findall(key)) or (key.casefold(),)


def as_word(value: str) -> str:
    """A value as one word: ``Partial Outage`` and ``partial_outage`` are the same."""
    return re.sub(r"[\s_]+", "-", value.strip().rstrip(".!").casefold())


def speaks_of_errors(words: Sequence[str]) -> bool:
    """The key holds what is wrong now, where anything is."""
    return bool(_ERRORS.intersection(words)) and set(words) <= _ERRORS | _COMPANIONS


def counts_since_start(words: Sequence[str]) -> bool:
    """As a number the key is a total since the process began: ``errors``, but not ``issues``."""
    return bool(_TOTALS.intersection(words))


def speaks_of_the_past(words: Sequence[str]) -> bool:
    """What was, and may be over: ``last_error``, ``recent_failures``, ``history``. A ``last_check`` is what is."""
    return "history" in words or bool(_PAST.intersection(words) and _OVER.intersection(words))


def is_good_truth(words: Sequence[str]) -> bool:
    """False there says ill: ``is_healthy``, ``database_connected``; but not ``update_available``."""
    return bare(words) in _GOOD_TRUTHS or words[-1] in _GOOD_ENDINGS


def is_maintenance(words: Sequence[str], value: Any) -> bool:
    """It is switched on now; one that is announced is not."""
    told = value.get("enabled", value.get("active")) if isinstance(value, dict) else value
    return bare(words) in _MAINTENANCE and as_word(str(told)) in _SWITCHED_ON


def is_open_breaker(where: str, words: Sequence[str], value: Any) -> bool:
    """A circuit breaker there is not closed: by its word, or as one of those that are open."""
    if not _BREAKER.search(where):
        return False
    if isinstance(value, str):
        return as_word(value) in _OPEN
    return words[-1] in _OPEN and bool(value)


def is_bad_truth(words: Sequence[str]) -> bool:
    """True, or anything filled, says ill there: ``degraded``, ``failed_checks``; but not ``failed_requests``."""
    return bare(words) in _BAD_TRUTHS or (
        bool(_BAD_TRUTHS.intersection(words)) and set(words) <= _BAD_TRUTHS | _COMPANIONS
    )


def bare(words: Sequence[str]) -> str:
    """The key without what only qualifies it."""
    return "-".join(word for word in words if word not in {"is", "are", "overall", "all"})


def names_a_release(name: str) -> bool:
    """Whether the text names a release. "unknown", blanks and a template that nobody filled in do not."""
    text = name.strip()
    return as_word(text) not in _UNNAMED and any(map(str.isalnum, text)) and not _TEMPLATE.search(text)


def _forms(value: str) -> set[str]:
    """The whole value, and what stands before its first punctuation: "ok (12 ms)"."""
    first = _FIRST.match(value)
    return {as_word(value)} | ({as_word(first[1])} if first else set())


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
