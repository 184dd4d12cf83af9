"""What a fixture or a test stands on, said where it is written: ``@needs("database")``.

A test needs what it says itself and what each fixture says that it asks for, directly or by way of another one. Where an environment
does not declare that, or its product's contract does not describe it, the test is left out, and named (``selection.py``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast, get_args

import allure
import pytest

from pam_rollback.core.configuration import suggestion
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_tables import Ability, Browser

Waits = Literal["", "window", "answers"]


Lacking = Callable[[pytest.Item, Environment], str]
"""Why a test has nothing to ask in an environment, in words; empty when it has."""


F = TypeVar("F", bound=Callable[..., Any])


_SAID = "__pam_needs__"


SIGNED_IN = ("email", "password", "log_in", "log_out")
"""The elements of pages that somebody meets who signs in and out."""


PAGES = "the pages as a visitor has them, and a browser on this machine"
"""What lets be recorded what a browser sees."""


INDEX = "baseline.json"
"""As ``baseline``: what the index of a baseline has of the users' answers."""


@dataclass(frozen=True)
class Needs:
    """What something stands on; ``needs`` explains the fields."""

    abilities: tuple[str, ...] = ()
    browser: Browser | Literal[""] = ""
    series: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    baseline: str = ""
    rollback: bool = False
    damage: bool = False
    waits: Waits = ""
    one_browser: bool = False
    objective: bool = False
    of_case: "Callable[[Mapping[str, object], bool], Needs] | None" = None
    lacking: Lacking | None = None


def needs(*abilities: Ability, **stands_on: Any) -> Callable[[F], F]:
    """Decorates a fixture, below ``@pytest.fixture``, or a test.

    Raises TypeError above ``@pytest.fixture``, where nobody would read it, and ValueError for an ability that no environment can declare.

    ``abilities``: what the environment declares. ``browser``: one that it declares, beside those that a test is run in. ``series``: one
    of these stands in ``[prometheus]``, where that is the source. ``elements``: of pages, by their names in the product's contract.
    ``baseline``: the part of a baseline that something is compared with. ``rollback``: one that this session did. ``damage``: that
    something was planted before it. ``waits``: for a window, or for hundreds of answers of users, so that the test comes late.
    ``one_browser``: it says something of the site and nothing of the browser, so that the first one declared will do. ``objective``: a
    test that asks for it serves the plan item of its story's strategy. ``of_case``: what more it is, by the test's parameters and by
    whether there is a test account. ``lacking``: why nothing of it is there, for what no word above says.
    """
    known = get_args(Ability)
    unknown = [f"{name!r}, {suggestion(name, known)}" for name in abilities if name not in known]
    if unknown:
        raise ValueError(f"@needs: no environment can declare {'; '.join(unknown)}")
    said = Needs(abilities, **stands_on)

    def mark(function: F) -> F:
        if not hasattr(function, "__code__"):
            raise TypeError(f"@needs stands above @pytest.fixture of {function!r}; it has to stand below")
        setattr(function, _SAID, (*getattr(function, _SAID, ()), said))
        return function

    return mark


def needs_of(item: pytest.Item, *, account: bool) -> tuple[Needs, ...]:
    """All that a test stands on. ``account``: whether the environment has a test account."""
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    functions = (getattr(item, "function", None), *(found[-1].func for found in fixtures.values() if found))
    return tuple(one for function in functions for one in _said(function, item, account=account))


def fixtures_with(metafunc: pytest.Metafunc, what: Callable[[Needs], bool]) -> set[str]:
    """The fixtures of a test, by name, that say so: before the test has its parameters."""
    fixtures = getattr(metafunc.definition, "_fixtureinfo").name2fixturedefs  # noqa: B009 - pytest has no other way
    return {
        name
        for name, found in fixtures.items()
        if found and any(what(one) for one in getattr(found[-1].func, _SAID, ()))
    }


def _said(function: object, item: pytest.Item, *, account: bool) -> Iterator[Needs]:
    case = getattr(item, "callspec", None)
    for one in getattr(function, _SAID, ()):
        yield one
        if one.of_case is not None:
            yield one.of_case(case.params if case is not None else {}, account)


def titled(sentence: str) -> Callable[[F], F]:
    """Decorates a fixture with the sentence that the report shows. Below ``@pytest.fixture``, since Allure reads the function."""
    return cast("Callable[[F], F]", allure.title(sentence))
