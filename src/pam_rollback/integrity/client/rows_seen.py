"""Whether the database would show what a rollback has to compare: apart from the other questions, as its driver takes long to load."""

from collections.abc import Mapping, Sequence

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.environment.environment_tables import Sql
from pam_rollback.environment.sql_names import Names
from pam_rollback.integrity.client.relations import look_up
from pam_rollback.outside.postgres import Patience, open_snapshot


def rows_seen(dsn: str, tables: Sequence[str], names: Mapping[str, str], sql: Sql, *, deadline_s: float) -> str:
    """The users' tables can be read, and no row is hidden from the role. Raises ActionFailed when not."""
    patience = Patience(statement_timeout_s=deadline_s, lock_timeout_s=min(deadline_s, sql.lock_timeout_s))
    known = {name: text for name, text in names.items() if name.partition(".")[0] in tables}
    try:
        with open_snapshot(dsn, patience, connections=1) as snapshot:
            found, wrong = look_up(snapshot, tables, Names.of(known, tables, source="[sql.names]"))
            snapshot.refuse_blindness(found.values())
            where = snapshot.where
    except MeasurementFailed as error:
        raise ActionFailed(str(error)) from None
    if wrong:
        raise ActionFailed("; ".join(wrong.values()))
    return f"{len(found)} tables can be read at {where}"
