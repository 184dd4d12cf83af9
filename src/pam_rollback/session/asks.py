"""What a fixture or a test asks of the product, at most, said where it is written: ``@asks(sign_ins=1, page_loads=3)``.

What a fixture of a session asks is asked once in a situation, what one of a test asks in each test. ``budget`` adds it up and tells it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan
from pam_rollback.product.rules.limits import Asks
from pam_rollback.session.situations import situation_of

F = TypeVar("F", bound=Callable[..., Any])
_SAID, _LATER = "__pam_asks__", "__pam_asks_later__"
_OF_A_TEST = "function"


@dataclass(frozen=True)
class Around:
    """In what a session asks."""

    environment: Environment
    plan: Plan
    pace: float
    compares: bool
    """There is a baseline to compare with."""


AsksOf = Callable[[Around], Asks]


def asks(
    *, sign_ins: int = 0, page_loads: int = 0, questions: int = 0, of: AsksOf | None = None, later: Iterable[str] = ()
) -> Callable[[F], F]:
    """Decorates a fixture, below ``@pytest.fixture``, or a test. ``of``: what more it asks, by environment and plan.

    ``later``: fixtures that it asks for by name while it runs, which nobody sees beforehand.

    Raises TypeError above ``@pytest.fixture``, where nobody would read it.
    """
    known = Asks(sign_ins=sign_ins, page_loads=page_loads, questions=questions)

    def mark(function: F) -> F:
        if not hasattr(function, "__code__"):
            raise TypeError(f"@asks stands above @pytest.fixture of {function!r}; it has to stand below")
        said: AsksOf = lambda around: known if of is None else known + of(around)  # noqa: E731 - typed
        setattr(function, _SAID, (*getattr(function, _SAID, ()), said))
        setattr(function, _LATER, (*getattr(function, _LATER, ()), *later))
        return function

    return mark


def asks_of(items: Sequence[pytest.Item], around: Around, by_name: Iterable[str] = ()) -> Asks:
    """All that these tests ask, with the fixtures that they ask for, directly or by way of another one.

    ``by_name``: fixtures that another one will ask for by name, which nobody sees beforehand.
    """
    once: dict[tuple[str, str], object] = {}
    of_tests: list[object] = []
    for item in items:
        of_tests.append(getattr(item, "function", None))
        fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
        for name, found in fixtures.items():
            if not found:
                continue
            if found[-1].scope == _OF_A_TEST:
                of_tests.append(found[-1].func)
            else:
                once[name, situation_of(item)] = found[-1].func
    later = (name for function in (*once.values(), *of_tests) for name in getattr(function, _LATER, ()))
    for name, found in _named((*by_name, *later), items[0]):
        once.setdefault((name, situation_of(items[0])), found.func)
    return Asks.all(said(around) for function in (*once.values(), *of_tests) for said in getattr(function, _SAID, ()))


def _named(names: Iterable[str], item: pytest.Item) -> Iterator[tuple[str, pytest.FixtureDef[Any]]]:
    """These fixtures, and those that they ask for."""
    left, seen = [*names], set[str]()
    while left:
        name = left.pop()
        found = None if name in seen else item.session._fixturemanager.getfixturedefs(name, item)  # noqa: SLF001 - pytest has no other way
        seen.add(name)
        if found:
            yield name, found[-1]
            left += (*found[-1].argnames, *getattr(found[-1].func, _LATER, ()))
