"""What the database holds: every invariant on one snapshot, the rows and the catalogue of before and now.

And what a baseline has of it, and what a rollback needs of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import allure
import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.database import CATALOGUE_FILE, ROWS_FILE
from pam_rollback.database.catalogue import Catalogue
from pam_rollback.database.database_link import DatabaseLink, judged_link
from pam_rollback.database.held_data import HeldData
from pam_rollback.database.row_access import Strangers, reach
from pam_rollback.database.row_counts import RowLoss, TableCounts, lost
from pam_rollback.database.row_rewriting import RowMoves, RowRewriting, moves, rewriting
from pam_rollback.database.schema_changes import Changes, SchemaComparison, access_changes, compare
from pam_rollback.database.snapshots import counted, damaged_ids, on_snapshot, query_parameters
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import CorruptionLimit
from pam_rollback.plugin.baseline_files import BaselinePart, Recorded, before
from pam_rollback.plugin.fixtures import UNPROVEN_BY
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.sql_files import critical_of, invariant_of
from pam_rollback.probe.held_window import HeldWindow
from pam_rollback.rollback.running_migrations import running_migrations
from pam_rollback.target.environment import Environment
from pam_rollback.target.invariants import Invariant, InvariantResult, as_csv
from pam_rollback.target.pam_api import Account

if TYPE_CHECKING:
    from pam_rollback.core.question import Call


@dataclass(frozen=True)
class Integrity:
    """What became of the invariants of this session, all of one snapshot."""

    results: Mapping[str, InvariantResult]
    unknown: Mapping[str, str]
    link: DatabaseLink

    def fact(self, identifier: str) -> InvariantResult:
        """One result. Raises MeasurementFailed when that invariant could not be evaluated, or not in the database behind the API."""
        if identifier in self.unknown:
            raise MeasurementFailed(self.unknown[identifier])
        self.link.refuse_other()
        result = self.results[identifier]
        if result.holds:
            self.link.confirm_good(result)
        return result


@pytest.fixture(scope="session")
@titled("A row is seen through the API and in the database")
@needs("database")
def database_link(
    environment: Environment, in_situation: object, sign_in: Callable[[], Account], pytestconfig: pytest.Config
) -> DatabaseLink:
    """Whether the database is the one behind the API, and no replica. What keeps us from knowing is a reason, not an exception."""
    found = judged_link(environment, sign_in)
    pytestconfig.stash.setdefault(UNPROVEN_BY, {})["database_link"] = found.unproven
    return found


@pytest.fixture(scope="session")
@titled("Every invariant is evaluated on one snapshot of the database")
def integrity(
    environment: Environment,
    plan: Plan,
    runbook: Runbook,
    database_link: DatabaseLink,
    in_situation: object,
    request: pytest.FixtureRequest,
) -> Integrity:
    """The selected checks of ``checks/integrity``. Raises MeasurementFailed when nothing can be known: no connection, a blind role."""
    selected = {found.id: found for item in request.session.items if (found := invariant_of(item)) is not None}
    return Integrity(*evaluated(list(selected.values()), environment, plan, runbook), database_link)


def evaluated(
    invariants: Sequence[Invariant], environment: Environment, plan: Plan, runbook: Runbook
) -> tuple[Mapping[str, InvariantResult], Mapping[str, str]]:
    """Ask the database about these, on one snapshot: what came of each, and why not. The table goes into the report."""
    # Loading the parser and the driver takes a quarter of a second, which sessions without this do not pay.
    from pam_rollback.database.integrity import evaluate  # noqa: PLC0415 - as above

    evaluation = on_snapshot(
        environment,
        lambda snapshot: evaluate(
            snapshot,
            invariants,
            given=query_parameters(environment, snapshot, runbook.saw_release, running_migrations),
            names=environment.table_names,
            settings=environment.contract.tables.settings,
            offenders_max=plan.the(CorruptionLimit).corrupted_records_max,
        ),
    )
    allure.attach(
        as_csv(evaluation.results.values(), {**evaluation.unknown, **_left_out(environment)}),
        name="integrity.csv",
        attachment_type=allure.attachment_type.CSV,
        extension="csv",
    )
    return evaluation.results, evaluation.unknown


def _left_out(environment: Environment) -> dict[str, str]:
    """What does not apply to this product, by its contract."""
    return {name: f"left out: {why}" for name, why in environment.contract.tables.left_out.items()}


@pytest.fixture(scope="session")
@titled("The rows of before are counted")
def rows_before(situation: str, environment: Environment, runbook: Runbook) -> TableCounts | None:
    """Counted before a drill's incident is planted, or as ``--baseline FILE`` has them."""

    def read() -> TableCounts:
        return on_snapshot(environment, lambda snapshot: counted(environment, snapshot))

    return before(runbook, situation, ROWS_FILE, TableCounts, read)


@pytest.fixture(scope="session")
@titled("The rows of before are looked for")
def rows_again(
    environment: Environment,
    rows_before: TableCounts | None,
    database_link: DatabaseLink,
    in_situation: object,
) -> TableCounts:
    """The same rows, counted again. Raises MeasurementFailed when nothing was counted before, or not in the database behind the API."""
    if rows_before is None:
        raise MeasurementFailed("no rows were counted before, so a loss cannot be seen: give --baseline FILE")
    after = on_snapshot(environment, lambda snapshot: counted(environment, snapshot, before=rows_before))
    database_link.refuse_other()
    return after


@pytest.fixture(scope="session")
@needs(baseline=ROWS_FILE)
def row_loss(plan: Plan, rows_before: TableCounts, rows_again: TableCounts, database_link: DatabaseLink) -> RowLoss:
    """Which of the rows of before are gone, or others in their place."""
    found = lost(rows_before, rows_again, lost_rows_max=plan.the(CorruptionLimit).corrupted_records_max)
    if found.holds:
        database_link.confirm_good(found)
    return found


@pytest.fixture(scope="session")
@needs(baseline=ROWS_FILE)
def row_rewriting(
    environment: Environment, rows_before: TableCounts, rows_again: TableCounts, database_link: DatabaseLink
) -> RowRewriting:
    """Which of the rows of before have another content. Raises MeasurementFailed when too few of them can be compared."""
    found = rewriting(rows_before, rows_again)
    if not found.damaged_rows:
        database_link.confirm_good(found)
        return found
    return found.with_ids(damaged_ids(environment, found.found, rows_before))


@pytest.fixture(scope="session")
@needs(baseline=ROWS_FILE)
def row_moves(
    environment: Environment, rows_before: TableCounts, rows_again: TableCounts, database_link: DatabaseLink
) -> RowMoves:
    """Which of the rows of before belong to somebody else now. Raises MeasurementFailed when too few of them can be compared."""
    found = moves(rows_before, rows_again)
    if not found.damaged_rows:
        database_link.confirm_good(found)
        return found
    return found.with_ids(damaged_ids(environment, found.found, rows_before, moved=found.shifts))


_MIGRATIONS = "schema_migrations"


@pytest.fixture(scope="session")
def recorded_catalogue(
    situation: str, environment: Environment, runbook: Runbook
) -> Catalogue | MeasurementFailed | None:
    """As ``catalogue_before``, or why that is not known, for what counts without it."""
    try:
        return before(runbook, situation, CATALOGUE_FILE, Catalogue, lambda: _read_catalogue(environment))
    except MeasurementFailed as failed:
        return failed


@pytest.fixture(scope="session")
@titled("The catalogue of the database is recorded")
def catalogue_before(recorded_catalogue: Catalogue | MeasurementFailed | None) -> Catalogue:
    """In a drill: read before the incident is planted. With ``--baseline FILE``: stored beside it.

    Raises MeasurementFailed where it could not be read, and where nothing was recorded.
    """
    if isinstance(recorded_catalogue, MeasurementFailed):
        raise recorded_catalogue
    if recorded_catalogue is None:
        raise MeasurementFailed("no catalogue was recorded before, so no change can be seen: give --baseline FILE")
    return recorded_catalogue


@pytest.fixture(scope="session")
def found_catalogue(environment: Environment, in_situation: object) -> Catalogue | MeasurementFailed:
    """As ``catalogue``, or why it cannot be read, for what counts without it."""
    try:
        return _read_catalogue(environment)
    except MeasurementFailed as failed:
        return failed


@pytest.fixture(scope="session")
@titled("The catalogue of the database is read")
@needs("database")
def catalogue(found_catalogue: Catalogue | MeasurementFailed) -> Catalogue:
    """As it is now. Raises MeasurementFailed when it cannot be read."""
    if isinstance(found_catalogue, MeasurementFailed):
        raise found_catalogue
    return found_catalogue


def _read_catalogue(environment: Environment) -> Catalogue:
    from pam_rollback.database.catalogue_reader import read_catalogue  # noqa: PLC0415 - as above

    names, schemas = environment.table_names, environment.contract.tables.schemas
    migrations = names.get(_MIGRATIONS, _MIGRATIONS)
    return on_snapshot(
        environment,
        lambda snapshot: read_catalogue(snapshot, schemas, environment.users_rows, names, migrations=migrations),
    )


@pytest.fixture(scope="session")
def product_reach(catalogue: Catalogue, database_link: DatabaseLink) -> Measured:
    """What the product needs in order to reach its rows. Raises MeasurementFailed where its tables are not known."""
    found = reach(catalogue)
    if found.value == 0:
        database_link.confirm_good(found)
    return found


@pytest.fixture(scope="session")
@titled("The policies are tried as a stranger")
def shown_to_strangers(environment: Environment, catalogue: Catalogue, database_link: DatabaseLink) -> Strangers:
    """What the policies show somebody who owns nothing."""
    from pam_rollback.database.row_access_reader import strangers  # noqa: PLC0415 - only where it is used: it takes a quarter of a second

    found = on_snapshot(
        environment,
        lambda snapshot: strangers(snapshot, catalogue, environment.users_rows, environment.table_names),
    )
    if not found.open_tables:
        database_link.confirm_good(found)
    return found


@pytest.fixture(scope="session")
@needs(baseline=CATALOGUE_FILE)
def changed_access(catalogue_before: Catalogue, catalogue: Catalogue, database_link: DatabaseLink) -> Changes:
    """What of who may reach which rows is not as it was. Raises MeasurementFailed when nothing was recorded before."""
    found = access_changes(catalogue_before, catalogue)
    if not found.differences:
        database_link.confirm_good(found)
    return found


@pytest.fixture(scope="session")
def rows_recorded(rows_before: TableCounts) -> Recorded:
    """How many rows there are, and what identifies them."""
    return Recorded(files={ROWS_FILE: sum(table.rows for table in rows_before.tables.values())})


@pytest.fixture(scope="session")
def catalogue_recorded(catalogue_before: Catalogue) -> Recorded:
    """Tables, columns, constraints, triggers and functions, and who may reach which rows."""
    return Recorded(files={CATALOGUE_FILE: catalogue_before.count})


@pytest.fixture(scope="session")
def access_recorded(catalogue_before: Catalogue) -> Recorded:
    """Who may reach which rows stands in the catalogue. Raises MeasurementFailed where it does not say which tables are users'."""
    _ = catalogue_before.users_access
    return Recorded()


@pytest.fixture(scope="session")
def open_tables_recorded(shown_to_strangers: Strangers) -> Recorded:
    """Tables that show strangers rows of others."""
    return Recorded(found=shown_to_strangers.findings)


@pytest.fixture(scope="session")
def schema_compared(
    recorded_catalogue: Catalogue | MeasurementFailed | None,
    found_catalogue: Catalogue | MeasurementFailed,
    database_link: DatabaseLink,
) -> SchemaComparison | MeasurementFailed | None:
    """As ``schema_comparison``, or why that is not known, for what counts without it. None: nothing was recorded before."""
    if not isinstance(recorded_catalogue, Catalogue):
        return recorded_catalogue
    if isinstance(found_catalogue, MeasurementFailed):
        return found_catalogue
    found = compare(recorded_catalogue, found_catalogue)
    try:
        for one in (found.lost, found.weaker, found.opened):
            if not one.changes:
                database_link.confirm_good(one)
    except MeasurementFailed as failed:
        return failed
    return found


@pytest.fixture(scope="session")
@titled("The schema is compared with the one of before")
@needs(baseline=CATALOGUE_FILE)
def schema_comparison(
    catalogue_before: Catalogue, schema_compared: SchemaComparison | MeasurementFailed | None
) -> SchemaComparison:
    """What of it was lost, is weaker, or is more open. Raises MeasurementFailed when nothing was recorded before."""
    if not isinstance(schema_compared, SchemaComparison):
        raise schema_compared or MeasurementFailed("no schema was recorded before")
    return schema_compared


@pytest.fixture(scope="session")
@titled("Every invariant is evaluated once more when the window is over")
@needs("database")
def held_data(
    held_window: HeldWindow,
    good_since_s: float,
    clock: Clock,
    environment: Environment,
    plan: Plan,
    runbook: Runbook,
    database_link: DatabaseLink,
    pytestconfig: pytest.Config,
) -> HeldData:
    """SC-4: every file of ``checks/integrity`` that is not advisory. Raises MeasurementFailed when it is another database."""
    held_window.wait_for_its_end()
    after_s = clock.monotonic_s() - good_since_s
    asked, left_out = critical_of(pytestconfig.rootpath, environment)
    results, unknown = evaluated(asked, environment, plan, runbook)
    held = HeldData(tuple(results.values()), unknown, after_s, left_out)
    database_link.refuse_other()
    if not held.damaged:
        database_link.confirm_good(held)
    return held


_READER = "a role that may read all of it, and its DSN ([secrets] database_dsn_env)"
_DATABASE = ("database",)


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """Rows, who reaches them, objects of the schema; and the tables that are open to strangers."""
    return [
        BaselinePart("rows", "rows_recorded", _READER, _DATABASE, quick=True, file=ROWS_FILE, happened="were counted"),
        BaselinePart(
            "objects of the schema",
            "catalogue_recorded",
            "a role that may connect: it reads the catalogue alone",
            _DATABASE,
            quick=True,
            file=CATALOGUE_FILE,
        ),
        BaselinePart("policies and privileges", "access_recorded", _READER, _DATABASE, quick=True),
        BaselinePart("open tables", "open_tables_recorded", _READER, _DATABASE),
    ]


def pytest_pam_preflight(environment: Environment, plan: Plan) -> "list[Call]":
    """Whether the database would show what is compared, and from which copy of it lost rows could come back."""
    from pam_rollback.core.question import Question, one  # noqa: PLC0415 - for the phases that ask
    from pam_rollback.plan.plan_items import WriteLossLimit  # noqa: PLC0415 - the same

    text = "the database can be read, and no row is hidden from our role"
    copy = Question("lost rows could come back from a copy whose age is known", ("backup",))
    return [
        one(Question(text, ("backend", "full-system", "verification"), "database"), lambda: _rows_seen(environment)),
        one(copy, lambda: _copy_seen(environment, plan.the(WriteLossLimit).id)),
    ]


def _copy_seen(environment: Environment, item: str) -> str:
    from pam_rollback.database.rows_seen import copy_seen  # noqa: PLC0415 - as below

    if "staging_copy" in environment.abilities:
        return copy_seen(environment)
    raise MeasurementFailed(
        f"{environment.name} declares no copy of its database (staging_copy): ask who keeps the backups, and answer "
        f'--ack {item}="who: which copy, and how old"'
    )


def _rows_seen(environment: Environment) -> str:
    from pam_rollback.database.rows_seen import rows_seen  # noqa: PLC0415 - the driver takes long to load

    return rows_seen(environment)
