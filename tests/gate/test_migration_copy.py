"""A real PostgreSQL: migrations are applied to a copy, seen in the catalogue and in the rows, and rolled back; never on the original."""

import re
from pathlib import Path

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed, Refused
from pam_rollback.redeploy.gate.migration_copy import MigrationCopy
from pam_rollback.redeploy.gate.migration_files import MigrationFile, ToApply, migrations_in
from pam_rollback.redeploy.gate.migration_trial import MigrationTrial, tried
from pam_rollback.redeploy.gate.migrations import changes, copy_integrity, dropped
from pam_sandbox import database
from pam_sandbox.database import create_auditor, dsn_of
from tests.running_product import Database

CANDIDATE = Path(database.__file__).with_name("candidate")


def trial(copy: MigrationCopy, up: str, down: str | None) -> MigrationTrial:
    """One migration, tried."""
    migration = MigrationFile("20270101000000", "x", up, down)
    return tried(copy, ToApply((migration,)), known=9, integrity=lambda: copy_integrity(1, ()), narrate=lambda _: None)


def test_the_copy_is_one(copy: MigrationCopy, product_database: Database) -> None:
    """The same rows, migrations and places of sequences, in another database."""
    original = MigrationCopy(product_database.dsn)

    assert copy.picture().tables == original.picture().tables
    assert changes(_for_everybody(original), _for_everybody(copy)) == ()
    assert copy.applied() == original.applied()
    copy.refuse_original(product_database.dsn)


def _for_everybody(database: MigrationCopy) -> dict[str, str]:
    """What there is, without the roles that read the original for other tests: they have no place in its copy."""
    objects = database.picture().objects
    return {
        name: " ".join(re.sub(r"\b\w*auditor\w*=\S*?(?=[\s']|$)", "", text).replace("- ", "").split())
        for name, text in objects.items()
    }


def test_the_original_is_refused(product_database: Database) -> None:
    """Also under another name of the same machine, and as another role."""
    dsn = product_database.dsn
    create_auditor(dsn, role="gate_auditor", password="invented")
    for other in (dsn, dsn_of("gate_auditor", "invented", like=dsn)):
        with pytest.raises(Refused, match="the environment's own database"):
            MigrationCopy(dsn).refuse_original(other)


def test_the_candidates_migration_leads_there_and_back(copy: MigrationCopy) -> None:
    """The one that the sandbox's candidate brings; it is noted while it is there."""
    files = {path.name: path.read_text(encoding="utf-8") for path in CANDIDATE.glob("*.sql")}
    (migration,) = migrations_in(files, "candidate")
    before = copy.picture()

    assert copy.apply(migration).problem == ""
    assert migration.version in copy.applied()
    between = copy.picture()
    assert "relation public.trips" in between.objects
    assert dropped(before.tables, between.tables) == ()
    assert copy.revert(migration).problem == ""
    assert migration.version not in copy.applied()
    assert copy.picture() == before


@pytest.mark.long_matrix(first=3)
@pytest.mark.parametrize(
    ("up", "down", "difference"),
    [
        ("CREATE INDEX x ON public.expenses (category)", "SELECT 1", "index public.expenses.x is new"),
        (
            "UPDATE public.expenses SET category = 'x'",
            "SELECT 1",
            "column public.expenses.category says something else",
        ),
        ("SELECT 1", "DELETE FROM public.pam_messages", "table public.pam_messages had"),
        (
            "ALTER TABLE public.support_tickets ALTER subject TYPE varchar(900)",
            "SELECT 1",
            "column public.support_tickets.subject was",
        ),
        ("ALTER TABLE public.expenses DISABLE ROW LEVEL SECURITY", "SELECT 1", "relation public.expenses was"),
        ("REVOKE SELECT ON public.expenses FROM authenticated", "SELECT 1", "relation public.expenses was"),
        (
            "ALTER TABLE public.expenses ADD CHECK (amount < 1e6)",
            "SELECT 1",
            "constraint public.expenses.expenses_amount_check1 is new",
        ),
        ("DROP POLICY own_expenses ON public.expenses", "SELECT 1", "policy public.expenses.own_expenses is gone"),
        ("DROP TRIGGER touch ON public.expenses", "SELECT 1", "trigger public.expenses.touch is gone"),
        (
            "CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT NULL::uuid $$",
            "SELECT 1",
            "function auth.uid() was",
        ),
        ("CREATE TYPE public.mood AS ENUM ('good')", "SELECT 1", "type public.mood is new"),
    ],
)
def test_a_way_back_that_does_not_lead_back_is_seen(copy: MigrationCopy, up: str, down: str, difference: str) -> None:
    """In the catalogue or in the rows, with the exact difference; on a commit one of the catalogue, and what rows say and are."""
    found = trial(copy, up, down)

    assert not found["applied"].number, found["applied"]
    assert found["reversal"].number
    assert difference in str(found["reversal"])


@pytest.mark.long_matrix
@pytest.mark.parametrize("what", ["SCHEMA auth", "public.expenses", "SEQUENCE public.one", "FUNCTION auth.uid()"])
def test_a_privilege_that_is_taken_back_is_as_it_was(copy: MigrationCopy, what: str) -> None:
    """PostgreSQL spells out from then on what it took for granted before."""
    with psycopg.connect(copy.dsn, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE IF NOT EXISTS public.one")
    right = {"SCHEMA": "USAGE", "FUNCTION": "EXECUTE"}.get(what.partition(" ")[0], "SELECT")

    granted = f"GRANT {right} ON {what} TO pg_monitor"
    assert not trial(copy, granted, f"REVOKE {right} ON {what} FROM pg_monitor")["reversal"].number
    assert trial(copy, granted, "SELECT 1")["reversal"].number


def test_an_owner_without_any_privilege_is_not_one_whom_nobody_changed(copy: MigrationCopy) -> None:
    """A list without an entry is not a list that was never written."""
    with psycopg.connect(copy.dsn, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE public.one")

    found = trial(copy, "REVOKE ALL ON SEQUENCE public.one FROM CURRENT_USER", "SELECT 1")
    assert "sequence public.one was" in str(found["reversal"])


def test_data_that_a_migration_drops_is_seen(copy: MigrationCopy) -> None:
    """Also when the way back brings the column again, empty."""
    found = trial(
        copy,
        "ALTER TABLE public.support_tickets DROP COLUMN subject",
        "ALTER TABLE public.support_tickets ADD COLUMN subject text",
    )

    assert found["kept"].number
    assert "column public.support_tickets.subject is gone" in str(found["kept"])
    assert "column public.support_tickets.subject was" in str(found["reversal"])
    assert not trial(copy, "CREATE INDEX x ON public.expenses (category)", "DROP INDEX public.x")["kept"].number


def test_rows_that_a_migration_adds_overwrite_nothing(copy: MigrationCopy) -> None:
    """Unless old rows are written in the same table: more rows have another digest, so what those say is not known."""
    add = (
        "INSERT INTO public.pam_messages (conversation_id, role, content, intent) "
        "SELECT conversation_id, role, content, 'added' FROM public.pam_messages LIMIT 1"
    )
    take = "DELETE FROM public.pam_messages WHERE intent = 'added'"

    assert not trial(copy, add, take)["kept"].number
    both = add, "UPDATE public.pam_messages SET content = reverse(content)"
    found = trial(copy, "; ".join(both), take)
    assert "table public.pam_messages has 1 more rows, and old ones are written anew" in str(found["kept"])


def test_a_migration_that_fails_leaves_nothing_behind(copy: MigrationCopy) -> None:
    """The first one is rolled back, too, and the rest is not known."""
    before = copy.picture()
    first = MigrationFile("20270101000000", "a", "CREATE TABLE public.a (id int)", "DROP TABLE public.a")
    second = MigrationFile("20270102000000", "b", "CREATE TABLE public.b (id int); SELECT 1/0", "DROP TABLE public.b")

    found = tried(
        copy, ToApply((first, second)), known=2, integrity=lambda: copy_integrity(1, ()), narrate=lambda _: None
    )

    assert found["applied"].number
    assert "20270102000000_b: division by zero" in str(found["applied"])
    assert copy.picture() == before
    with pytest.raises(MeasurementFailed, match="not tried, since"):
        found["reversal"]


def test_a_migration_that_takes_too_long_is_a_finding(product_database: Database, copy: MigrationCopy) -> None:
    """It would hold its locks as long in front of users."""
    impatient = MigrationCopy(copy.dsn, deadline_s=1)

    assert "no end within 1 s" in str(trial(impatient, "SELECT pg_sleep(30)", "SELECT 1")["applied"])


def test_a_way_back_that_fails_is_told(copy: MigrationCopy) -> None:
    """With the database's words."""
    found = trial(copy, "CREATE TABLE public.a (id int)", "DROP TABLE public.b")

    assert found["reversal"].number
    assert "the way back of 20270101000000_x does not work" in str(found["reversal"])
    assert 'table "b" does not exist' in str(found["reversal"])


def test_a_copy_that_cannot_be_asked_is_not_known(copy: MigrationCopy) -> None:
    """And the password is not shown."""
    wrong = MigrationCopy(copy.dsn.replace("/pam", "/nowhere") if "/pam" in copy.dsn else copy.dsn + "x")

    with pytest.raises(MeasurementFailed, match=r"cannot ask the database at .*\(staging_copy_dsn\) right"):
        wrong.picture()


def test_a_role_that_does_not_see_all_rows_is_refused(copy: MigrationCopy) -> None:
    """Loss that cannot be seen is no proof."""
    blind = MigrationCopy(f"{copy.dsn}{'&' if '?' in copy.dsn else '?'}options=-c%20role%3Dauthenticated")

    with pytest.raises(MeasurementFailed, match="is blind"):
        blind.picture()
