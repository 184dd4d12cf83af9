"""A captured answer held against the whole of a component: status, type, conditions, the rest of the body, and whether it is of now."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pam_rollback.base.answer import Answer
from pam_rollback.product.conditions import Captured, ConditionResult, held_against
from pam_rollback.product.contract import ANY_STATUS, Component
from pam_rollback.product.freshness import kept
from pam_rollback.product.health_body import objections, release_named
from pam_rollback.product.health_words import names_a_release
from pam_rollback.product.pointer import Nowhere, value_at

_OK = 200
_SHOWN_OBJECTIONS = 3
NO_WORD = "JSON without a status"
"""What is found where an answer does not say how it is."""


@dataclass(frozen=True)
class Judgement:
    """What came of it. ``problems`` are sentences, the most telling first; empty for a healthy answer."""

    problems: tuple[str, ...]
    results: tuple[ConditionResult, ...]
    not_known: str = ""
    """Why a good answer tells nothing of now."""

    @property
    def healthy(self) -> bool:
        """Nothing is wrong with what was answered."""
        return not self.problems

    @property
    def proves_health(self) -> bool:
        """Healthy, and of now."""
        return self.healthy and not self.not_known


def judge(component: Component, captured: Captured) -> Judgement:
    """Judge one answer. Nothing that a service can say raises."""
    results = tuple(held_against(condition, captured) for condition in component.conditions)
    problems = tuple(_problems(component, captured))
    # An answer that is bad is bad, whoever kept it.
    not_known = "" if problems or component.files else kept(captured.answer, captured.now)
    return Judgement(problems, results, not_known)


def release_of(component: Component, answer: Answer) -> str:
    """The release that the answer names; empty when it names none."""
    body: Any = answer.json
    if component.release is None:
        return release_named(body) if isinstance(body, dict) else ""
    try:
        named = value_at(body, component.release)
    except Nowhere:
        return ""
    return named.strip() if isinstance(named, str) and names_a_release(named) else ""


def word_of(answer: Answer) -> str:
    """What the answer says of itself: its ``status``, or what was found where there is none."""
    found = unreadable(answer)
    if found:
        return found
    body = answer.json
    status = body.get("status") if isinstance(body, dict) else None
    return status if isinstance(status, str) else NO_WORD


def unreadable(answer: Answer) -> str:
    """Why the answer cannot be read as JSON, in words; empty when it can."""
    if answer.problem:
        return answer.problem
    if answer.redirected_to:
        return f"a redirect to {answer.redirected_to}"
    if not answer.is_json_type:
        page = " (the single-page fallback answers 200 for any path)" if answer.http_status == _OK else ""
        return f"not JSON but {answer.content_type or 'no content type'}{page}"
    if answer.json_problem:
        return f"not JSON although its content type says so ({answer.json_problem})"
    return ""


def contradiction(component: Component, answer: Answer) -> str:
    """What in the rest of the body speaks of a fault, in words; empty when nothing does."""
    body = answer.json
    if not component.whole or not isinstance(body, dict):
        return ""
    found = objections(body, component.optional)
    more = f" (and {len(found) - _SHOWN_OBJECTIONS} more)" if len(found) > _SHOWN_OBJECTIONS else ""
    return f"{', '.join(found[:_SHOWN_OBJECTIONS])}{more}"


def body_problems(component: Component, captured: Captured) -> Iterator[str]:
    """What is wrong with what the answer says, whatever its HTTP status is."""
    results = (held_against(condition, captured) for condition in component.conditions)
    unmet = [str(result) for result in results if not result.met]
    yield from unmet
    # A body that is ill by its own word contradicts nothing.
    if not unmet and (found := contradiction(component, captured.answer)):
        yield f"healthy at its top only: {found}"


def _problems(component: Component, captured: Captured) -> Iterator[str]:
    answer = captured.answer
    if answer.problem:
        yield answer.problem
        return
    if answer.redirected_to:
        yield f"a redirect to {answer.redirected_to}"
    yield from body_problems(component, captured)
    if component.http_status not in {ANY_STATUS, answer.http_status}:
        yield f"HTTP status is {answer.http_status}, expected {component.http_status}"
