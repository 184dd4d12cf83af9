"""Every damage to the database is really there, spares the accounts that can sign in, and heals to exactly what was."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pam_sandbox import data_damage
from pam_sandbox.children import Children
from pam_sandbox.data_damage import damage_names, read_damage
from pam_sandbox.database import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, migrations
from pam_sandbox.practice_database import Access, PracticeDatabase
from pam_sandbox.problems import SandboxError
from tests.sandbox.found_range import Found

MOST_OFFENDERS = 2000
NAMES = [name for name in damage_names() if not read_damage(name).is_for_today]
# What they do to the whole table nobody can be spared from; what is the test account's own is meant.
OF_EVERYBODY = {"table-emptied", "own-expenses-moved"}
# It needs what others take away, so it comes first when all are planted; the late ones stand in the way of others.
FIRST = ("own-expenses-moved",)
LATE = (
    "amounts-negative",
    "settings-duplicated",
    "expenses-deleted",
    "column-missing",
    "table-emptied",
    "trigger-dropped",
)

CATALOGUE = (
    """SELECT 'column', attrelid::regclass, attnum, attname, atttypid::regtype, attnotnull, attacl,
              pg_get_expr(adbin, adrelid)
       FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       WHERE attnum > 0 AND NOT attisdropped AND {product} AND relkind IN ('r', 'v')""",
    """SELECT 'table', pg_class.oid::regclass, relkind, relowner::regrole, relacl, relrowsecurity, relforcerowsecurity,
              CASE relkind WHEN 'v' THEN pg_get_viewdef(pg_class.oid) END
       FROM pg_class WHERE {product}""",
    """SELECT 'constraint', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid), convalidated
       FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE {product}""",
    """SELECT 'index', pg_get_indexdef(indexrelid), indisvalid, indisready, indislive, indisunique, indisprimary
       FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE {product}""",
    """SELECT 'trigger', tgrelid::regclass, pg_get_triggerdef(pg_trigger.oid), tgenabled
       FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal AND {product}""",
    # The triggers of foreign keys: their names carry numbers.
    """SELECT 'internal trigger', tgrelid::regclass, tgenabled, count(*)
       FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgisinternal AND {product} GROUP BY tgrelid, tgenabled""",
    "SELECT 'policy', schemaname, tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies",
    """SELECT 'function', pg_proc.oid::regprocedure, prosrc
       FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname IN ('public', 'auth', 'plan')""",
    "SELECT 'schema', nspname, nspacl FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_t%'",
    "SELECT 'role', rolname, rolsuper, rolinherit, rolcreaterole, rolcanlogin, rolbypassrls, rolconfig FROM pg_roles",
)
PRODUCT = "relnamespace IN ('public'::regnamespace, 'auth'::regnamespace, 'plan'::regnamespace)"
RELATIONS = (
    "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind = %s AND {product} ORDER BY 1, 2"
)
ROWS = sql.SQL("SELECT count(*), md5(string_agg(row::text, '|' ORDER BY row::text)) FROM {} row")
LAST = sql.SQL("SELECT last_value, is_called FROM {}")
OWN_ROWS = """
WITH own AS (SELECT id FROM auth.users WHERE email = ANY(%(mails)s))
SELECT 1, row::text FROM auth.users row WHERE id IN (SELECT id FROM own) UNION ALL
SELECT 2, row::text FROM public.profiles row WHERE id IN (SELECT id FROM own) UNION ALL
SELECT 3, row::text FROM public.user_settings row WHERE user_id IN (SELECT id FROM own) UNION ALL
SELECT 4, row::text FROM public.pam_conversations row WHERE user_id IN (SELECT id FROM own) UNION ALL
SELECT 5, row::text FROM public.expenses row WHERE user_id IN (SELECT id FROM own) UNION ALL
SELECT 6, row::text FROM public.support_tickets row WHERE user_id IN (SELECT id FROM own) UNION ALL
SELECT 7, row::text FROM public.pam_messages row JOIN public.pam_conversations c ON c.id = conversation_id
WHERE c.user_id IN (SELECT id FROM own)
ORDER BY 1, 2
"""
BOOK = """
INSERT INTO public.expenses (user_id, amount, category)
SELECT id, 1, 'fuel' FROM auth.users WHERE email = %(mail)s
RETURNING id
"""


def rows(dsn: str, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    """What one statement gives."""
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute(query.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


def fingerprint(access: Access) -> dict[str, object]:
    """Every row, every sequence and everything that the catalogue says of them."""
    found: dict[str, object] = {}
    with psycopg.connect(access.administrator_dsn) as connection:
        for kind, query in (("r", ROWS), ("S", LAST)):
            for relation in connection.execute(RELATIONS.format(product=PRODUCT).encode(), (kind,)).fetchall():
                found[".".join(relation)] = connection.execute(query.format(sql.Identifier(*relation))).fetchone()
        for question in CATALOGUE:
            said = connection.execute(question.format(product=PRODUCT).encode()).fetchall()
            found[question] = sorted(str(row) for row in said)
    return found


def own_rows(access: Access) -> list[tuple[Any, ...]]:
    """The rows of the accounts that can sign in."""
    return rows(access.product_dsn, OWN_ROWS, mails=[TEST_ACCOUNT_EMAIL, OTHER_ACCOUNT_EMAIL])


def seen_by_the_auditor(access: Access, name: str) -> list[tuple[Any, ...]]:
    """The offenders of a damage, as the checks' role sees them."""
    settings = f"-c range.auditor=pam_auditor -c range.newest_migration={migrations()[-1].version}"
    with psycopg.connect(access.auditor_dsn, options=settings) as connection:
        return connection.execute(read_damage(name).offenders.encode()).fetchall()


@pytest.fixture(scope="module")
def access() -> Iterator[Access]:
    """A database as a sandbox has it, without the sandbox."""
    with folder_of_a_range() as (folder, children):
        opened = PracticeDatabase(os.environ, folder=folder, children=children, account_password="words")
        try:
            yield asyncio.run(opened.open())
        finally:
            asyncio.run(opened.server.stop())


@contextmanager
def folder_of_a_range() -> Iterator[tuple[Path, Children]]:
    """A temporary folder that the unprivileged database account can pass through, and a janitor."""
    children = Children()
    folder = Path(tempfile.mkdtemp(prefix="pam-damage-tests-"))
    folder.chmod(0o711)
    children.owns_folder(folder)
    try:
        yield folder, children
    finally:
        children.close()


@pytest.fixture(autouse=True)
def nothing_is_left(access: Access) -> Iterator[None]:
    """A test that broke leaves no damage to the next."""
    yield
    for (schema,) in rows(
        access.product_dsn, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'range\\_undo\\_%' ORDER BY oid DESC"
    ):
        data_damage.heal(access, schema.removeprefix("range_undo_").replace("_", "-"))


@pytest.mark.long_matrix(first=8)  # by day each row of the matrix compares the sandbox before and after, too
@pytest.mark.parametrize("name", NAMES)
def test_a_damage_is_there_and_heals_to_exactly_what_was(access: Access, name: str) -> None:
    """At least one offender and not without bound, visible to the checks' role; twice is once; nothing is left of it."""
    before, own = fingerprint(access), own_rows(access)
    assert seen_by_the_auditor(access, name) == []

    planted = data_damage.plant(access, name)
    offenders, damaged = seen_by_the_auditor(access, name), fingerprint(access)
    again = data_damage.plant(access, name)

    assert 1 <= len(offenders) == planted == again <= MOST_OFFENDERS
    assert fingerprint(access) == damaged != before
    assert (own_rows(access) == own) == (name not in OF_EVERYBODY)

    data_damage.heal(access, name)
    data_damage.heal(access, name)
    assert fingerprint(access) == before


def test_all_at_once_heal_in_reverse_order(access: Access) -> None:
    """Whatever was planted on top of each other; what could not be healed afterwards is refused."""
    before = fingerprint(access)
    order = [*FIRST, *(name for name in NAMES if name not in {*FIRST, *LATE}), *LATE]
    planted, refused = [], []
    for name in order:
        try:
            data_damage.plant(access, name)
            planted.append(name)
        except SandboxError as error:
            refused.append((name, str(error)))
    for name in reversed(planted):
        data_damage.heal(access, name)

    assert fingerprint(access) == before
    assert [name for name, _ in refused] == ["table-emptied"], refused
    assert "cannot be, on top of what is planted already" in refused[0][1]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("table-emptied", "amounts-nan", "expected something to damage, found nothing"),
        ("column-missing", "categories-blanked", 'column "category" does not exist'),
        ("amounts-negative", "table-emptied", "expected a damage that can be healed"),
    ],
)
def test_a_damage_that_cannot_be_done_changes_nothing(access: Access, first: str, second: str, words: str) -> None:
    """The reason is told, the first damage stays, and both sequences and rows are as before."""
    data_damage.plant(access, first)
    before = fingerprint(access)
    with pytest.raises(SandboxError, match=words):
        data_damage.plant(access, second)

    assert fingerprint(access) == before


def test_what_the_product_writes_meanwhile_stays(access: Access) -> None:
    """The ledger loses nothing by a heal, and the next id is free."""
    every = "SELECT count(*) FROM public.expenses"
    [(before,)] = rows(access.product_dsn, every)
    data_damage.plant(access, "expenses-doubled")
    data_damage.plant(access, "table-emptied")
    [(first,)] = rows(access.product_dsn, BOOK, mail=TEST_ACCOUNT_EMAIL)
    data_damage.plant(access, "sequence-behind")
    data_damage.heal(access, "sequence-behind")
    data_damage.heal(access, "table-emptied")
    data_damage.heal(access, "expenses-doubled")
    [(second,)] = rows(access.product_dsn, BOOK, mail=TEST_ACCOUNT_EMAIL)

    assert rows(access.product_dsn, every) == [(before + 2,)]
    assert second == first + 1
    rows(
        access.product_dsn,
        "DELETE FROM public.expenses WHERE id IN (%(first)s, %(second)s)",
        first=first,
        second=second,
    )


def test_a_range_plants_several_and_clears_them_in_reverse_order(found: Found) -> None:
    """Each `what` is a fault of its own, also beneath an outage of the database that came later."""
    remote, dsn = found.remote, found.variables["PAM_DATABASE_DSN"]
    state = "SELECT count(*), count(*) FILTER (WHERE amount = 'NaN'), max(id) FROM public.expenses"
    [before] = rows(dsn, state)
    for what in ("amounts-nan", "expenses-deleted", "amounts-nan"):
        remote.plant("data", what=what)
    damaged = [(fault["name"], fault["what"]) for fault in remote.faults()]
    [during] = rows(dsn, state)
    remote.plant("database-down")
    remote.clear_all()

    assert damaged == [("data", "amounts-nan"), ("data", "expenses-deleted")]
    assert during[0] < before[0]
    assert during[1] > 0
    assert remote.faults() == []
    assert rows(dsn, state) == [before]


def test_during_an_outage_nothing_is_planted_or_forgotten(found: Found) -> None:
    """A heal that cannot be done is told, and the damage stays listed until it is."""
    remote, dsn = found.remote, found.variables["PAM_DATABASE_DSN"]
    blank = "SELECT count(*) FROM public.expenses WHERE btrim(category) = ''"
    remote.plant("data", what="categories-blanked")
    remote.plant("database-down")
    with pytest.raises(SandboxError, match="Clear the fault database-down first"):
        remote.plant("data", what="amounts-nan")
    with pytest.raises(SandboxError, match="Clear the fault database-down first"):
        remote.clear("data")
    listed = [(fault["name"], fault.get("what")) for fault in remote.faults()]
    remote.clear("database-down")
    [(damaged,)] = rows(dsn, blank)
    remote.clear("data")

    assert listed == [("data", "categories-blanked"), ("database-down", None)]
    assert damaged > 0
    assert (rows(dsn, blank), remote.faults()) == ([(0,)], [])


def test_after_an_outage_the_first_request_is_answered(found: Found) -> None:
    """However many connections the product had, all of which the server has closed."""
    with ThreadPoolExecutor(8) as visitors:
        before = [*visitors.map(lambda _: found.get("api", "/health").status, range(60))]
    found.remote.plant("database-down")
    found.remote.clear("database-down")

    assert set(before) == {200}
    assert found.get("api", "/health").status == 200
