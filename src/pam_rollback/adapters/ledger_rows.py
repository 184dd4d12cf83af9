"""The ledger's rows, straight out of the database.

The product gives back a few thousand rows an answer; a ledger of some hours has more. Read by one query for each kind on
a READ ONLY snapshot, and streamed: no more than a few rows are held at a time.
"""

from collections.abc import Iterator, Sequence

from pam_rollback.adapters.postgres import Snapshot
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.ledger_verdict import Audit, FinalReading, LedgerVerdict, Rows
from pam_rollback.core.ledger_writes import KINDS, WriteKind, Writes

# The same value that the product's answer is turned into (observation/ledger_reading.py).
_EXPENSES = """
SELECT description, round(amount::numeric, 2) || ' ' || category FROM expenses WHERE starts_with(description, %(prefix)s)
"""
_MESSAGES = """
SELECT split_part(content, ':', 1), content FROM pam_messages WHERE role = 'user' AND starts_with(content, %(prefix)s)
"""
_WHERE = {WriteKind.EXPENSE: ("expenses", _EXPENSES), WriteKind.CHAT: ("pam_messages", _MESSAGES)}


def judge_with_database(
    writes: Writes,
    reading: FinalReading,
    snapshot: Snapshot,
    marker_prefix: str,
    *,
    moments_s: Sequence[float] = (),
    hole_max_s: float = 2.0,
    cut_s: float | None = None,
) -> LedgerVerdict:
    """Judge as ``core.ledger_verdict.judge`` does, with the database for the kinds that the product did not give whole.

    ``snapshot`` has to be opened after the last write. Raises MeasurementFailed as ``ledger_rows`` does: what nobody
    could read is not taken for kept.
    """
    audit = Audit(writes)
    from_database = [kind for kind in KINDS if kind in reading.unread and kind in _WHERE]
    for kind in KINDS:
        if kind in from_database:
            audit.see(kind, ledger_rows(snapshot, kind, marker_prefix))
        else:
            audit.see(kind, [reading.rows_of(kind)])
    return audit.verdict(
        read_from_s=reading.started_s,
        unread={kind: why for kind, why in reading.unread.items() if kind not in from_database},
        moments_s=moments_s,
        hole_max_s=hole_max_s,
        cut_s=cut_s,
    )


def ledger_rows(snapshot: Snapshot, kind: WriteKind, marker_prefix: str) -> Iterator[Rows]:
    """Give every row of this kind whose marker begins so, in blocks, as ``core.ledger_verdict.Audit`` takes them.

    Raises MeasurementFailed when the table is missing, when the role does not see all of its rows, for a kind that is
    not read this way (settings are one row: ask the product), and when the database breaks off.
    """
    if kind not in _WHERE:
        raise MeasurementFailed(f"the ledger's writes of kind {kind} are not read out of the database")
    table, query = _WHERE[kind]
    (relation,) = snapshot.relations([("", table)])
    if relation is None:
        raise MeasurementFailed(
            f"there is no table {table} at {snapshot.where}: the ledger's rows cannot be read there"
        )
    snapshot.refuse_blindness([relation])
    for block in snapshot.streamed(query, {"prefix": marker_prefix}):
        yield [marker for marker, _ in block], [value for _, value in block]
