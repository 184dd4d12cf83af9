"""The header of an SQL check is complete and strict, and what became of it can be read at 3 a.m."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.database.row_counts import TableCount, TableCounts, lost
from pam_rollback.plan.plan import load_plan
from pam_rollback.target.invariants import InvariantResult, parse_invariant

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "checks" / "integrity").glob("*.sql"))
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


def test_no_rows_are_no_proof() -> None:
    """An emptied table has no bad rows either."""
    assert not result(looked_at=0).holds
    assert "no rows at all in expenses, so nothing is proven" in str(result(looked_at=0))
    assert result(looked_at=0, may_be_empty=True).holds


def test_an_environment_may_allow_some() -> None:
    """Up to its figure, and not beyond."""
    assert result(offenders=2, offenders_max=2).holds
    assert not result(offenders=3, offenders_max=2).holds


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
