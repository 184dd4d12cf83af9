"""The words of health answers: which say well, which say ill, which keys speak of a fault, and which texts name no release.

Keys are read as words: ``lastError``, ``last_error`` and ``last-error`` are one key. Values are read whole, or up to their first
punctuation ("unhealthy: no route"). Nothing is searched for within a text. Why these words: docs/decisions/healthy-answers.md.
"""

import re
from collections.abc import Sequence
from typing import Any

HEALTHY = "healthy"


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
