"""The ledger's rows, straight out of the database.

The product gives back a few thousand rows an answer; a ledger of some hours has more. Read by one query for each kind on
a READ ONLY snapshot. A row that stands under another user is there for the database, and gone for whoever wrote it: those
are asked for by themselves.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.integrity.row_counting import Statements, Unavailable, account_id
from pam_rollback.ledger.ledger_verdict import FinalReading, Found, LedgerVerdict, judge
from pam_rollback.ledger.ledger_writes import Write, WriteKind
from pam_rollback.outside.postgres import Snapshot


@dataclass(frozen=True)
class _Kind:
    """Where the writes of a kind stand. ``marker`` and ``value`` are the same that the product's answer is turned into."""

    table: str
    marker: str
    value: str
    where: str
    is_anothers: str
    tables: tuple[str, ...]


# See ledger/ledger_reading.py for what the product's answer is turned into.
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
    for block in snapshot.streamed(query, {"prefix": marker_prefix}):
        yield from (Found(kind, marker, value) for marker, value in block)


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
