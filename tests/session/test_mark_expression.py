"""What ``-m`` says is understood as pytest itself understands it."""

import pytest
from _pytest.mark import MarkMatcher
from _pytest.mark.expression import Expression
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.session.mark_expression import MarkExpression

NAMES = ("health", "journey", "post_rollback", "criterion")
TEST = (pytest.mark.health.mark, pytest.mark.criterion("SC-1", weight=2).mark)
WORDS = st.recursive(
    st.sampled_from(
        [*NAMES, "criterion(weight=2)", "criterion(weight=3)", "criterion(other=True)", 'health(name="a")']
    ),
    lambda inner: st.one_of(
        inner.map("not {}".format),
        inner.map("({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
    ),
    max_leaves=8,
)


@given(WORDS)
def test_it_selects_what_pytest_selects(expression: str) -> None:
    """Any depth of brackets, with keywords of markers."""
    theirs = Expression.compile(expression).evaluate(MarkMatcher.from_markers(TEST))

    assert MarkExpression(expression).selects(TEST) is theirs


@given(WORDS, st.sets(st.sampled_from(NAMES)))
def test_what_is_selected_can_hold(expression: str, names: set[str]) -> None:
    """For each test whose markers are among these names, whatever their keywords."""
    asked = MarkExpression(expression)
    own = [mark for mark in TEST if mark.name in names]

    assert asked.can_hold(names) or not asked.selects(own)
    assert asked.can_hold(NAMES) or not asked.selects(TEST)


@pytest.mark.parametrize("expression", ["journey", "health and journey", "not (health or not journey)", "journey(a=1)"])
def test_what_names_another_marker_cannot_hold(expression: str) -> None:
    """Nor can it where nothing is there; what only leaves out can."""
    assert not MarkExpression(expression).can_hold({"health", "criterion"})
    assert MarkExpression(expression).can_hold({"health", "journey"}) or expression.startswith("not")
    assert MarkExpression("not health").can_hold({"health"})


@pytest.mark.parametrize("expression", ["", "  "])
def test_nothing_selects_nothing(expression: str) -> None:
    """As with pytest, for whom an empty expression is no selection at all."""
    assert not MarkExpression(expression).selects(TEST)
    assert not Expression.compile(expression).evaluate(MarkMatcher.from_markers(TEST))


@pytest.mark.parametrize(
    "expression", ["health and (", "health journey", "not", "health and or journey", "criterion('SC-1')", "health == 1"]
)
def test_what_pytest_refuses_is_refused(expression: str) -> None:
    """And never taken for a selection."""
    with pytest.raises(SyntaxError):
        MarkExpression(expression)
    with pytest.raises(SyntaxError):
        Expression.compile(expression)


@pytest.mark.parametrize(
    "expression", ["health if journey else criterion", "health + journey", "criterion(1, weight=2)"]
)
def test_python_is_not_the_language(expression: str) -> None:
    """It is only read like it."""
    with pytest.raises(SyntaxError, match="expected markers with and, or, not and brackets"):
        MarkExpression(expression)
