"""Who may reach which rows: what no schema may lack, what a stranger is shown, and what is not as before."""

from datetime import UTC, datetime

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.catalogue import Catalogue, Policy, SchemaObject, TableAccess
from pam_rollback.database.row_access import Shown, Strangers, reach
from pam_rollback.database.schema_changes import access_changes

MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OWN = Policy(permissive=True, roles=("authenticated",), command="ALL", using="(auth.uid() = user_id)", check="")
SERVERS = Policy(permissive=True, roles=("public",), command="ALL", using="(auth.role() = 'service_role')", check="")
ALL = ("DELETE", "INSERT", "SELECT", "UPDATE")
ROLES = ("anon", "authenticated", "service_role")
TABLE = TableAccess(
    row_security=True,
    forced=True,
    policies={"own": OWN, "servers": SERVERS},
    privileges={"anon": ALL, "authenticated": ALL, "service_role": ALL, "reporting": ("SELECT (id)",)},
)


def access(**changes: object) -> Catalogue:
    """One table of users' rows, with these changes."""
    table = SchemaObject(access=TABLE.model_copy(update=changes))
    name = "public.expenses"
    return Catalogue(taken_at=MOMENT, roles=ROLES, users=(name,), objects={"table": {name: table}})


def without(role: str, *privileges: str) -> dict[str, tuple[str, ...]]:
    """The privileges, less these of the role."""
    held = tuple(one for one in TABLE.privileges[role] if one not in privileges)
    return {**TABLE.privileges, role: held}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        # Whoever hardens a place takes from anon what no policy gives it, or gives single columns.
        {"privileges": without("anon", *ALL)},
        {"privileges": {**without("authenticated", "SELECT"), "public": ("SELECT (id, amount)",)}},
        {"policies": {"servers": SERVERS}},
        {"policies": {"own": OWN, "only_here": OWN.model_copy(update={"permissive": False, "roles": ("nobody",)})}},
    ],
)
def test_what_the_product_needs_is_there(changes: dict[str, object]) -> None:
    """Supabase's usual grants, and stricter ones."""
    found = reach(access(**changes))

    assert found.number == 0, found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"policies": {}}, "public.expenses: has no policy, so its rows are hidden from every user"),
        (
            {"privileges": without("authenticated", "SELECT")},
            "policy own lets authenticated SELECT, and no privilege does",
        ),
        ({"privileges": without("service_role", "SELECT")}, "service_role has no privilege to SELECT"),
        (
            {
                "policies": {"filed": OWN.model_copy(update={"command": "INSERT", "roles": ("clerk",)})},
                "privileges": without("authenticated", "INSERT"),
            },
            "policy filed lets clerk INSERT, and no privilege does",
        ),
    ],
)
def test_what_the_product_lacks_is_named(changes: dict[str, object], words: str) -> None:
    """The table, the policy, the role, the privilege."""
    found = reach(access(**changes))

    assert found.number
    assert words in str(found)


def test_no_table_is_no_proof() -> None:
    """Nothing looked at, nothing recorded, nothing tried."""
    nothing = Catalogue(taken_at=MOMENT, roles=ROLES, objects={})
    unknown = nothing.model_copy(update={"users_unknown": "profiles is missing"})
    with pytest.raises(MeasurementFailed, match="no table of users' rows"):
        assert reach(nothing).number == 0
    with pytest.raises(MeasurementFailed, match="nothing was compared"):
        assert access_changes(nothing, access()).differences == 0
    for one, other in ((unknown, access()), (access(), unknown)):
        with pytest.raises(MeasurementFailed, match="profiles is missing"):
            access_changes(one, other)
    with pytest.raises(MeasurementFailed, match="profiles is missing"):
        reach(unknown)
    with pytest.raises(MeasurementFailed, match="there is no table"):
        assert Strangers((), {}, {}).open_tables == 0


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"privileges": {**TABLE.privileges, "reporting": ("SELECT",), "monitoring": ("SELECT",)}},
    ],
)
def test_the_same_and_what_other_roles_got_is_no_change(changes: dict[str, object]) -> None:
    """A report that may read more is nobody's loss."""
    assert access_changes(access(), access(**changes)).differences == 0
    assert access_changes(access(row_security=False, forced=False), access()).differences == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"row_security": False}, "row level security was switched off"),
        ({"forced": False}, "row level security is not forced on the table's owner any more"),
        (
            {"policies": {"servers": SERVERS}},
            "policy own was dropped (for ALL to authenticated using (auth.uid() = user_id))",
        ),
        (
            {"policies": {"own": OWN.model_copy(update={"using": "true"}), "servers": SERVERS}},
            "policy own is for ALL to authenticated using true, was for ALL to authenticated using (auth.uid() = user_id)",
        ),
        (
            {"policies": {**TABLE.policies, "open": OWN.model_copy(update={"roles": ("public",)})}},
            "policy open was added",
        ),
        ({"privileges": without("service_role", "UPDATE", "DELETE")}, "service_role may not DELETE, UPDATE any more"),
        ({"privileges": {**TABLE.privileges, "anon": (*ALL, "TRUNCATE")}}, "anon may TRUNCATE now"),
        ({"privileges": {**TABLE.privileges, "public": ("SELECT",)}}, "public may SELECT now"),
    ],
)
def test_each_change_is_named(changes: dict[str, object], words: str) -> None:
    """With the table, what it is and what it was."""
    found = access_changes(access(), access(**changes))

    assert found.differences
    assert f"public.expenses: {words}" in str(found)
    assert (found.measured.value, found.measured.margin) == (1, -1)


def test_one_profile_may_be_shown_but_not_every_one() -> None:
    """People choose to show theirs; of everything else a single row is too much."""
    profile = Shown("public.profiles", "anon", row="7", all_rows=False)
    expense = Shown("public.expenses", "anon", row="8", all_rows=False)
    profiles = ("public.profiles",)

    assert Strangers((profile,), {}, {}, profiles).open_tables == 0
    assert Strangers((Shown("public.profiles", "anon", row="7", all_rows=True),), {}, {}, profiles).open_tables
    assert Strangers((profile, expense), {}, {"x": "x: not asked"}, profiles).open_tables
    with pytest.raises(MeasurementFailed, match="x: not asked"):
        assert Strangers((profile,), {}, {"x": "x: not asked"}, profiles).open_tables == 0
