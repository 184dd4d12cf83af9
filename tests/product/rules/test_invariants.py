"""The header of an SQL check is complete and strict, and what became of it can be read at 3 a.m."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.integrity.row_counts import TableCount, TableCounts, lost
from pam_rollback.plan.plan import load_plan
from pam_rollback.product.invariants import InvariantResult, parse_invariant

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "checks" / "integrity").glob("*.sql"))
GOOD = """-- id: expenses-amount
-- criterion: DI-3, SC-4, POST-2
-- sentence: every expense has an amount
-- severity: critical
-- expectation: no rows; the largest first
-- dialect: both
-- tables: expenses
-- anchor: expenses-damaged

SELECT id
FROM expenses
WHERE amount IS NULL
"""
MOMENT = datetime(2026, 11, 25, 3, tzinfo=UTC)


def result(**changed: object) -> InvariantResult:
    """Give a result that holds, but for what is changed."""
    values: dict[str, object] = {
        "id": "expenses-amount",
        "sentence": "every expense has an amount",
        "looked_at": 12_345,
        "offenders": 0,
        "worst": (),
        "tables": ("expenses",),
    }
    return InvariantResult(**{**values, **changed})  # type: ignore[arg-type]


def counts(until: datetime = MOMENT, **tables: tuple[int, str]) -> TableCounts:
    """Give counts by table: rows and keys."""
    return TableCounts(
        created_until=until,
        tables={name: TableCount(rows=rows, keys=keys) for name, (rows, keys) in tables.items()},
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_has_a_complete_header(path: Path) -> None:
    """And serves items that the plan has, always the success criterion and the checklist besides its own."""
    invariant = parse_invariant(path.read_text(encoding="utf-8"), source=path.name, stem=path.stem)

    assert {"SC-4", "POST-2"} <= set(invariant.criteria) <= set(load_plan(ROOT / "plan.toml").ids())


def test_a_header_is_read() -> None:
    """Every key becomes what it means; the query begins where it stands."""
    invariant = parse_invariant(GOOD, source="expenses-amount.sql", stem="expenses-amount")

    assert invariant.criteria == ("DI-3", "SC-4", "POST-2")
    assert (invariant.order, invariant.dialects) == ("the largest first", ("product", "plan"))
    assert (invariant.may_be_empty, invariant.first_line) == (False, 10)
    assert invariant.query.startswith("SELECT id\n")
    assert invariant.test_name == "test_expenses_amount"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id: expenses-amount", "id: expenses-sum", "line 1: expected the id 'expenses-amount' as the file is called"),
        ("-- id:", "-- idd:", "line 1: unknown key 'idd', did you mean 'id'?"),
        ("DI-3, ", "DI3, ", "line 2: expected plan ids such as DI-1, separated by commas, found 'DI3'"),
        ("every expense has an amount", "", "line 3: expected a sentence that is true of a healthy database, found ''"),
        ("critical", "crucial", "line 4: unknown value 'crucial', did you mean 'critical'?"),
        ("no rows;", "nothing;", "line 5: expected `no rows` or `no rows; which come first`, found 'nothing;"),
        ("both", "all", "line 6: unknown value 'all', valid are: both, plan, product"),
        ("tables: expenses", "tables: expenses, ", "line 7: expected names of tables such as expenses"),
        ("-- anchor: expenses-damaged\n", "", "line 8: expected a line `-- anchor: …` in the header, found none"),
        ("-- dialect:", "-- anchor: a\n-- dialect:", "line 9: expected 'anchor' once, found it on line 6 too"),
        ("-- tables:", "-- empty: maybe\n-- tables:", "line 7: unknown value 'maybe', valid are: allowed, refused"),
        ("-- severity", "-- a remark\n-- severity", "line 4: expected `-- key: value`, found '-- a remark'"),
    ],
)
def test_each_mistake_is_named_with_its_line(old: str, new: str, expected: str) -> None:
    """File, line, expected and found."""
    with pytest.raises(ConfigurationError) as caught:
        parse_invariant(GOOD.replace(old, new, 1), source="checks/x.sql", stem="expenses-amount")

    assert str(caught.value).startswith("checks/x.sql: ")
    assert expected in str(caught.value)


def test_all_mistakes_come_at_once() -> None:
    """Whoever repairs a file does it once."""
    with pytest.raises(ConfigurationError) as caught:
        parse_invariant("-- id: b\n-- severity: high\n", source="checks/a.sql", stem="a")

    assert [problem.place for problem in caught.value.problems] == ["line 1", "line 2", *["line 3"] * 6]


def test_a_failure_says_how_many_and_which() -> None:
    """Count, rows looked at, the worst by id, and what was expected."""
    found = result(offenders=3, worst=("17", "99", "203"), order="the largest first")

    assert not found.holds
    assert str(found) == (
        "expenses-amount: 3 of 12,345 rows (17, 99, 203, the largest first); expected: every expense has an amount"
    )
    assert (found.figures.measured, found.figures.n, found.figures.margin) == (3, 12_345, -3)


def test_no_rows_are_no_proof() -> None:
    """An emptied table has no bad rows either."""
    assert not result(looked_at=0).holds
    assert "no rows at all in expenses, so nothing is proven" in str(result(looked_at=0))
    assert result(looked_at=0, may_be_empty=True).holds


def test_an_environment_may_allow_some() -> None:
    """Up to its figure, and not beyond."""
    assert result(offenders=2, offenders_max=2).holds
    assert not result(offenders=3, offenders_max=2).holds


def test_the_same_rows_are_no_loss() -> None:
    """Same number, same keys."""
    loss = lost(counts(expenses=(10, "5")), counts(expenses=(10, "5")))

    assert loss.holds
    assert loss.figures.measured == 0


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ((8, "3"), "expenses: 2 rows lost"),
        ((0, "0"), "expenses: 10 rows lost"),
        ((10, "6"), "rows were exchanged for others"),
        ((11, "6"), "1 rows more than before that claim to be old"),
    ],
)
def test_each_kind_of_loss_is_seen(after: tuple[int, str], words: str) -> None:
    """Fewer rows, other rows of the same number, and additions that could hide a loss."""
    loss = lost(counts(expenses=(10, "5"), profiles=(3, "1")), counts(expenses=after, profiles=(3, "1")))

    assert not loss.holds
    assert words in str(loss)
    assert "profiles" not in str(loss)


def test_a_table_that_is_gone_has_lost_everything() -> None:
    """It is not left out of the comparison."""
    assert "expenses: 10 rows lost" in str(lost(counts(expenses=(10, "5")), counts()))


def test_nothing_counted_is_no_proof() -> None:
    """Neither no tables nor no rows."""
    assert not lost(counts(), counts()).holds
    assert not lost(counts(expenses=(0, "0")), counts(expenses=(0, "0"))).holds


def test_some_loss_may_be_allowed() -> None:
    """People delete their accounts; an environment says how many."""
    before, after = counts(expenses=(10, "5")), counts(expenses=(8, "3"))

    assert lost(before, after, lost_rows_max=2).holds
    assert not lost(before, after, lost_rows_max=1).holds


def test_counts_of_different_spans_are_refused() -> None:
    """They would differ without any loss."""
    with pytest.raises(ValueError, match="counts of different spans"):
        lost(counts(expenses=(10, "5")), counts(MOMENT + timedelta(seconds=1), expenses=(10, "5")))
