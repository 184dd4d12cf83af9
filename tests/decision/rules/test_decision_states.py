"""Memory and data held against the decision: what is met, what lies between, and what nobody can say."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pam_rollback.database.row_counts import TableCount, TableCounts, lost
from pam_rollback.database.row_rewriting import RowMoves, RowRewriting, TableRewriting
from pam_rollback.database.schema_changes import Changes, SchemaComparison
from pam_rollback.decision.decision import State
from pam_rollback.decision.decision_states import judged_data, judged_loss, judged_memory, judged_rewriting
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe.memory import MemoryGrowth, MemoryReading
from pam_rollback.target.invariants import InvariantResult

GAPS = load_plan(Path(__file__).resolve().parents[3] / "plan.toml").decision.gaps
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def growing(first_mb: float, mb_per_s: float, *, every_s: float = 0.5) -> MemoryGrowth:
    """Twelve readings, towards the plan's 200 MB, a quarter of an hour ahead."""
    moments = [every_s * step for step in range(12)]
    readings = tuple(MemoryReading(at_s=100 + at_s, mb=first_mb + mb_per_s * at_s) for at_s in moments)
    return MemoryGrowth(readings, alarm_mb=200, horizon_s=900)


@pytest.mark.parametrize(
    ("first_mb", "mb_per_s", "state"),
    [
        (230, 1.0, State.HOLDS),
        (201, 0.2, State.HOLDS),
        (199, 1.0, State.HOLDS),
        (260, 0.0, State.CONSIDER),
        (260, -1.0, State.CONSIDER),
        (73, 0.5, State.WATCH),
        (150, 0.0, State.WATCH),
        (200, 0.0, State.WATCH),
        (73, 0.0, State.CLEAR),
        (99.9, -0.1, State.CLEAR),
    ],
)
def test_memory_is_a_leak_above_the_level_and_growing(first_mb: float, mb_per_s: float, state: State) -> None:
    """High and flat is no leak, low and growing fast is one on its way; the newest reading counts."""
    judged = judged_memory(growing(first_mb, mb_per_s), low_below_mb=100, gaps=GAPS)

    assert judged.finding.state is state, judged
    assert (judged.mb > judged.mb_max and judged.mb_per_min > judged.noise_mb_per_min) is (state is State.HOLDS)
    assert judged.measured.n == 12


def test_memory_at_a_limit_and_how_far_it_is_from_the_level() -> None:
    """Below 100 MB is clear, 100 MB is between; growth that the scatter hides is none, above the level, too."""
    for first_mb, state in ((100.0, State.WATCH), (99.9, State.CLEAR)):
        assert judged_memory(growing(first_mb, 0), low_below_mb=100, gaps=GAPS).finding.state is state
    assert judged_memory(growing(150, 0), low_below_mb=100, gaps=GAPS).measured.margin == 50


@pytest.mark.parametrize(("mb_per_min", "state"), [(0.0, State.CONSIDER), (0.4, State.CONSIDER), (0.8, State.HOLDS)])
def test_a_warm_process_above_the_level_is_no_leak(mb_per_min: float, state: State) -> None:
    """The real product rests at 400 MB and takes up to 0.4 MB a minute: its readings scatter so little that this is seen."""
    judged = judged_memory(growing(401, mb_per_min / 60, every_s=60), low_below_mb=100, gaps=GAPS)

    assert judged.finding.state is state, judged


def test_memory_that_scatters_is_not_known() -> None:
    """Readings that jump by 40 MB exclude no growth that matters."""
    readings = tuple(MemoryReading(at_s=100 + step / 2, mb=80 + 40 * (step % 2)) for step in range(12))
    judged = judged_memory(MemoryGrowth(readings, 200, 900), low_below_mb=100, gaps=GAPS)

    assert judged.finding.state is State.UNKNOWN
    assert "scatter" in judged.finding.words


def result(name: str, offenders: int = 0, looked_at: int = 100) -> InvariantResult:
    """One invariant."""
    worst = tuple(f"row-{number}" for number in range(offenders))
    return InvariantResult(name, "every row is whole", looked_at, offenders, worst)


def of_data(
    users: Mapping[str, InvariantResult],
    schema: Mapping[str, InvariantResult] | None = None,
    unknown: Mapping[str, str] | None = None,
) -> tuple[State, str]:
    """Judge by the plan's tolerance of no row at all."""
    judged = judged_data(users, schema or {}, unknown or {}, affected_max=0, gaps=GAPS)
    assert (judged.affected > judged.affected_max) is (judged.finding.state is State.HOLDS)
    return judged.finding.state, str(judged)


def test_one_damaged_row_is_enough() -> None:
    """Also where other invariants could not be evaluated: evidence stands."""
    state, words = of_data({"a": result("a"), "b": result("b", 1)}, unknown={"c": "no such table"})

    assert state is State.HOLDS
    assert words == "1 damaged rows by 2 invariants: b: 1 of 100 rows (row-0); expected: every row is whole"


def test_three_invariants_are_named_and_the_others_counted() -> None:
    """The figures have the rows of the largest table, and how far beyond the tolerance it is."""

    def broken(n: int) -> dict[str, InvariantResult]:
        return {name: result(name, 1, looked_at=10 * (place + 1)) for place, name in enumerate("abcd"[:n])}

    judged = judged_data(broken(4), {}, {}, affected_max=1, gaps=GAPS)
    assert judged.finding.words.endswith("c: 1 of 30 rows (row-0); expected: every row is whole and 1 more")
    assert "more" not in of_data(broken(3))[1]
    assert (judged.measured.value, judged.measured.n, judged.measured.margin) == (4, 40, -3)
    assert judged_data({}, {}, {}, affected_max=0, gaps=GAPS).measured.n == 0
    left = judged_data(
        {"a": result("a")}, {}, {}, affected_max=0, gaps=GAPS, left_out={"DI-3": "no baseline", "DI-4": "off"}
    )
    assert left.finding.state is State.CLEAR
    assert left.finding.words == "0 damaged rows by 1 invariants; left out: DI-3: no baseline; left out: DI-4: off"


@pytest.mark.parametrize(
    ("users", "unknown", "why"),
    [
        ({}, {}, "no invariant was evaluated"),
        ({"a": result("a")}, {"b": "permission denied"}, "b: permission denied"),
        ({"a": result("a", looked_at=0)}, {}, "no rows at all"),
    ],
    ids=["nothing", "one that could not be asked", "an empty table"],
)
def test_data_that_nobody_saw_is_not_known(
    users: Mapping[str, InvariantResult], unknown: Mapping[str, str], why: str
) -> None:
    """Never clear."""
    state, words = of_data(users, unknown=unknown)

    assert state is State.UNKNOWN
    assert why in words


def test_rules_that_are_damaged_are_between_the_criteria() -> None:
    """A constraint is gone, no row is known to be: consider. With a damaged row it is met all the same."""
    state, words = of_data({"a": result("a")}, {"s": result("s", 1)})

    assert state is State.CONSIDER
    assert "the database's own rules are damaged" in words
    assert of_data({"a": result("a", 2)}, {"s": result("s", 1)})[0] is State.HOLDS
    assert of_data({"a": result("a")}, {"s": result("s")})[0] is State.CLEAR


def compared(how: str = "", *, taken_back: tuple[str, ...] = ()) -> SchemaComparison:
    """A schema of ten objects, of which one changed in this way."""

    def part(name: str) -> Changes:
        found = ("policy p of expenses",) if name == how else ()
        said = {"good": f"nothing of the schema {name}", "bad": f"something of the schema {name}"}
        return Changes(
            found, 10, MOMENT, "objects", "objects", **said, nothing="schema", added=0, taken_back=taken_back
        )

    return SchemaComparison(part("was lost"), part("is weaker"), part("is more open"))


@pytest.mark.parametrize(
    ("schema", "state", "words"),
    [
        (compared(), State.CLEAR, "0 damaged rows"),
        (compared("was lost"), State.CONSIDER, "something of the schema was lost: policy p of expenses"),
        (compared("is weaker"), State.CONSIDER, "something of the schema is weaker"),
        (compared("is more open"), State.CONSIDER, "something of the schema is more open"),
        (compared("was lost", taken_back=("7",)), State.UNKNOWN, "not applied any more (7)"),
    ],
    ids=["as it was", "lost", "weaker", "more open", "with a migration that is gone"],
)
def test_a_schema_that_changed_since_the_baseline_is_between_the_criteria(
    schema: SchemaComparison, state: State, words: str
) -> None:
    """No invariant knows of a trigger that is gone: the baseline does. With a damaged row the criterion is met all the same."""
    found = judged_data({"a": result("a")}, {}, {}, affected_max=0, gaps=GAPS, schema=schema)

    assert found.finding.state is state
    assert words in found.finding.words
    damaged = judged_data({"a": result("a", 1)}, {}, {}, affected_max=0, gaps=GAPS, schema=schema)
    assert damaged.finding.state is State.HOLDS


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ({"expenses": (10, "1")}, {"expenses": (10, "1")}, State.CLEAR),
        ({"expenses": (10, "1")}, {"expenses": (9, "2")}, State.HOLDS),
        ({"expenses": (10, "1")}, {"expenses": (10, "2")}, State.HOLDS),
        ({"expenses": (0, "0")}, {"expenses": (0, "0")}, State.UNKNOWN),
        ({"a": (0, "0"), "expenses": (10, "1")}, {"a": (0, "0"), "expenses": (9, "2")}, State.HOLDS),
    ],
    ids=["all there", "one gone", "exchanged", "nothing before", "one gone beside nothing"],
)
def test_rows_that_are_gone_are_a_loss(
    before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]], state: State
) -> None:
    """Where there was nothing no loss can be seen, which is no all-clear."""

    def counts(tables: dict[str, tuple[int, str]]) -> TableCounts:
        return TableCounts(
            created_until=MOMENT,
            tables={name: TableCount(rows=rows, keys=keys) for name, (rows, keys) in tables.items()},
        )

    judged = judged_loss(lost(counts(before), counts(after)))

    assert judged.finding.state is state
    assert (judged.affected > judged.affected_max) is (state is State.HOLDS)


def rewriting(*, compared: int, groups: tuple[int, ...] = ()) -> RowRewriting:
    """A table of a hundred rows of before."""
    return RowRewriting((TableRewriting("expenses", 100, compared, groups),), "2026-11-25 12:00:00 UTC")


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (rewriting(compared=100), State.CLEAR),
        (rewriting(compared=100, groups=(7,)), State.HOLDS),
        (rewriting(compared=10, groups=(7,)), State.HOLDS),
        (rewriting(compared=10), State.UNKNOWN),
    ],
    ids=["as before", "one rewritten", "one rewritten, few compared", "few compared"],
)
def test_rows_that_say_something_else_are_corruption(found: RowRewriting, state: State) -> None:
    """One is enough; what could not be compared is not known, and never clear."""
    judged = judged_rewriting(found)

    assert judged.finding.state is state
    assert (judged.affected > judged.affected_max) is (state is State.HOLDS)
    assert judged.measured.unproven == "contents not compared with before: passwords"


def test_rows_of_another_owner_have_nothing_that_is_left_out_of_them() -> None:
    """Only contents can be left uncompared by their kind."""
    nobody = judged_rewriting(RowMoves((), "2026-11-25 12:00:00 UTC"))

    assert (nobody.finding.state, nobody.measured.unproven) == (State.UNKNOWN, "")
