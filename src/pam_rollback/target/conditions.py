"""Conditions on one answer: a subject, an operator, and what is asked for. Typed and closed.

What cannot be found, or is of another type than the operator asks for, never passes. Values stand at a JSON Pointer (RFC 6901), so that
a key with a dot or a slash can be named, too.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, Strict, model_validator

from pam_rollback.core.answer import Answer
from pam_rollback.core.configuration import Table, shown
from pam_rollback.core.outside_text import cut

_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9]\d{0,8}")

Path = tuple[str | int, ...]
"""The steps to a value: keys of objects, places in lists."""


class Nowhere(LookupError):  # noqa: N818 - named by what was found
    """The document has nothing there. The message says how far the way went."""


def accepted(pointer: str) -> str:
    """The pointer itself. Raises ValueError when it is none."""
    if not _POINTER.fullmatch(pointer):
        raise ValueError(f'expected a JSON pointer such as "/checks/database/status", found {pointer!r}')
    return pointer


def steps_of(pointer: str) -> Sequence[str]:
    """The steps as they are written."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def written(path: Path) -> str:
    """The pointer of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def path_of(document: Any, pointer: str) -> Path:
    """The path that a pointer takes through this document. Raises Nowhere."""
    found, path = document, Path()
    for step in steps_of(pointer):
        if isinstance(found, dict) and step in found:
            key: str | int = step
        elif isinstance(found, list) and _INDEX.fullmatch(step) and int(step) < len(found):
            key = int(step)
        else:
            raise Nowhere(f"{written(path) or 'the answer'} has no {step!r}")
        found, path = found[key], (*path, key)
    return path


def value_at(document: Any, pointer: str) -> Any:
    """What stands there. Raises Nowhere."""
    found = document
    for step in path_of(document, pointer):
        found = found[step]
    return found


def has_value(document: Any, pointer: str) -> bool:
    """Whether there is a document, and something at that place."""
    try:
        value_at(document, pointer)
    except Nowhere:
        return False
    return document is not None


def leaves(document: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no object and no list, with its path."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from leaves(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from leaves(value, (*path, index))
    else:
        yield path, document


_SUBJECTS = ("json", "answer")
_OPERATORS = ("equals", "any_of", "matches", "exists")
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


class Condition(Table):
    """One line of a contract: exactly one subject and exactly one operator."""

    # A prober reads it again in a process of its own.
    model_config = ConfigDict(serialize_by_alias=True)

    pointer: Annotated[Pointer | None, Field(alias="json")] = None
    """A value of the body, read as JSON: ``/status``, ``/checks/0/name``."""
    answer: Literal["status", "text"] | None = None
    """HTTP status, or the whole body as text."""

    equals: Scalar | None = None
    any_of: Annotated[tuple[Scalar, ...], Strict(False), Field(min_length=1)] | None = None  # noqa: FBT003 - TOML has lists
    matches: Pattern | None = None
    """A regular expression for the whole value: ``healthy`` does not match "unhealthy"."""
    exists: Literal[True] | None = None
    """Something is there that is not null."""

    @model_validator(mode="after")
    def _one_of_each(self) -> "Condition":
        for names, kind in ((_SUBJECTS, "subject"), (_OPERATORS, "operator")):
            given = [name for name in names if getattr(self, "pointer" if name == "json" else name) is not None]
            if len(given) != 1:
                raise ValueError(
                    f"expected exactly one {kind} ({', '.join(names)}), found {' and '.join(given) or 'none'}"
                )
        return self

    @property
    def subject(self) -> str:
        """How people read it."""
        if self.pointer is not None:
            return self.pointer or "the body"
        return "HTTP status" if self.answer == "status" else "the text"

    @property
    def asked(self) -> str:
        """What it must be, for a sentence with "expected"."""
        if self.any_of is not None:
            return f"one of {', '.join(map(repr, self.any_of))}"
        if self.matches is not None:
            return f"a text that matches '{self.matches}'"
        return "something there" if self.exists else repr(self.equals)


@dataclass(frozen=True)
class Captured:
    """One answer as it was captured, with what else can be asked about it."""

    answer: Answer
    now: datetime
    """When it was captured, by our clock."""


@dataclass(frozen=True)
class ConditionResult:
    """Whether a condition is met, and the value that it was held against."""

    condition: Condition
    met: bool
    found: str

    def __str__(self) -> str:
        """The sentence that a failure shows: resolved value beside what was asked."""
        return f"{self.condition.subject} is {self.found}, expected {self.condition.asked}"


class _MissingError(Exception):
    """There is no value; says why."""


def held_against(condition: Condition, captured: Captured) -> ConditionResult:
    """Hold the answer against one condition. Nothing that a service can say raises."""
    try:
        value = _value(condition, captured.answer)
    except (_MissingError, Nowhere) as missing:
        return ConditionResult(condition, met=False, found=f"not there ({missing})")
    return ConditionResult(condition, _is_met(condition, value), _shown(value))


def _value(condition: Condition, answer: Answer) -> Any:
    if answer.problem:
        raise _MissingError(answer.problem)
    if condition.pointer is None:
        return (
            answer.http_status if condition.answer == "status" else answer.body[:_TEXT_BYTES].decode("utf-8", "replace")
        )
    if answer.json is None and (answer.json_problem or not answer.is_json_type):
        raise _MissingError(f"not JSON: {answer.json_problem or answer.content_type or 'no content type'}")
    return value_at(answer.json, condition.pointer)


def _is_met(condition: Condition, value: Any) -> bool:
    if condition.exists:
        return value is not None
    if condition.any_of is not None:
        return any(_same(value, one) for one in condition.any_of)
    if condition.matches is not None:
        return isinstance(value, str) and re.compile(condition.matches, re.DOTALL).fullmatch(value) is not None
    return _same(value, condition.equals)


def _same(found: Any, asked: Any) -> bool:
    """Equal, and of one type: 1 is not true, and "200" is not 200."""
    numbers = (int, float)
    if isinstance(found, bool) or isinstance(asked, bool) or not isinstance(found, numbers):
        return type(found) is type(asked) and bool(found == asked)
    return isinstance(asked, numbers) and bool(found == asked)


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return "null" if value is None else cut(shown(value), _SHOWN_CHARACTERS)
