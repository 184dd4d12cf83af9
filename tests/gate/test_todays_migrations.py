"""Sessions of the gate on today's product: migrations as Supabase has them, and none leads back."""

from collections.abc import Iterator

import pytest

from pam_sandbox.repository import FEATURE
from tests.gate.scene import BACK, DATA, DATABASE, GREEN, RED, STABLE, gate, one_line, with_outcome
from tests.sessions import Project, RunningSandbox, own_range

RENAMES = "ALTER TABLE public.support_tickets RENAME COLUMN subject TO title"


@pytest.fixture(scope="module")
def today() -> Iterator[RunningSandbox]:
    """A sandbox of today's product."""
    with own_range("pam-today") as made:
        yield made


def test_what_only_adds_may_be_deployed_although_nothing_leads_back(today: RunningSandbox, project: Project) -> None:
    """That is a condition of the verdict, with what would be lost."""
    found = gate(project, today, sorted(DATABASE), "--to=main")

    assert with_outcome(found, GREEN) == DATABASE, found.out
    conditions = " ".join(found.record["notes"])
    assert "no way down: 20261123090000-trips: a rollback takes the code back and leaves the schema" in conditions
    assert "this is lost, with what is in it by then: table public.trips" in conditions
    assert "column public.expenses.trip_id" in conditions
    assert "`supabase db push` passes over 20261123090000-trips" in conditions


def test_a_renamed_column_is_a_no_go_with_its_statement(today: RunningSandbox, project: Project) -> None:
    """Of a commit that is deployed nowhere yet. The name of its file has blanks, as some of the product's have."""
    pushed = today.remote.push(
        {"supabase/migrations/20261124090000_better names 2.sql": f"{RENAMES};\n"}, message="Rename", branch=FEATURE
    )

    found = gate(project, today, sorted(DATABASE), f"--to={pushed}")

    assert found.rc == 10, found.out
    assert STABLE in with_outcome(found, RED)
    said = one_line(found)
    assert "the stable release does not work on the migrated schema" in said
    assert f"[20261124090000_better names 2: {RENAMES}]" in said
    assert {DATA, BACK}.isdisjoint(with_outcome(found, "could not measure"))
