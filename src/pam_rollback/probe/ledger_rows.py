"""The ledger's rows, straight out of the database.

The product gives back a few thousand rows an answer; a ledger of some hours has more. Read by one query for each kind on
a READ ONLY snapshot. A row that stands under another user is there for the database, and gone for whoever wrote it: those
are asked for by themselves.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.database_link import DatabaseLink
from pam_rollback.database.relations import Statements
from pam_rollback.database.row_counting import Unavailable, account_id
from pam_rollback.http.postgres import Snapshot
from pam_rollback.probe.ledger import Ledger
from pam_rollback.probe.ledger_config import Write, WriteKind
from pam_rollback.probe.ledger_verdict import FinalReading, Found, LedgerVerdict, judge
from pam_rollback.target.environment import Environment


@dataclass(frozen=True)
class _Kind:
    """Where the writes of a kind stand. ``marker`` and ``value`` are the same that the product's answer is turned into."""

    table: str
    marker: str
    value: str
    where: str
    is_anothers: str
    tables: tuple[str, ...]


# See probe/ledger_reading.py for what the product's answer is turned into.
_WHERE = {
    WriteKind.EXPENSE: _Kind(
        table="expenses",
        marker="row.description",
        value="round(row.amount::numeric, 2) || ' ' || row.category",
        where="starts_with(row.description, %(prefix)s)",
        is_anothers="row.user_id IS DISTINCT FROM %(owner)s::uuid",
        tables=("expenses",),
    ),
    WriteKind.CHAT: _Kind(
        table="pam_messages",
        marker="split_part(row.content, ':', 1)",
        value="row.content",
        where="row.role = 'user' AND starts_with(row.content, %(prefix)s)",
        is_anothers="NOT EXISTS (SELECT 1 FROM pam_conversations AS own "
        "WHERE own.id = row.conversation_id AND own.user_id = %(owner)s::uuid)",
        tables=("pam_messages", "pam_conversations"),
    ),
}


def judge_with_database(
    writes: Iterable[Write],
    reading: FinalReading,
    snapshot: Snapshot,
    marker_prefix: str,
    *,
    email: str,
    names: Mapping[str, str] | None = None,
    moments_s: Sequence[float] = (),
) -> LedgerVerdict:
    """Judge as ``judge`` does, with the database for the kinds that the product did not give whole.

    ``snapshot`` has to be opened after the last write; ``email`` is the account that wrote, ``names`` are those of
    ``[sql.names]``. Raises MeasurementFailed as ``ledger_rows`` does: what nobody could read is not taken for kept.
    """
    asked = [kind for kind in reading.unread if kind in _WHERE]
    rows = [row for row in reading.rows if row.kind not in asked]
    rows += [row for kind in asked for row in ledger_rows(snapshot, kind, marker_prefix, names=names)]
    unread = {kind: why for kind, why in reading.unread.items() if kind not in asked}
    return judge(
        writes,
        replace(reading, rows=tuple(rows), unread=unread),
        moments_s=moments_s,
        moved=moved_rows(snapshot, marker_prefix, email=email, names=names),
    )


def ledger_rows(
    snapshot: Snapshot, kind: WriteKind, marker_prefix: str, *, names: Mapping[str, str] | None = None
) -> Iterator[Found]:
    """Give every row of this kind whose marker begins so.

    Raises MeasurementFailed when the table is missing, when the role does not see all of its rows, for a kind that is
    not read this way (settings are one row: ask the product), and when the database breaks off.
    """
    if kind not in _WHERE:
        raise MeasurementFailed(f"the ledger's writes of kind {kind} are not read out of the database")
    found = _WHERE[kind]
    query = _query(snapshot, found, f"{found.marker} AS marker, {found.value} AS value", found.where, names)
    yield from (Found(kind, marker, value) for marker, value in snapshot.rows(query, {"prefix": marker_prefix}))


def moved_rows(
    snapshot: Snapshot, marker_prefix: str, *, email: str, names: Mapping[str, str] | None = None
) -> dict[WriteKind, Collection[str]]:
    """The markers of the ledger's rows that stand under another user than the account of this address.

    Raises MeasurementFailed as ``ledger_rows`` does, and when nobody has the address: then everybody is somebody else.
    """
    owner = account_id(snapshot, email, names or {})
    if not isinstance(owner, str):
        why = owner.why if isinstance(owner, Unavailable) else "nobody has the test account's address"
        raise MeasurementFailed(f"whose the ledger's rows are cannot be told at {snapshot.where}: {why}")
    given = {"prefix": marker_prefix, "owner": owner}
    moved: dict[WriteKind, Collection[str]] = {}
    for kind, found in _WHERE.items():
        condition = f"{found.where} AND {found.is_anothers}"
        query = _query(snapshot, found, f"{found.marker} AS marker", condition, names)
        moved[kind] = [marker for (marker,) in snapshot.rows(query, given)]
    return moved


def _query(snapshot: Snapshot, kind: _Kind, what: str, where: str, names: Mapping[str, str] | None) -> str:
    try:
        statements = Statements.of(snapshot, kind.tables, names or {})
    except MeasurementFailed as error:
        raise MeasurementFailed(f"the ledger's rows cannot be read: {error}") from error
    snapshot.refuse_blindness(statements.relations.values())
    return statements.text(f"SELECT {what} FROM {kind.table} AS row WHERE {where}")  # noqa: S608 - constants


def judge_ledger(
    ledger: Ledger,
    environment: Environment,
    link: Callable[[], DatabaseLink],
    *,
    moments_s: Sequence[float],
) -> LedgerVerdict:
    """Stop the ledger, read everything back and judge it.

    ``link`` says whether the declared database is the one behind the API; it is asked only when the database is needed. What neither can
    tell stays unknown, with both reasons. Raises MeasurementFailed when nothing at all could be read.
    """
    ledger.check()
    reading = ledger.read_back()
    writes = ledger.record.writes
    if reading.unread and "database" in environment.abilities:
        try:
            return _judged_with_database(ledger, reading, environment, link(), moments_s)
        except MeasurementFailed as blind:
            reasons = {kind: f"{why}; nor does the database tell: {blind}" for kind, why in reading.unread.items()}
            reading = replace(reading, unread=reasons)
    ledger.refuse_nothing(reading)
    verdict = judge(writes, reading, moments_s=moments_s)
    if not verdict.lost or "database" not in environment.abilities:
        return verdict
    # What is gone for the account that wrote it may stand under another user: damage of another kind, and worse.
    with suppress(MeasurementFailed):  # lost it is all the same
        return judge(writes, reading, moments_s=moments_s, moved=_moved(ledger, environment, link()))
    return verdict


def _moved(ledger: Ledger, environment: Environment, link: DatabaseLink) -> Mapping[WriteKind, Collection[str]]:
    with _snapshot(environment, link) as snapshot:
        email = environment.secret("test_user_email")
        return moved_rows(snapshot, ledger.marker_prefix, email=email, names=environment.table_names)


def _judged_with_database(
    ledger: Ledger, reading: FinalReading, environment: Environment, link: DatabaseLink, moments_s: Sequence[float]
) -> LedgerVerdict:
    with _snapshot(environment, link) as snapshot:
        return judge_with_database(
            ledger.record.writes,
            reading,
            snapshot,
            ledger.marker_prefix,
            email=environment.secret("test_user_email"),
            names=environment.table_names,
            moments_s=moments_s,
        )


def _snapshot(environment: Environment, link: DatabaseLink) -> "AbstractContextManager[Snapshot]":
    """The database behind the API. Raises MeasurementFailed when that is not known of it."""
    # The driver is loaded only where it is used: it takes a quarter of a second.
    from pam_rollback.http.postgres import Patience, open_snapshot  # noqa: PLC0415 - as above

    link.confirm_good("the ledger's rows")
    patience = Patience(environment.sql.statement_timeout_s, environment.sql.lock_timeout_s)
    return open_snapshot(environment.secret("database_dsn"), patience)
