"""Red twins: what a broken product would answer, made from an answer that was good. One that is still judged healthy shows a hole.

A condition that no twin can break proves nothing, and one that only half of them break proves half. Only twins that apply are made: an
answer without a moment in it has no stale one.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

from pam_rollback.core.answer import Answer
from pam_rollback.target.conditions import Captured, Condition, Nowhere, Path, leaves, path_of, written
from pam_rollback.target.contract import ANY_STATUS, Component
from pam_rollback.target.health import judge, moment
from pam_rollback.target.health_body import is_good_truth, is_well, words_of

TWINS_MAX = 60
"""Of one answer: a very long one has twins enough in its first parts."""
_PAGE = (
    b"<!doctype html><html><head><title>PAM</title><script src='/assets/app.js'></script></head>"
    b"<body><div id='root'></div></body></html>"
)
_STALE = timedelta(days=2)
_STATUS_KEYS = frozenset({"status", "health", "state", "condition"})
_PARTS = frozenset({"checks", "components", "dependencies"})
_OTHER_WORD = "unhealthy"
_NESTED = {"checks": {"a part of it": {"status": _OTHER_WORD}}}


@dataclass(frozen=True)
class Twin:
    """A bad answer: ``change`` says in words what was made of the good one."""

    change: str
    captured: Captured


def survivors(component: Component, green: Captured) -> tuple[str, ...]:
    """What could go wrong without being noticed, in words; empty when each twin is found bad.

    Raises ValueError when the answer is not healthy itself: then nothing can be proved with it.
    """
    if not judge(component, green).proves_health:
        raise ValueError("nothing can be proved with an answer that is not healthy itself")
    return tuple(twin.change for twin in twins_of(component, green) if judge(component, twin.captured).proves_health)


def twins_of(component: Component, green: Captured) -> tuple[Twin, ...]:
    """Every twin that applies to this answer."""
    made = (twin for twin in _made(component, green) if twin.captured != green)
    return tuple(islice(made, TWINS_MAX))


def _made(component: Component, green: Captured) -> Iterator[Twin]:
    answer = green.answer
    if component.http_status != ANY_STATUS:
        for status in (503, 404):
            yield Twin(f"the same with HTTP {status}", _with(green, http_status=status))
    yield Twin("a page of HTML", _with(green, body=_PAGE, content_type="text/html"))
    yield Twin("a page of HTML that calls itself the same type", _with(green, body=_PAGE))
    yield Twin("an empty body", _with(green, body=b""))
    for condition in component.conditions:
        yield from _of_subject(condition, green)
    if answer.json is not None:
        yield from _of_json(component, green)


def _of_subject(condition: Condition, green: Captured) -> Iterator[Twin]:
    if condition.answer == "text" and not green.answer.is_json_type:
        yield Twin('"not" before its text', _with(green, body=b"not " + green.answer.body))


def _of_json(component: Component, green: Captured) -> Iterator[Twin]:
    body, text = green.answer.json, green.answer.body
    named = dict(_named(component, body))
    for path, condition in named.items():
        yield from _of_field(path, condition, green)
    for path, value in leaves(body):
        if _speaks_of_health(path, value) and written(path) not in _excused(component):
            other = _OTHER_WORD if isinstance(value, str) else False
            yield Twin(f"{written(path)} is {other!r}", _edited(green, path, other))
    yield Twin("a second document behind it", _with(green, body=text + text))
    if isinstance(body, dict):
        yield from _of_object(body, green)
        if not component.files:  # a host of files may keep what it publishes
            yield from _of_the_past(body, green)


def _of_object(body: Mapping[str, Any], green: Captured) -> Iterator[Twin]:
    first = next(iter(body), "status")
    twice = (
        f"{{{json.dumps(first)}: {json.dumps(_OTHER_WORD)}, ".encode()
        + green.answer.body.strip().removeprefix(b"{").lstrip()
    )
    if body:
        yield Twin(f"the key {first!r} twice", _with(green, body=twice))
    yield Twin('a part inside says "unhealthy"', _with(green, body=_dumped({**body, **_NESTED})))


def _of_the_past(body: Mapping[str, Any], green: Captured) -> Iterator[Twin]:
    told = moment(body.get("timestamp"))
    if told is not None:
        stale = (
            (told - _STALE).isoformat()
            if isinstance(body["timestamp"], str)
            else body["timestamp"] - _past(body["timestamp"])
        )
        yield Twin("its timestamp is two days old", _edited(green, ("timestamp",), stale))


def _named(component: Component, body: Any) -> Iterator[tuple[Path, Condition]]:
    """The fields that conditions are about, as far as the answer has them."""
    for condition in component.conditions:
        if condition.pointer is None:
            continue
        try:
            path = path_of(body, condition.pointer)
        except Nowhere:
            path = _free_place(body, condition.pointer)
        yield path, condition


def _of_field(path: Path, condition: Condition, green: Captured) -> Iterator[Twin]:
    name, document = written(path) or "the body", green.answer.json
    if not path:
        return
    value = _at(document, path)
    yield Twin(f"{name} is gone", _dropped(green, path))
    yield Twin(f"{name} is null", _edited(green, path, None))
    yield Twin(f"{name} is a list of what it was", _edited(green, path, [value]))
    yield Twin(f"{name} is an object", _edited(green, path, {"was": value}))
    if isinstance(value, str):
        yield Twin(f"{name} is a number", _edited(green, path, 0))
        yield Twin(f"{name} is an empty text", _edited(green, path, ""))
        if condition.equals is not None or condition.any_of is not None:
            yield Twin(f"{name} is {'not-' + value!r}", _edited(green, path, f"not-{value}"))
    elif isinstance(value, (int, float)):
        yield Twin(f"{name} is a text", _edited(green, path, str(value)))
        if isinstance(value, bool):
            yield Twin(f"{name} is {not value}", _edited(green, path, not value))
        yield Twin(f"{name} is no number (NaN)", _edited(green, path, float("nan")))


def _speaks_of_health(path: Path, value: Any) -> bool:
    if not path or not isinstance(path[-1], str):
        return False
    words = words_of(path[-1])
    if isinstance(value, str):
        of_a_part = len(path) > 1 and isinstance(path[-2], str) and words_of(path[-2])[-1] in _PARTS
        return is_well(value) and (words[-1] in _STATUS_KEYS or of_a_part)
    return value is True and is_good_truth(words)


def _excused(component: Component) -> frozenset[str]:
    """Places of optional parts, with what is below their own word."""
    places = ["/" + place.replace(".", "/") for place in component.optional]
    return frozenset([*places, *(f"{place}/{key}" for place in places for key in _STATUS_KEYS)])


def _free_place(body: Any, pointer: str) -> Path:
    """Where the field would stand that is not there."""
    parent, _, key = pointer.rpartition("/")
    return (*path_of(body, parent), key.replace("~1", "/").replace("~0", "~"))


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _edited(green: Captured, path: Path, value: Any) -> Captured:
    def put(parent: Any) -> None:
        parent[path[-1]] = value

    return _changed(green, path, put) if path else _with(green, body=_dumped(value))


def _dropped(green: Captured, path: Path) -> Captured:
    def drop(parent: Any) -> None:
        del parent[path[-1]]

    return _changed(green, path, drop)


def _changed(green: Captured, path: Path, change: Callable[[Any], None]) -> Captured:
    document = deepcopy(green.answer.json)
    change(_at(document, path[:-1]))
    return _with(green, body=_dumped(document))


def _dumped(document: Any) -> bytes:
    return json.dumps(document).encode()


def _past(told: float) -> float:
    return _STALE.total_seconds() * (1000 if told > 1e11 else 1)  # noqa: PLR2004 - milliseconds since 1970


def _with(green: Captured, **changes: Any) -> Captured:
    answer = green.answer
    given: dict[str, Any] = {
        "method": answer.method,
        "url": answer.url,
        "http_status": answer.http_status,
        "content_type": answer.content_type,
        "body": answer.body,
        "elapsed_ms": answer.elapsed_ms,
        "headers": dict(answer.headers),
    }
    return replace(green, answer=Answer(**{**given, **changes}))
