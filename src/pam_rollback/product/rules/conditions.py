"""Conditions on one answer: a subject, an operator, and what is asked for. Typed and closed.

What cannot be found, or is of another type than the operator asks for, never passes: not with "less than" for a number that is not there,
nor with "absent" where there is no object that could have had the key.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, Strict, model_validator

from pam_rollback.base.answer import Answer
from pam_rollback.base.configuration import Table, shown
from pam_rollback.base.outside_text import cut
from pam_rollback.product.rules.freshness import moment
from pam_rollback.product.rules.pointer import Nowhere, accepted, steps_of, value_at, written

_SUBJECTS = ("json", "header", "answer")
_OPERATORS = ("equals", "any_of", "matches", "absent", "exists", "lt", "gt", "age_lt_s", "each")
_AHEAD_MAX_S = 60.0
"""How far a clock may run ahead of ours."""
_TEXT_BYTES = 256 * 1024
_SHOWN_CHARACTERS = 60


def _scalar(value: Any) -> Any:
    if not isinstance(value, (str, bool, int, float)) or value != value:  # noqa: PLR0124 - only NaN differs from itself
        raise ValueError(f"expected a text in quotes, a number, true or false, found {shown(value)}")
    return value


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as problem:
        raise ValueError(f"expected a regular expression, found {text!r} ({problem})") from None
    return text


Scalar = Annotated[Any, AfterValidator(_scalar)]
Pointer = Annotated[str, AfterValidator(accepted)]
Pattern = Annotated[str, AfterValidator(_pattern)]
_Flag = Annotated[Literal[True] | None, Field()]


class Condition(Table):
    """One line of a contract: exactly one subject and exactly one operator."""

    # A prober reads it again in a process of its own.
    model_config = ConfigDict(serialize_by_alias=True)

    pointer: Annotated[Pointer | None, Field(alias="json")] = None
    """A value of the body, read as JSON: ``/status``, ``/checks/0/name``."""
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = None
    answer: Literal["status", "text", "time_ms", "certificate_d"] | None = None
    """HTTP status, the whole body as text, how long the answer took, and for how many days the certificate is still valid."""

    equals: Scalar | None = None
    any_of: Annotated[tuple[Scalar, ...], Strict(False), Field(min_length=1)] | None = None  # noqa: FBT003 - TOML has lists
    matches: Pattern | None = None
    """A regular expression for the whole value: ``healthy`` does not match "unhealthy"."""
    absent: _Flag = None
    """The object is there, and it has no such key, or null under it."""
    exists: _Flag = None
    """Something is there that is not null."""
    lt: float | None = None
    gt: float | None = None
    age_lt_s: Annotated[float, Field(gt=0)] | None = None
    """A moment, as text or as seconds or milliseconds since 1970, that is less than so many seconds past."""
    each: "Condition | None" = None
    """A condition on each member of an object or a list, by a pointer that begins at the member. There must be members."""

    @model_validator(mode="after")
    def _one_of_each(self) -> "Condition":
        for names, kind in ((_SUBJECTS, "subject"), (_OPERATORS, "operator")):
            given = [name for name in names if getattr(self, "pointer" if name == "json" else name) is not None]
            if len(given) != 1:
                raise ValueError(
                    f"expected exactly one {kind} ({', '.join(names)}), found {' and '.join(given) or 'none'}"
                )
        if self.pointer is None and (self.absent or self.each) and self.header is None:
            raise ValueError(
                f"expected a value that can be missing, or have members (json), found answer = {self.answer!r}"
            )
        inner = self.each
        if inner is not None and (self.pointer is None or inner.pointer is None or inner.each is not None):
            raise ValueError(
                "expected each of a json value, with one condition by a json pointer that begins at the member"
            )
        return self

    @property
    def subject(self) -> str:
        """How people read it."""
        if self.pointer is not None:
            return self.pointer or "the body"
        return f"header {self.header}" if self.header is not None else _ANSWER[str(self.answer)]

    @property
    def asked(self) -> str:
        """What it must be, for a sentence with "expected"."""
        name = next(name for name in _OPERATORS if getattr(self, name) is not None)
        value = getattr(self, name)
        match name:
            case "any_of":
                return f"one of {', '.join(map(repr, value))}"
            case "each":
                return f"each with {value.pointer or 'a value'} {value.asked}"
            case "absent" | "exists":
                return "nothing there" if name == "absent" else "something there"
            case "age_lt_s":
                return f"a moment less than {value:g} s ago"
            case "lt" | "gt":
                return f"{'less' if name == 'lt' else 'more'} than {value:g}"
        return f"a text that matches '{value}'" if name == "matches" else repr(value)


_ANSWER = {
    "status": "HTTP status",
    "text": "the text",
    "time_ms": "the time in ms",
    "certificate_d": "the certificate's days",
}


@dataclass(frozen=True)
class Captured:
    """One answer as it was captured, with what else can be asked about it."""

    answer: Answer
    now: datetime
    """When it was captured, by our clock."""
    certificate_d: float | None = None
    """For how many days its certificate is valid; None where nobody looked."""


@dataclass(frozen=True)
class ConditionResult:
    """Whether a condition is met, and the value that it was held against."""

    condition: Condition
    met: bool
    found: str

    def __str__(self) -> str:
        """The sentence that a failure shows: resolved value beside what was asked."""
        return f"{self.condition.subject} is {self.found}, expected {self.condition.asked}"


@dataclass(frozen=True)
class _Missing:
    """There is no value. ``in_object``: an object is there that could have had it."""

    why: str
    in_object: bool = False


def held_against(condition: Condition, captured: Captured) -> ConditionResult:
    """Hold the answer against one condition. Nothing that a service can say raises."""
    value = _value(condition, captured)
    if isinstance(value, _Missing):
        return ConditionResult(condition, bool(condition.absent) and value.in_object, f"not there ({value.why})")
    if condition.each is not None:
        return _each(condition, value, captured)
    met = _is_met(condition, value, captured.now)
    return ConditionResult(condition, met, _shown(value))


def _value(condition: Condition, captured: Captured) -> Any:
    answer = captured.answer
    if answer.problem:
        return _Missing(answer.problem)
    if condition.header is not None:
        found = answer.headers.get(condition.header.lower())
        return _Missing("no such header", in_object=True) if found is None else found
    if condition.pointer is not None:
        return _in_json(condition.pointer, answer)
    if condition.answer == "certificate_d" and captured.certificate_d is None:
        return _Missing("no certificate was seen")
    text = answer.body[:_TEXT_BYTES].decode("utf-8", "replace") if condition.answer == "text" else ""
    return {
        "status": answer.http_status,
        "time_ms": answer.elapsed_ms,
        "text": text,
        "certificate_d": captured.certificate_d,
    }[str(condition.answer)]


def _in_json(pointer: str, answer: Answer) -> Any:
    if answer.json is None and (answer.json_problem or not answer.is_json_type):
        return _Missing(f"not JSON: {answer.json_problem or answer.content_type or 'no content type'}")
    try:
        return value_at(answer.json, pointer)
    except Nowhere as nowhere:
        return _Missing(str(nowhere), in_object=_is_object(answer.json, written(tuple(steps_of(pointer)[:-1]))))


def _is_object(document: Any, pointer: str) -> bool:
    try:
        return isinstance(value_at(document, pointer), dict)
    except Nowhere:
        return False


def _each(condition: Condition, value: Any, captured: Captured) -> ConditionResult:
    wanted = condition.each
    assert wanted is not None
    members = _members(value)
    if not members:
        return ConditionResult(condition, met=False, found=f"{_shown(value)}, without members")
    bad = [f"{name}: {found}" for name, found in _bad_members(wanted, members, captured.now)]
    return ConditionResult(condition, not bad, "; ".join(bad[:3]) or f"{len(members)} members")


def _bad_members(wanted: Condition, members: Sequence[tuple[str, Any]], now: datetime) -> Iterator[tuple[str, str]]:
    for name, member in members:
        try:
            found = value_at(member, wanted.pointer or "")
        except Nowhere as nowhere:
            if not (wanted.absent and isinstance(member, dict)):
                yield name, f"not there ({nowhere})"
            continue
        if not _is_met(wanted, found, now):
            yield name, _shown(found)


def _members(value: Any) -> Sequence[tuple[str, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return [(str(index), one) for index, one in enumerate(value)] if isinstance(value, list) else ()


def _is_met(condition: Condition, value: Any, now: datetime) -> bool:  # noqa: PLR0911 - one line for each operator
    if condition.absent or condition.exists:
        return (value is None) == bool(condition.absent)
    if condition.equals is not None:
        return _same(value, condition.equals)
    if condition.any_of is not None:
        return any(_same(value, one) for one in condition.any_of)
    if condition.matches is not None:
        return isinstance(value, str) and re.compile(condition.matches, re.DOTALL).fullmatch(value) is not None
    if condition.age_lt_s is not None:
        at = moment(value)
        return at is not None and -_AHEAD_MAX_S <= (now - at).total_seconds() < condition.age_lt_s
    number = _number(value, of_header=condition.header is not None)
    if number is None:
        return False
    return number < condition.lt if condition.lt is not None else condition.gt is not None and number > condition.gt


def _same(found: Any, asked: Any) -> bool:
    """Equal, and of one type: 1 is not true, and "200" is not 200."""
    numbers = (int, float)
    if isinstance(found, bool) or isinstance(asked, bool) or not isinstance(found, numbers):
        return type(found) is type(asked) and bool(found == asked)
    return isinstance(asked, numbers) and bool(found == asked)


def _number(value: Any, *, of_header: bool) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    # A header has no type: its text is what there is.
    return (
        float(value)
        if of_header and isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", value)
        else None
    )


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return "null" if value is None else cut(shown(value), _SHOWN_CHARACTERS)
