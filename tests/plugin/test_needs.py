"""What a fixture or a test stands on is said where it is written, and found by whoever selects tests."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.plugin.needs import fixtures_with, needs, needs_of
from pam_rollback.plugin.selection import not_in_contract


@pytest.fixture
@needs("database", elements=("message",))
def rows() -> int:
    """Something of the database."""
    return 1


@pytest.fixture
def counted(rows: int) -> int:
    """Something that asks for it."""
    return rows


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """As the session does it: a test is asked what its fixtures say before it has parameters."""
    if "said" in metafunc.fixturenames:
        said = fixtures_with(metafunc, lambda one: one.objective), fixtures_with(metafunc, lambda one: one.one_browser)
        metafunc.parametrize("said", [said], ids=["said"])


@pytest.fixture
@needs(objective=True)
def recovered(rows: int) -> int:
    """What a story is held against."""
    return rows


@pytest.fixture
@needs(lacking=lambda item, environment: f"{environment.name} has none for {item.name}"[: 99 * environment.is_sandbox])
def workers() -> int:
    """Something that only some environments have."""
    return 1


@pytest.mark.parametrize("there", [True, False])
def test_what_no_word_says_is_asked_of_the_environment(
    workers: int,
    there: bool,  # noqa: FBT001 - a case
    request: pytest.FixtureRequest,
) -> None:
    """Whoever owns the fixture says why there is nothing of it, and the test is left out with these words."""
    environment: Any = SimpleNamespace(
        name="e", is_sandbox=not there, abilities=(), contract=SimpleNamespace(elements={})
    )

    why = not_in_contract(request.node, environment)
    assert why == ("" if there else f"e has none for {request.node.name}")


def test_above_the_fixture_nobody_would_read_it() -> None:
    """So it is refused."""
    with pytest.raises(TypeError, match="it has to stand below"):
        needs("git")(pytest.fixture(lambda: 1))


def test_an_ability_that_nobody_can_declare_is_refused() -> None:
    """Else its test would be left out for ever."""
    with pytest.raises(ValueError, match="no environment can declare 'databas', did you mean 'database'"):
        needs("databas")  # type: ignore[arg-type]


@pytest.fixture
@needs(waits="window", damage=True)
def window() -> int:
    """Something that takes its time, after an incident that was planted."""
    return 1


def test_who_waits_and_for_what(window: int, request: pytest.FixtureRequest) -> None:
    """Tests are ordered by it, and left out of a drill without damage."""
    [found] = needs_of(request.node, account=False)

    assert (found.waits, found.damage) == ("window", True)
