"""What the database holds: every invariant on one snapshot, the rows, the schema and the test account's contents of before and now."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import allure
import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.database import ACCOUNT_FILE, CATALOGUE_FILE, ROWS_FILE
from pam_rollback.database.account_contents import ROWS_MAX, RecordedContents, changed, recorded
from pam_rollback.database.catalogue import Catalogue
from pam_rollback.database.database_link import DatabaseLink, judged_link
from pam_rollback.database.held_data import HeldData
from pam_rollback.database.row_access import Strangers, reach
from pam_rollback.database.row_counts import RowLoss, TableCounts, lost
from pam_rollback.database.row_rewriting import RowMoves, RowRewriting, moves, rewriting
from pam_rollback.database.schema_changes import Changes, SchemaComparison, access_changes, compare
from pam_rollback.database.snapshots import counted, damaged_ids, on_snapshot, query_parameters
from pam_rollback.http.client import fetch
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import CorruptionLimit
from pam_rollback.plugin.baseline_files import Recorded, stored_model
from pam_rollback.plugin.earlier_run import evidence_folder
from pam_rollback.plugin.fixtures import UNPROVEN_BY
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS, situation_of
from pam_rollback.plugin.sql_files import invariant_of, invariants_of, why_not_asked
from pam_rollback.probe.held_window import HeldWindow
from pam_rollback.rollback.running_migrations import running_migrations
from pam_rollback.target.conditions import Nowhere, value_at
from pam_rollback.target.environment import Environment
from pam_rollback.target.invariants import Invariant, InvariantResult, as_csv
from pam_rollback.target.pam_api import Account
from pam_rollback.target.settings_loss import settings_in


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
def rows_before(environment: Environment, runbook: Runbook, evidence: Path) -> TableCounts | None:
    """In a drill: counted before the incident is planted. With ``--baseline FILE``: stored beside it. Else None.

    A real rollback is not delayed by counting.
    """
    before = stored_model(runbook, ROWS_FILE, TableCounts)
    if before is not None or not runbook.records_before:
        return before
    counts = on_snapshot(environment, lambda snapshot: counted(environment, snapshot))
    (evidence / ROWS_FILE).write_text(counts.model_dump_json() + "\n", encoding="utf-8")
    return counts


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
        before = stored_model(runbook, CATALOGUE_FILE, Catalogue)
        if before is not None or not runbook.records_before:
            return before
        folder, catalogue = evidence_folder(runbook, situation), _read_catalogue(environment)
    except MeasurementFailed as failed:
        return failed
    text = catalogue.model_dump_json(exclude_defaults=True) + "\n"
    (folder / CATALOGUE_FILE).write_text(text, encoding="utf-8")
    return catalogue


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
    found = invariants_of(pytestconfig.rootpath, environment)
    critical = [invariant for invariant in found if invariant.severity == "critical"]
    left_out = {one.id: why for one in critical if (why := why_not_asked(one, environment))}
    asked = [one for one in critical if one.id not in left_out]
    results, unknown = evaluated(asked, environment, plan, runbook)
    held = HeldData(tuple(results.values()), unknown, after_s, left_out)
    database_link.refuse_other()
    if not held.damaged:
        database_link.confirm_good(held)
    return held


_LISTS = ("history", "expenses")


_ONE_OF = ("profile", "settings")


def read_contents(environment: Environment, account: Account) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """What there is by the contract, and why the rest was not read."""
    given, unread = dict[str, list[dict[str, Any]]](), dict[str, str]()
    for name in (*_LISTS, *_ONE_OF):
        operation, url = environment.contract.operation(name), environment.url_of(name, user_id=account.user_id)
        if not url:
            continue
        if name in _LISTS:
            url += f"{'&' if '?' in url else '?'}limit={ROWS_MAX}"
        headers = {**account.headers, **environment.headers_of(name)}
        answer = fetch(url, headers=headers, deadline_s=environment.probing.request_deadline_s)
        try:
            found = value_at(answer.json, operation.items)
        except Nowhere:
            found = None
        found = settings_in(found) if name == "settings" else found
        rows = [found] if isinstance(found, dict) else found
        if answer.http_status == HTTPStatus.OK and isinstance(rows, list):
            given[name] = [row for row in rows if isinstance(row, dict)]
        else:
            # Its content is a person's own.
            unread[name] = answer.problem or f"HTTP {answer.http_status} {answer.content_type}"
    return given, unread


@pytest.fixture(scope="session")
def contents_recorded(environment: Environment, account: Account, evidence: Path, clock: Clock) -> Recorded:
    """Fingerprints of its rows and of their fields. Raises MeasurementFailed when nothing of it can be read."""
    taken_at = clock.wall()
    given, unread = read_contents(environment, account)
    if not given:
        raise MeasurementFailed(
            "; ".join(f"{name}: {why}" for name, why in unread.items()) or "the contract names none"
        )
    contents = recorded(given, taken_at=taken_at, salt=secrets.token_hex(8))
    (evidence / ACCOUNT_FILE).write_text(contents.model_dump_json() + "\n", encoding="utf-8")
    return Recorded(files={ACCOUNT_FILE: sum(map(len, contents.rows.values()))})


def _in_a_story(item: pytest.Item, _: Environment) -> str:
    as_is = situation_of(item) == AS_IS
    return "" if as_is else "a drill follows what the account writes by its ledger, and its settings by themselves"


@pytest.fixture(scope="session")
@titled("What the test account is shown is held against the baseline")
@needs("test_account", baseline=ACCOUNT_FILE, lacking=_in_a_story)
def contents_change(environment: Environment, account: Account, runbook: Runbook) -> Measured:
    """What is not as it was. Raises MeasurementFailed when nothing was recorded."""
    before = stored_model(runbook, ACCOUNT_FILE, RecordedContents)
    if before is None:
        raise MeasurementFailed("what the test account was shown before was not recorded: give --baseline FILE")
    operations = environment.contract.operations.items()
    cleared = {str(name) for name, one in operations if one.written and one.written.method == "DELETE"}

    given, unread = read_contents(environment, account)
    return changed(before, given, unread, user_id=account.user_id, cleared=cleared)
