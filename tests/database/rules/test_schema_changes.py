"""What stood in a baseline's schema has to stand: every way in which it is lost, weaker or more open, and what is none of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.catalogue import Catalogue, Kind, SchemaObject, TableAccess
from pam_rollback.database.schema_changes import SchemaComparison, compare

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
EXPENSES = "public.expenses"
Objects = dict[tuple[Kind, str], SchemaObject]
STANDING: Objects = {
    ("schema", "public"): SchemaObject(owner="pam"),
    ("role", "anon"): SchemaObject(),
    ("table", EXPENSES): SchemaObject(owner="pam"),
    ("view", "public.totals"): SchemaObject(owner="pam", definition="a1"),
    ("column", f"{EXPENSES}.amount"): SchemaObject(
        table=EXPENSES, columns=("amount",), definition="numeric(10,2)", default="0", not_null=True
    ),
    ("constraint", f"{EXPENSES}.amount_check"): SchemaObject(
        table=EXPENSES, columns=("amount",), definition="CHECK (amount >= 0)"
    ),
    ("index", f"{EXPENSES}.by_amount"): SchemaObject(table=EXPENSES, columns=("amount",), definition="btree (amount)"),
    ("trigger", f"{EXPENSES}.touch"): SchemaObject(table=EXPENSES, definition="BEFORE UPDATE"),
    ("function", "public.total(uuid)"): SchemaObject(
        owner="pam", definition="f1", may=("authenticated", "service_role")
    ),
}


def reached(*roles: str, guarded: bool = False) -> TableAccess:
    """Rows that these may read."""
    reading = dict.fromkeys(roles, ("SELECT",))
    return TableAccess(row_security=guarded, forced=False, policies={}, privileges=reading)


NEW_TABLE = SchemaObject(owner="pam", access=reached("anon"))


def schema(objects: Objects = STANDING, migrations: tuple[str, ...] | None = ("1", "2")) -> Catalogue:
    """A schema of these objects."""
    kinds: dict[Kind, dict[str, SchemaObject]] = {}
    for (kind, name), one in objects.items():
        kinds.setdefault(kind, {})[name] = one
    return Catalogue(taken_at=AT, migrations=migrations, objects=kinds)


def changed(kind: Kind, name: str, **values: Any) -> SchemaComparison:
    """What is found where one object has other values."""
    return compare(schema(), schema({**STANDING, (kind, name): STANDING[kind, name].model_copy(update=values)}))


def without(*gone: tuple[Kind, str], and_new: Objects | None = None) -> SchemaComparison:
    """What is found where these are not there, and others are."""
    kept = {key: one for key, one in STANDING.items() if key not in gone}
    return compare(schema(), schema({**kept, **(and_new or {})}))


def found(comparison: SchemaComparison) -> dict[str, tuple[str, ...]]:
    """The changes by what they are."""
    parts = {"lost": comparison.lost, "weaker": comparison.weaker, "opened": comparison.opened}
    return {name: one.changes for name, one in parts.items() if one.differences}


@pytest.mark.parametrize(
    "key", [key for key in STANDING if key not in {("table", EXPENSES), ("column", f"{EXPENSES}.amount")}], ids=str
)
def test_what_is_not_there_any_more_is_lost(key: tuple[Kind, str]) -> None:
    """Of each kind."""
    [only] = found(without(key))["lost"]
    assert only.startswith(f"{key[0]} {key[1]}")


def test_one_cause_is_told_once() -> None:
    """With a table go its columns and rules, with a column what is about it."""
    of_column: list[tuple[Kind, str]] = [
        ("column", f"{EXPENSES}.amount"),
        ("constraint", f"{EXPENSES}.amount_check"),
        ("index", f"{EXPENSES}.by_amount"),
    ]
    assert found(without(*of_column)) == {"lost": (f"column {EXPENSES}.amount",)}
    assert found(without(("table", EXPENSES), ("trigger", f"{EXPENSES}.touch"), *of_column)) == {
        "lost": (f"table {EXPENSES}",)
    }


def test_a_rule_under_another_name_is_no_loss() -> None:
    """It says the same of the same table; one that says something else is none of it."""
    old: tuple[Kind, str] = ("constraint", f"{EXPENSES}.amount_check")
    again: Objects = {("constraint", f"{EXPENSES}.amount_check1"): STANDING[old]}
    other: Objects = {
        ("constraint", f"{EXPENSES}.other"): STANDING[old].model_copy(update={"definition": "CHECK (amount > -9)"})
    }

    assert found(without(old, and_new=again)) == {}
    assert "CHECK (amount >= 0)" in found(without(old, and_new=other))["lost"][0]


@pytest.mark.parametrize(
    ("kind", "name", "values", "how", "words"),
    [
        ("column", f"{EXPENSES}.amount", {"not_null": False}, "weaker", "may be null now"),
        ("column", f"{EXPENSES}.amount", {"definition": "text"}, "weaker", "is text, was numeric(10,2)"),
        ("column", f"{EXPENSES}.amount", {"default": ""}, "weaker", "has no default, had 0"),
        ("column", f"{EXPENSES}.amount", {"default": "1"}, "weaker", "has the default 1, had 0"),
        ("constraint", f"{EXPENSES}.amount_check", {"in_force": False}, "weaker", "is not valid any more"),
        ("constraint", f"{EXPENSES}.amount_check", {"definition": "CHECK (true)"}, "weaker", "is CHECK (true), was"),
        ("index", f"{EXPENSES}.by_amount", {"in_force": False}, "weaker", "is not valid any more"),
        ("trigger", f"{EXPENSES}.touch", {"in_force": False}, "weaker", "is not enabled any more"),
        ("function", "public.total(uuid)", {"definition": "f2"}, "weaker", "was replaced"),
        ("view", "public.totals", {"definition": "a2"}, "weaker", "was replaced"),
        (
            "function",
            "public.total(uuid)",
            {"may": ("service_role",)},
            "lost",
            "authenticated may not call it any more",
        ),
        ("function", "public.total(uuid)", {"as_owner": True}, "opened", "with the rights of pam now"),
        ("function", "public.total(uuid)", {"may": ("public",)}, "opened", "lets public call it now"),
        ("view", "public.totals", {"as_owner": True}, "opened", "with the rights of pam now"),
        ("table", EXPENSES, {"owner": "anon"}, "opened", "belongs to anon, belonged to pam"),
        ("schema", "public", {"may": ("public",)}, "opened", "lets public create things in it now"),
        ("role", "anon", {"may": ("BYPASSRLS",)}, "opened", "may pass by row level security now"),
        ("role", "anon", {"may": ("service_role",)}, "opened", "may act as service_role now"),
    ],
)
def test_each_change_for_the_worse_is_seen(kind: Kind, name: str, values: Any, how: str, words: str) -> None:
    """By itself, and as nothing else."""
    seen = found(changed(kind, name, **values))

    assert list(seen) == [how]
    assert words in seen[how][0]


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        ("function", "public.total(uuid)", {"may": ("authenticated", "service_role", "somebody")}),
        ("table", EXPENSES, {"access": reached("anon")}),
    ],
)
def test_what_is_compared_elsewhere_or_harmless_is_green(kind: Kind, name: str, values: Any) -> None:
    """Rights to tables are compared with the policies."""
    assert found(changed(kind, name, **values)) == {}


@pytest.mark.parametrize(
    ("kind", "new", "words"),
    [
        ("table", NEW_TABLE, "is new, without row level security, and open to anon"),
        (
            "view",
            SchemaObject(owner="pam", as_owner=True, access=reached("anon")),
            "shows what pam may see, and is open to anon",
        ),
        (
            "function",
            SchemaObject(owner="pam", as_owner=True, may=("public",)),
            "(SECURITY DEFINER), and public may call it",
        ),
    ],
)
def test_what_came_since_is_told_where_it_opens_a_door(kind: Kind, new: SchemaObject, words: str) -> None:
    """And is nothing where it does not: guarded, carried out as whoever asks, or for nobody outside."""
    of_relation = new.access is not None
    harmless = new.model_copy(
        update={"as_owner": False, "access": reached("anon", guarded=True) if of_relation else None}
    )
    for_servers = new.model_copy(
        update={"access": reached("service_role")} if of_relation else {"may": ("service_role",)}
    )

    assert words in found(without(and_new={(kind, "public.new"): new}))["opened"][0]
    assert found(without(and_new={(kind, "public.new"): harmless})) == {}
    assert found(without(and_new={(kind, "public.new"): for_servers})) == {}


def test_a_migration_that_was_taken_back_makes_a_loss_unknown() -> None:
    """It stood in the baseline, and so did what it made; a door that is open is open all the same."""
    kept = {key: one for key, one in STANDING.items() if key[0] != "trigger"}
    seen = compare(schema(), schema(kept, migrations=("1",)))
    opened = compare(schema(), schema({**STANDING, ("table", "public.new"): NEW_TABLE}, migrations=("1",)))

    with pytest.raises(MeasurementFailed, match=r"trigger public\.expenses\.touch.*not applied any more \(2\)"):
        assert seen.lost.differences == 0
    assert seen.weaker.differences == 0
    assert opened.opened.differences
    assert compare(schema(), schema(kept, migrations=None)).lost.differences


def test_nothing_recorded_is_no_green() -> None:
    """An empty baseline proves nothing."""
    with pytest.raises(MeasurementFailed, match="nothing was compared"):
        assert compare(schema({}), schema()).lost.differences == 0
