"""Nothing but a query that only reads gets through, and what is read is understood as a person would."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.sql_names import Names
from pam_rollback.integrity.client.sql_reader import Reading, read_query, renamed, text_of
from pam_rollback.integrity.client.sql_scans import Parent
from pam_rollback.product.rules.invariants import Invariant, parse_invariant

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "checks" / "integrity").glob("*.sql"))


def invariant(query: str, *tables: str) -> Invariant:
    """Give an invariant with this query, which begins on line 10 of its file."""
    return Invariant(
        id="x",
        criteria=("SC-4",),
        sentence="it is so",
        severity="critical",
        order="",
        dialects=("product",),
        tables=tables or ("expenses",),
        may_be_empty=False,
        anchor="data-loss",
        query=query,
        source="checks/integrity/x.sql",
        first_line=10,
    )


def read(query: str, *tables: str) -> Reading:
    """Read a query."""
    return read_query(invariant(query, *tables))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_a_query_that_only_reads(path: Path) -> None:
    """And its header names the tables that it reads."""
    read_query(parse_invariant(path.read_text(encoding="utf-8"), source=path.name, stem=path.stem))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("DELETE FROM expenses", "expected SELECT or WITH … SELECT, found DELETE"),
        ("UPDATE expenses SET amount = 0", "found UPDATE"),
        ("INSERT INTO expenses (id) VALUES (1)", "found INSERT"),
        ("TRUNCATE expenses", "found TRUNCATETABLE"),
        ("DROP TABLE expenses", "found DROP"),
        ("CREATE TABLE x AS SELECT id FROM expenses", "found CREATE"),
        ("ALTER TABLE expenses ADD COLUMN x int", "found ALTER"),
        ("COPY expenses TO '/tmp/x'", "found COPY"),
        ("COPY expenses TO PROGRAM 'sh'", ""),
        ("CALL wipe()", ""),
        ("DO $$ BEGIN DELETE FROM expenses; END $$", ""),
        ("VACUUM expenses", ""),
        ("SET row_security = on", ""),
        ("COMMIT", ""),
        ("EXPLAIN ANALYZE DELETE FROM expenses", ""),
        ("MERGE INTO expenses USING x ON true WHEN MATCHED THEN DELETE", ""),
        ("WITH gone AS (DELETE FROM expenses RETURNING id) SELECT id FROM gone", "DELETE"),
        ("WITH new AS (INSERT INTO expenses (id) VALUES (1) RETURNING id) SELECT id FROM new", "INSERT"),
        ("SELECT id INTO copied FROM expenses", "INTO"),
        ("SELECT id FROM expenses FOR UPDATE", "LOCK"),
        ("SELECT id FROM expenses FOR SHARE", "LOCK"),
        ("SELECT id FROM expenses; DELETE FROM expenses", "found 2 statements"),
        ("SELECT id FROM expenses WHERE pg_terminate_backend(1)", "function pg_terminate_backend() is not on the list"),
        ("SELECT pg_catalog.pg_sleep(9)::text AS id FROM expenses", "not on the list"),
        ("SELECT setval('expenses_id_seq', 1) AS id FROM expenses", "setval()"),
        ("SELECT nextval('expenses_id_seq') AS id FROM expenses", "nextval()"),
        ("SELECT set_config('row_security', 'on', true) AS id FROM expenses", "set_config()"),
        ("SELECT lo_import('/etc/passwd') AS id FROM expenses", "lo_import()"),
        ("SELECT pg_read_file('/etc/passwd') AS id FROM expenses", "pg_read_file()"),
        ("SELECT query_to_xml('DELETE FROM expenses', true, true, '') AS id FROM expenses", "query_to_xml()"),
        ("SELECT id FROM dblink('x', 'DELETE FROM expenses') AS t(id int)", "dblink()"),
        ("SELECT pg_advisory_lock(1) AS id FROM expenses", "pg_advisory_lock()"),
        ("SELECT public.count(id) AS id FROM expenses", "not on the list"),
        ("SELECT public.abs(id) AS id FROM expenses", "DOT"),
        ("SELECT id FROM expenses WHERE amount OPERATOR(public.=) 1", ""),
        ("SELECT id FROM expenses WHERE id = 'a'::public.wicked", "not one of the server's own"),
        ("SELECT id FROM expenses WHERE category LIKE '%x'", "LIKE"),
        ("SELECT id FROM expenses WHERE category = '%x'", "a % would be taken for a parameter"),
        ("SELECT id FROM expenses WHERE id = %s", "expected a parameter by name"),
        ("SELECT id FROM expenses WHERE id = $1", "PARAMETER"),
        ("SELECT category FROM expenses", "what names an offender, found 'category'"),
        ("SELECT * FROM expenses", "found '*'"),
        ("SELECT id FROM expenses LIMIT 5", "LIMIT"),
        ("SELECT id FROM profiles", "table 'profiles' is read but not in the header"),
        ("SELECT id FROM expenses AS a JOIN expenses AS b ON true", "say of which table, as in"),
        ("SELEC id FROM expenses", ""),
        ("SELECT id FROM expenses WHERE (", "expected one query"),
    ],
)
def test_anything_else_is_refused(query: str, words: str) -> None:
    """With the file, the line and what was found; some the parser itself does not understand, which is as good."""
    with pytest.raises(ConfigurationError) as caught:
        read(query)

    assert str(caught.value).startswith("checks/integrity/x.sql: ")
    assert words in str(caught.value)


def test_the_line_is_that_of_the_file() -> None:
    """Not that of the query."""
    with pytest.raises(ConfigurationError, match=r"line 12: function pg_sleep\(\) is not on the list"):
        read("SELECT id\nFROM expenses\nWHERE pg_sleep(1) IS NULL")


def test_all_problems_come_at_once() -> None:
    """Whoever repairs a file does it once."""
    with pytest.raises(ConfigurationError) as caught:
        read("SELECT id FROM expenses WHERE pg_sleep(1) IS NULL OR setval('x', 1) = 1")

    assert len(caught.value.problems) == 2


def test_a_table_that_is_declared_and_not_read_is_a_mistake() -> None:
    """What is looked up must be what is read."""
    with pytest.raises(ConfigurationError, match="table 'profiles' is in the header's `tables` but not read"):
        read("SELECT id FROM expenses", "expenses", "profiles")


@pytest.mark.parametrize(
    ("query", "shares"),
    [
        ("SELECT id FROM expenses WHERE amount < 0 ORDER BY amount", True),
        ("SELECT expense.id FROM expenses AS expense WHERE expense.amount < 0", True),
        ("SELECT id FROM expenses WHERE amount < 0 UNION ALL SELECT id FROM expenses WHERE amount > 9", True),
        ("SELECT id FROM expenses WHERE amount < 0 UNION SELECT id FROM expenses WHERE amount > 9", False),
        ("SELECT id FROM expenses", False),
        ("SELECT DISTINCT id FROM expenses WHERE amount < 0", False),
        ("SELECT id FROM expenses WHERE row_number() OVER (ORDER BY id) > 1", False),
        ("SELECT max(id) AS id FROM expenses WHERE amount < 0", False),
        ("SELECT id FROM expenses WHERE amount < 0 GROUP BY id", False),
        ("SELECT a.id FROM expenses AS a JOIN expenses AS b ON b.id = a.user_id WHERE a.amount < 0", True),
        ("SELECT a.id FROM expenses AS a WHERE EXISTS (SELECT FROM expenses AS b WHERE b.id = a.id)", False),
        ("SELECT a.id FROM expenses AS a WHERE NOT EXISTS (SELECT FROM expenses AS b WHERE b.id = a.user_id)", True),
        ("SELECT a.id FROM expenses AS a WHERE NOT EXISTS (SELECT FROM expenses AS b WHERE b.id > a.user_id)", False),
        ("SELECT a.id FROM expenses AS a WHERE NOT EXISTS (SELECT FROM expenses AS b WHERE b.id = b.user_id)", False),
        (
            "SELECT a.id FROM expenses AS a WHERE a.id = 1 OR NOT EXISTS (SELECT FROM expenses AS b WHERE b.id = a.id)",
            False,
        ),
        (
            "SELECT a.id FROM expenses AS a JOIN expenses AS b ON b.id = a.user_id AND b.amount > 0 WHERE a.amount < 0",
            False,
        ),
        ("SELECT a.id FROM expenses AS a LEFT JOIN expenses AS b ON b.id = a.user_id WHERE a.amount < 0", False),
        ("SELECT a.id FROM expenses AS a CROSS JOIN expenses AS b WHERE a.amount < 0", False),
    ],
)
def test_conditions_on_rows_are_recognised(query: str, *, shares: bool) -> None:
    """Only what looks at one row at a time, and at the one that it belongs to, may share a scan."""
    assert bool(read(query).scans) is shares


def test_the_rest_of_a_condition_stays_whole() -> None:
    """What stands beside NOT EXISTS keeps its brackets."""
    [scan] = read(
        "SELECT a.id FROM expenses AS a"
        " WHERE (a.amount < 0 OR a.amount > 9) AND NOT EXISTS (SELECT FROM profiles AS b WHERE b.id = a.user_id)",
        "expenses",
        "profiles",
    ).scans

    assert text_of(scan.condition) == "(a.amount < 0 OR a.amount > 9) AND b.id IS NULL"
    assert scan.parent == Parent("profiles", "b", "id", "user_id")


def test_tables_columns_and_parameters_are_found() -> None:
    """Through aliases and subqueries; the server's own catalogue is no table of the product."""
    found = read(
        "SELECT e.id FROM expenses AS e WHERE e.amount > %(grace_s)s AND NOT EXISTS (SELECT FROM auth.users AS u WHERE u.id = e.user_id)"
        " AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relname = 'x')",
        "expenses",
        "auth.users",
    )

    assert set(found.tables) == {"expenses", "auth.users"}
    assert found.columns["expenses"] == {"id", "amount", "user_id"}
    assert found.columns["auth.users"] == {"id"}
    assert found.parameters == {"grace_s"}


def test_names_of_this_environment_replace_those_of_the_files() -> None:
    """A table as a whole; a column by a subquery through which the server sees."""
    query = read("SELECT e.id FROM expenses AS e WHERE e.amount < 0").query
    names = Names.of({"expenses": "money.expenses", "expenses.amount": "total"}, ["expenses"], source="x")

    assert text_of(renamed(query, Names({"expenses": "money.expenses"}, {}), {})) == (
        'SELECT e.id FROM "money"."expenses" AS e WHERE e.amount < 0'
    )
    assert text_of(renamed(query, names, {"expenses": ("id", "total", "note")})) == (
        'SELECT e.id FROM (SELECT "id", "total", "note", "total" AS "amount" FROM "money"."expenses") AS e WHERE e.amount < 0'
    )


def test_tables_that_stand_as_values_are_renamed_too() -> None:
    """The checks of the catalogue list them."""
    query = read(
        "WITH looked_at (name) AS (VALUES ('expenses'), ('profiles')) SELECT looked_at.name AS object FROM looked_at"
    ).query

    assert "('money.expenses'), ('profiles')" in text_of(renamed(query, Names({"expenses": "money.expenses"}, {}), {}))


@settings(deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(["SELECT", "id", "FROM", "expenses", "(", ")", "WHERE", "=", ";", "'", "%", "--", "1"])
    ).map(" ".join)
)
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    """By the one error that has a place and a reason."""
    try:
        read(text)
    except ConfigurationError as refused:
        assert all(problem.what for problem in refused.problems)  # noqa: PT017 - one of two ends


@pytest.mark.parametrize(
    "opening",
    ["SELECT id FROM expenses WHERE " + "(" * 20_000, "SELECT id FROM expenses WHERE " + "NOT " * 20_000 + "true"],
)
def test_a_query_that_is_nested_too_deeply_is_refused(opening: str) -> None:
    """It makes itself unknown, and no other check."""
    with pytest.raises(ConfigurationError, match=r"expected (a|one) query"):
        read(opening)
