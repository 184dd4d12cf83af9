"""Invariants are judged by a role that sees all; what cannot be judged is unknown, with the reason."""

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.integrity import evaluate
from pam_rollback.database.row_counting import Unavailable
from pam_rollback.http.postgres import open_snapshot
from tests.database.client.asked_database import (
    PATIENCE,
    administrator,
    as_role,
    dsn,
    evaluated,
    given,
    invariants,
    made_up,
    owner,
    role,
)

__all__ = ["administrator", "dsn", "owner"]


def test_a_lock_of_somebody_else_is_not_waited_for(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """What reads the locked table is unknown, with the reason; all else is judged."""
    owner.execute("LOCK TABLE expenses IN ACCESS EXCLUSIVE MODE")
    found = evaluated(dsn)

    assert {"expenses-amount", "expenses-incomplete", "expenses-orphaned", "sequences-behind"} <= set(found.unknown)
    assert "a lock was not given within 0.2 s" in found.unknown["expenses-amount"]
    assert "a migration may be running" in found.unknown["expenses-orphaned"]
    assert {"messages-blank", "settings-missing", "profiles-incomplete"} <= set(found.results)


def test_a_blind_role_is_no_verdict(dsn: str, administrator: psycopg.Connection[tuple[object, ...]]) -> None:
    """It counts no bad rows, because it sees none."""
    grants = ("GRANT pg_read_all_data TO visitor",)
    with role(administrator, *grants) as visitor:
        with pytest.raises(MeasurementFailed, match=r"role visitor is blind at .* hides rows of .*expenses"):
            evaluated(as_role(dsn, visitor))
        with (
            open_snapshot(as_role(dsn, visitor), PATIENCE) as snapshot,
            pytest.raises(MeasurementFailed, match="row-level"),
        ):
            snapshot.rows("SELECT count(*) FROM expenses")


def test_a_view_that_reads_as_a_blind_owner_is_no_verdict(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """The role itself sees everything, and the view still shows less."""
    grants = ("GRANT pg_read_all_data TO visitor", "GRANT CREATE ON SCHEMA public TO visitor")
    with role(administrator, *grants):
        administrator.execute("SET ROLE visitor")
        administrator.execute("CREATE VIEW public.spent AS SELECT * FROM public.expenses")
        administrator.execute("GRANT SELECT ON public.spent TO pam_auditor")
        administrator.execute("RESET ROLE")
        with pytest.raises(MeasurementFailed, match=r"role visitor is blind at .* hides rows of expenses"):
            evaluated(dsn, made_up("a", "SELECT id FROM expenses WHERE amount < 0"), names={"expenses": "public.spent"})


def test_other_names_lead_to_the_same_rows(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """A table elsewhere whose columns are called differently, for conditions on a row and on several."""
    owner.execute("CREATE SCHEMA money")
    owner.execute(
        "CREATE TABLE money.spent AS SELECT id, user_id, amount AS total, category, date, description, created_at FROM expenses"
    )
    first = owner.execute("SELECT spent.id::text FROM money.spent ORDER BY spent.id LIMIT 3").fetchall()
    # Each another amount: of equal ones any may be named first.
    owner.execute(
        "UPDATE money.spent SET total = id - 1000 WHERE id IN (SELECT id FROM money.spent ORDER BY id LIMIT 3)"
    )
    owner.execute("GRANT USAGE ON SCHEMA money TO pam_auditor")
    owner.execute("GRANT SELECT ON money.spent TO pam_auditor")
    owner.commit()
    names = {"expenses": "money.spent", "expenses.amount": "total"}
    chosen = [invariant for invariant in invariants() if invariant.id in {"expenses-amount", "expenses-duplicate"}]
    try:
        found = evaluated(dsn, *chosen, names=names)
    finally:
        owner.execute("DROP SCHEMA money CASCADE")
        owner.commit()

    assert found.unknown == {}
    worst = tuple(key for (key,) in first)
    assert (found.results["expenses-amount"].offenders, found.results["expenses-amount"].worst) == (3, worst)
    assert found.results["expenses-duplicate"].holds


def test_a_key_that_is_not_unique_is_not_joined(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """A user with two accounts would count every expense twice."""
    administrator.execute(
        "CREATE TABLE public.accounts AS SELECT id, created_at FROM auth.users UNION ALL SELECT id, now() FROM auth.users"
    )
    administrator.execute("GRANT SELECT ON public.accounts TO pam_auditor")
    try:
        found = evaluated(dsn, names={"auth.users": "public.accounts"})
    finally:
        administrator.execute("DROP TABLE public.accounts")
    usual = evaluated(dsn)

    assert found.results["expenses-orphaned"].holds
    assert found.results["expenses-amount"].looked_at == usual.results["expenses-amount"].looked_at


def test_a_condition_that_fails_takes_no_other_with_it(dsn: str) -> None:
    """The one that cannot be evaluated is unknown alone."""
    found = evaluated(
        dsn,
        made_up("bad", "SELECT id FROM expenses WHERE category::int < 0"),
        made_up("good", "SELECT id FROM expenses WHERE amount < 0"),
        made_up("fine", "SELECT id FROM expenses WHERE amount >= 1000000"),
    )

    assert set(found.results) == {"good", "fine"}
    assert "invalid input syntax for type integer" in found.unknown["bad"]


def test_what_cannot_be_given_makes_unknown_what_needs_it(dsn: str) -> None:
    """And nothing else."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        values = {**given(snapshot), "schema_version": Unavailable("the release does not say")}
        found = evaluate(snapshot, invariants(), given=values, names={})

    assert found.unknown == {"migrations-drift": "migrations-drift: the release does not say"}
