"""The SQL of the how-to makes a role that sees every row and changes none, with BYPASSRLS and, by views, without it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.relations import look_up
from pam_rollback.http.postgres import Patience, open_snapshot
from pam_rollback.target.sql_names import Names
from pam_sandbox.database import dsn_of
from tests.running_product import Database

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect.md"
ROLE, PASSWORD = "pam_reader", "p/w:with@reserved"
TABLES = ("profiles", "user_settings", "pam_conversations", "pam_messages", "expenses", "support_tickets")
COUNT = "SELECT count(*) FROM {}"
WRITES = (
    "INSERT INTO public.support_tickets DEFAULT VALUES",
    "UPDATE public.expenses SET amount = 0",
    "DELETE FROM public.pam_messages",
    "TRUNCATE public.profiles",
    "DROP TABLE public.expenses",
    "ALTER TABLE public.expenses ADD COLUMN mine int",
    "CREATE TABLE public.mine (id int)",
    "CREATE SCHEMA mine",
    "SELECT nextval('public.expenses_id_seq')",
    "SELECT * FROM public.profiles FOR UPDATE",
    "COPY public.expenses FROM STDIN",
    "LOCK TABLE public.expenses IN EXCLUSIVE MODE",
    "CREATE POLICY mine ON public.expenses USING (true)",
    "ALTER TABLE public.expenses DISABLE ROW LEVEL SECURITY",
    "CREATE ROLE mine",
)


def shown_sql() -> list[str]:
    """The two ways of the page, as people copy them."""
    return re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@contextmanager
def made(database: Database, text: str, role: str = ROLE) -> Iterator[str]:
    """Have the SQL run as the owner of the tables, as in Supabase's editor; gives the DSN of the role, called as is said."""
    with psycopg.connect(database.dsn) as connection:
        connection.execute(text.replace("CHANGE-ME", PASSWORD).replace(ROLE, role).encode())
    try:
        yield dsn_of(role, PASSWORD, like=database.dsn)
    finally:
        with psycopg.connect(database.dsn) as connection:
            if role == ROLE:
                connection.execute("DROP SCHEMA IF EXISTS pam_reading CASCADE")
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture(scope="module", params=[0, 1], ids=["BYPASSRLS", "views"])
def way(request: pytest.FixtureRequest) -> int:
    """Which of the two."""
    found: int = request.param
    return found


@pytest.fixture(scope="module")
def reader(product_database: Database, way: int) -> Iterator[str]:
    """The role's DSN."""
    with made(product_database, shown_sql()[way]) as dsn:
        yield dsn


def names_of(way: int) -> Names:
    """As the page says that the environment's file names them."""
    return Names.of({} if way == 0 else {one: f"pam_reading.{one}" for one in TABLES}, TABLES, source="a test")


def test_every_row_is_seen(reader: str, way: int, product_database: Database) -> None:
    """By the suite's own reading, which refuses a role that row level security makes blind."""
    with open_snapshot(reader, Patience()) as snapshot:
        found, wrong = look_up(snapshot, TABLES, names_of(way))
        snapshot.refuse_blindness(found.values())
        schema = "public" if way == 0 else "pam_reading"
        counts = {one: snapshot.row(COUNT.format(f"{schema}.{one}"))[0] for one in TABLES}

    assert wrong == {}
    assert counts == {one: product_database.rows(COUNT.format(one))[0][0] for one in TABLES}
    assert min(counts.values()) > 0


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("read_only", ["on", "off"])
def test_each_write_is_refused(reader: str, write: str, read_only: str) -> None:
    """By the transaction, and by the privileges alone where somebody switches that off."""
    with psycopg.connect(reader) as connection:
        connection.execute(f"SET default_transaction_read_only = {read_only}".encode())
        connection.commit()
        with pytest.raises((errors.ReadOnlySqlTransaction, errors.InsufficientPrivilege)):
            connection.execute(write.encode())


def test_it_cannot_become_more(reader: str) -> None:
    """Neither the owner nor a role that may create others."""
    with psycopg.connect(reader) as connection:
        row = connection.execute(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication, (SELECT count(*) FROM pg_auth_members AS m "
            "WHERE m.member = r.oid) FROM pg_roles AS r WHERE rolname = current_user"
        ).fetchone()

    assert row == (False, 0)


def test_the_secrets_of_accounts_are_out_of_reach(reader: str) -> None:
    """Who exists, at most."""
    with psycopg.connect(reader) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("SELECT encrypted_password FROM auth.users")


def test_a_policy_for_everybody_is_no_way_out(product_database: Database) -> None:
    """As the page says: the suite cannot tell it from one that hides rows."""
    plain = shown_sql()[0].replace(" BYPASSRLS", "")
    policy = f'CREATE POLICY "{ROLE} reads all" ON public.expenses FOR SELECT TO {ROLE} USING (true);'
    with (
        made(product_database, plain + policy, "pam_policy_reader") as dsn,
        open_snapshot(dsn, Patience()) as snapshot,
    ):
        found, _ = look_up(snapshot, ["expenses"], names_of(0))
        with pytest.raises(MeasurementFailed):
            snapshot.refuse_blindness(found.values())
