"""Counts the support tickets in the product's database. Reads numbers only: no ticket is looked at, and no person is named."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.postgres import Patience, open_snapshot
from pam_rollback.notify.tickets import GAP_D, HISTORY_D, LATEST_S_MAX

_TICKETS = "support_tickets"
_PROFILES = "profiles"
_COLUMNS = {_TICKETS: ("created_at", "user_id"), _PROFILES: ("id", "email")}
_DAY_S = 86400

# Ages by the database's clock, which also wrote the moments; rows from the future are the integrity checks' business.
_COUNT = """
WITH age AS (
    SELECT extract(epoch FROM now() - ticket.{created_at})::float8 AS s
    FROM {tickets} ticket
    WHERE ticket.{created_at} > now() - make_interval(days => %(days)s)
      AND ticket.{created_at} <= now()
      AND (%(own_email)s::text IS NULL
           OR NOT EXISTS (SELECT FROM {profiles} own WHERE own.{id} = ticket.{user_id} AND own.{email} = %(own_email)s))
)
SELECT count(*) FILTER (WHERE s < %(latest_s)s),
       count(*) FILTER (WHERE s < %(recovered_s)s),
       count(*) FILTER (WHERE s >= %(latest_s)s + %(gap_s)s AND s < %(latest_s)s + %(gap_s)s + %(history_s)s),
       count(*) FILTER (WHERE s >= 2 * %(day_s)s AND s < %(latest_s)s + %(gap_s)s + %(history_s)s
                              AND mod(s::numeric, %(day_s)s) < %(latest_s)s),
       (SELECT extract(epoch FROM now() - min(ticket.{created_at})) / %(day_s)s FROM {tickets} ticket)::float8
FROM age
"""


@dataclass(frozen=True)
class TicketCounts:
    """What was counted; see ``rules.tickets`` for what the numbers mean. ``oldest_d`` is None when there is no ticket at all."""

    latest: int
    since_recovery: int
    before: int
    same_hours: int
    oldest_d: float | None


def count_tickets(
    dsn: str,
    patience: Patience,
    *,
    names: Mapping[str, str],
    own_email: str | None,
    latest_s: float,
    recovered_s: float,
) -> TicketCounts:
    """Count, on one READ ONLY snapshot, without the tickets of the account ``own_email``.

    ``names`` is what tables and columns are called there (``[sql.names]``). Raises MeasurementFailed when the database does not say, also
    when row level security would hide rows.
    """
    values = {
        "days": int(LATEST_S_MAX / _DAY_S) + GAP_D + HISTORY_D + 1,
        "own_email": own_email,
        "latest_s": latest_s,
        "recovered_s": recovered_s,
        "gap_s": GAP_D * _DAY_S,
        "history_s": HISTORY_D * _DAY_S,
        "day_s": _DAY_S,
    }
    try:
        with open_snapshot(dsn, patience) as snapshot:
            return TicketCounts(*snapshot.row(_statement(names), values))
    except MeasurementFailed as error:
        raise MeasurementFailed(f"the support tickets could not be counted: {error}") from error


def _statement(names: Mapping[str, str]) -> str:
    tables = {_TICKETS: "tickets", _PROFILES: "profiles"}
    parts = {place: sql.Identifier(*names.get(table, table).split(".")) for table, place in tables.items()}
    parts |= {
        column: sql.Identifier(names.get(f"{table}.{column}", column))
        for table, columns in _COLUMNS.items()
        for column in columns
    }
    return sql.SQL(_COUNT).format(**parts).as_string(None)
