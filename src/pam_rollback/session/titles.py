"""Titles of fixtures for the report, typed: a fixture with a sentence for a title is shown there, all others are noise."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import allure

F = TypeVar("F", bound=Callable[..., Any])


def titled(sentence: str) -> Callable[[F], F]:
    """Decorates a fixture with the sentence that the report shows. Below ``@pytest.fixture``, since Allure reads the function."""
    return cast("Callable[[F], F]", allure.title(sentence))
