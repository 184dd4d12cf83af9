"""Whatever is no query, or does more than read, is unknown and changes nothing: PostgreSQL refuses it, and some of it is not sent."""

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pam_rollback.http.postgres import open_snapshot
from tests.database.client.asked_database import PATIENCE, dsn, evaluated, made_up, owner

__all__ = ["dsn", "owner"]

REFUSED = (
    "DELETE FROM expenses",
    "UPDATE expenses SET amount = 0",
    "INSERT INTO expenses (id) VALUES (1)",
    "TRUNCATE expenses",
    "DROP TABLE expenses",
    "CREATE TABLE x AS SELECT id FROM expenses",
    "ALTER TABLE expenses ADD COLUMN x int",
    "COPY expenses TO '/tmp/x'",
    "COPY expenses TO PROGRAM 'sh'",
    "CALL wipe()",
    "DO $$ BEGIN DELETE FROM expenses; END $$",
    "VACUUM expenses",
    "SET row_security = on",
    "COMMIT",
    "EXPLAIN ANALYZE DELETE FROM expenses",
    "MERGE INTO expenses USING x ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM expenses RETURNING id) SELECT id FROM gone",
    "WITH new AS (INSERT INTO expenses (id) VALUES (1) RETURNING id) SELECT id FROM new",
    "SELECT id INTO copied FROM expenses",
    "SELECT id FROM expenses FOR UPDATE",
    "SELECT id FROM expenses FOR SHARE",
    "SELECT id FROM expenses; DELETE FROM expenses",
    "SELECT id FROM expenses) AS one; COMMIT; DELETE FROM expenses; SELECT * FROM (SELECT 1 AS id",
    "SELECT id FROM expenses) AS one; DELETE FROM expenses --",
    "SELECT id FROM expenses WHERE pg_terminate_backend(1)",
    "SELECT pg_catalog.pg_sleep(9)::text AS id FROM expenses",
    "SELECT setval('expenses_id_seq', 1) AS id FROM expenses",
    "SELECT nextval('expenses_id_seq') AS id FROM expenses",
    "SELECT id FROM expenses WHERE set_config('row_security', 'on', true) = 'off'",
    "SELECT id FROM expenses WHERE SET_CONFIG/**/('row_security', 'on', true) = 'off'",
    "SELECT id FROM expenses WHERE U&\"set!005fconfig\" UESCAPE '!' ('row_security', 'on', true) = 'off'",
    "SELECT lo_import('/etc/passwd') AS id FROM expenses",
    "SELECT pg_read_file('/etc/passwd') AS id FROM expenses",
    "SELECT query_to_xml('DELETE FROM expenses', true, true, '') AS id FROM expenses",
    "SELECT id FROM dblink('x', 'DELETE FROM expenses') AS t(id int)",
    "SELECT pg_advisory_lock(1) AS id FROM expenses",
    "SELECT id FROM expenses WHERE category LIKE '%x'",
    "SELECT id FROM expenses WHERE id = %s",
    "SELECT id FROM expenses WHERE id = $9",
    "SELECT id FROM expenses WHERE amount > %(nobody_gives_it)s",
    "SELECT category FROM expenses",
    "SELECT * FROM expenses",
    "SELECT id FROM expenses AS a JOIN expenses AS b ON true",
    "SELEC id FROM expenses",
    "SELECT id FROM expenses WHERE (",
    "SELECT id FROM expenses WHERE " + "(" * 20_000,
    "SELECT id FROM expenses WHERE " + "NOT " * 20_000 + "true",
)
Owner = psycopg.Connection[tuple[object, ...]]


def test_whatever_is_no_query_or_does_more_is_unknown(dsn: str, owner: Owner) -> None:
    """Each by itself: the query beside it is judged, and no row is another."""
    before = owner.execute("SELECT count(*), sum(amount) FROM expenses").fetchone()
    owner.commit()
    queries = {f"refused-{number}": query for number, query in enumerate(REFUSED)}
    found = evaluated(
        dsn,
        *(made_up(name, query) for name, query in queries.items()),
        made_up("good", "SELECT id FROM expenses WHERE amount < 0;"),
    )

    assert {name: query[:80] for name, query in queries.items() if name not in found.unknown} == {}
    assert found.results["good"].holds
    assert found.results["good"].looked_at > 0
    assert owner.execute("SELECT count(*), sum(amount) FROM expenses").fetchone() == before
    assert owner.execute("SELECT to_regclass('copied'), to_regclass('x')").fetchone() == (None, None)


def test_offenders_are_named_by_ids_alone(dsn: str) -> None:
    """What a row contains is in no message, and a file that would show it is told what to name instead."""
    found = evaluated(dsn, made_up("shows", "SELECT id, category FROM expenses"))

    assert found.unknown == {
        "shows": "shows: expected `id`, a name that ends in `_id`, or `object` as what names an offender, found 'category'"
    }


@pytest.mark.parametrize("writes", ["DELETE FROM expenses", "CREATE TABLE x (id int)"])
def test_the_transaction_only_reads(dsn: str, writes: str) -> None:
    """Whatever got through."""
    with open_snapshot(dsn, PATIENCE) as snapshot, pytest.raises(Exception, match="read-only transaction"):
        snapshot.rows(writes)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=200).filter(str.strip)
    | st.lists(
        st.sampled_from(["SELECT", "id", "FROM", "expenses", "(", ")", "WHERE", "=", ";", "'", "%", "--", "1"]),
        min_size=1,
    ).map(" ".join)
)
def test_any_text_is_judged_or_unknown(dsn: str, text: str) -> None:
    """Nothing that a file holds ends the session."""
    found = evaluated(dsn, made_up("any", text))

    assert {*found.results, *found.unknown} == {"any"}
