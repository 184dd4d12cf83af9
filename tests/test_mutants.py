"""The run of mutants is seen red: by a rule that no test holds, and by a list that is not kept."""

from pathlib import Path

import pytest

from tests.mutants.__main__ import LISTED, MODULES, ROOT, SOURCES, Survivor, problems
from tests.mutants.changes import mutants

RULE = """
LIMIT = 5
ORDER = ("worst", "bad")

def judged(value: float | None) -> str:
    '''A docstring.'''
    if value is None or not known(value):
        raise ValueError(f"found {value + 1}")
    return ORDER[0] if value >= LIMIT else max(ORDER)
"""


def changes(source: str) -> list[tuple[str, str, str]]:
    """What is changed, as it is listed."""
    return [(one.function, one.before, one.after) for one in mutants(Path("rule.py"), source)]


def test_each_place_is_changed_once() -> None:
    """Conditions, limits, answers, raises and figures; no annotation, no docstring, no words of a message."""
    condition, ending = "if value is None or not known(value):", "return ORDER[0] if value >= LIMIT else max(ORDER)"

    assert changes(RULE) == [
        ("judged", condition, "if True:"),
        ("judged", condition, "if False:"),
        ("judged", condition, "if not known(value):"),
        ("judged", condition, "if value is None:"),
        ("judged", condition, "if value is not None or not known(value):"),
        ("judged", condition, "if value is None or known(value):"),
        ("judged", "raise ValueError(f'found {value + 1}')", "pass"),
        ("judged", ending, "return None"),
        ("judged", ending, "return ORDER[0]"),
        ("judged", ending, "return max(ORDER)"),
        ("judged", ending, "return ORDER[0] if value > LIMIT else max(ORDER)"),
        ("judged", ending, "return ORDER[0] if value < LIMIT else max(ORDER)"),
        ("judged", ending, "return ORDER[1] if value >= LIMIT else max(ORDER)"),
        ("judged", ending, "return ORDER[0] if value >= LIMIT else min(ORDER)"),
        ("LIMIT", "LIMIT = 5", "LIMIT = 6"),
        ("ORDER", "ORDER = ('worst', 'bad')", "ORDER = ('bad',)"),
        ("ORDER", "ORDER = ('worst', 'bad')", "ORDER = ('worst',)"),
        ("ORDER", "ORDER = ('worst', 'bad')", "ORDER = ('bad', 'worst')"),
    ]


LIVES = Survivor("observation/rules/window.py judge", "a < b", "a <= b", "both are the same here")


@pytest.mark.parametrize(
    ("survived", "listed", "said"),
    [
        ([LIVES], [LIVES], []),
        ([LIVES], [], ["not listed in survivors.toml, 1 times"]),
        ([LIVES, LIVES], [LIVES], ["not listed in survivors.toml, 1 times"]),
        ([], [LIVES], ["listed, but it does not survive any more, 1 times"]),
        ([LIVES], [Survivor(*LIVES.key, why=" ")], ["listed without a reason"]),
    ],
)
def test_the_list_is_kept(survived: list[Survivor], listed: list[Survivor], said: list[str]) -> None:
    """A survivor without its line, a line without its survivor, a line without a reason."""
    assert [line.partition(":\n")[0] for line in problems(survived, listed, ["observation/rules/window.py"])] == said


def test_a_module_that_was_not_tried_says_nothing_of_its_list() -> None:
    """`make mutants ONLY=guard` is for whoever writes a test."""
    assert problems([], [LIVES], ["session/guard.py"]) == []


def test_what_is_named_is_there() -> None:
    """A renamed module would not be tried, a renamed test would be missed at night only."""
    assert [name for name in MODULES if not (SOURCES / name).is_file()] == []
    tests = {test for rules in MODULES.values() for test in rules.tests}
    assert [test for test in tests if not (ROOT / "tests" / test).is_file()] == []
    assert LISTED.is_file()
