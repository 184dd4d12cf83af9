"""What became of the acknowledged writes: by the product, and by the database behind it for what the product does not give whole.

The product gives a few thousand rows an answer; a ledger of some hours has more.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.integrity.database_link import DatabaseLink
from pam_rollback.ledger.ledger import Ledger
from pam_rollback.ledger.ledger_verdict import FinalReading, LedgerVerdict, judge
from pam_rollback.ledger.ledger_writes import WriteKind

if TYPE_CHECKING:
    from pam_rollback.outside.postgres import Snapshot


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
    from pam_rollback.ledger.ledger_rows import moved_rows  # noqa: PLC0415 - as below

    with _snapshot(environment, link) as snapshot:
        email = environment.secret("test_user_email")
        return moved_rows(snapshot, ledger.marker_prefix, email=email, names=environment.table_names)


def _judged_with_database(
    ledger: Ledger, reading: FinalReading, environment: Environment, link: DatabaseLink, moments_s: Sequence[float]
) -> LedgerVerdict:
    from pam_rollback.ledger.ledger_rows import judge_with_database  # noqa: PLC0415 - as below

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
    from pam_rollback.outside.postgres import Patience, open_snapshot  # noqa: PLC0415 - as above

    link.confirm_good("the ledger's rows")
    patience = Patience(environment.sql.statement_timeout_s, environment.sql.lock_timeout_s)
    return open_snapshot(environment.secret("database_dsn"), patience)
