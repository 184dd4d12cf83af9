"""What became of the acknowledged writes: by the product, and by the database behind it for what the product does not give whole.

The product gives a few thousand rows an answer; a ledger of some hours has more.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pam_rollback.core.database_link import DatabaseLink
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.ledger_verdict import FinalReading, LedgerVerdict, judge
from pam_rollback.observation.ledger import Ledger


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
    reading = ledger.final_reading()
    writes = ledger.record.writes
    if reading.unread and "database" in environment.abilities:
        try:
            return _judged_with_database(ledger, reading, environment, link(), moments_s)
        except MeasurementFailed as blind:
            reasons = {kind: f"{why}; nor does the database tell: {blind}" for kind, why in reading.unread.items()}
            reading = replace(reading, unread=reasons)
    return judge(writes, reading, moments_s=moments_s)


def _judged_with_database(
    ledger: Ledger, reading: FinalReading, environment: Environment, link: DatabaseLink, moments_s: Sequence[float]
) -> LedgerVerdict:
    # The driver is loaded only where it is used: it takes a quarter of a second.
    from pam_rollback.adapters.ledger_rows import judge_with_database  # noqa: PLC0415 - as above
    from pam_rollback.adapters.postgres import Patience, open_snapshot  # noqa: PLC0415 - as above

    link.confirm_good("the ledger's rows")
    patience = Patience(environment.sql.statement_timeout_s, environment.sql.lock_timeout_s)
    with open_snapshot(environment.secret("database_dsn"), patience) as snapshot:
        return judge_with_database(ledger.record.writes, reading, snapshot, ledger.marker_prefix, moments_s=moments_s)
