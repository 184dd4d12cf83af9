"""What migrations open is told from what was open before, and from what is not known."""

from datetime import UTC, datetime

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.catalogue import Catalogue, SchemaObject, TableAccess
from pam_rollback.redeploy.gate.migrations import Reached, doors

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
ACCESS = TableAccess(row_security=True, forced=False, policies={}, privileges={"authenticated": ("SELECT",)})
GUARDED = SchemaObject(owner="postgres", access=ACCESS)
UNGUARDED = SchemaObject(owner="postgres", access=ACCESS.model_copy(update={"row_security": False}))
OPEN = "public.expenses: shows authenticated rows of others"


def reached(*shown: str, unknown: tuple[str, ...] = (), **tables: SchemaObject) -> Reached:
    """A schema of expenses and these."""
    objects = {"public.expenses": GUARDED, **{f"public.{name}": one for name, one in tables.items()}}
    return Reached(Catalogue(taken_at=MOMENT, objects={"table": objects}), frozenset(shown), unknown)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (reached(), reached(trips=GUARDED), ""),
        (reached(OPEN), reached(OPEN), ""),
        (reached(), reached(OPEN), OPEN),
        (
            reached(),
            reached(drafts=UNGUARDED),
            "table public.drafts is new, without row level security, and open to authenticated",
        ),
        (reached(unknown=("a: why",)), reached(unknown=("a: why",)), ""),
    ],
    ids=["guarded", "open before", "a policy", "a table", "not known before either"],
)
def test_only_what_is_new_counts(before: Reached, after: Reached, said: str) -> None:
    """A door that was open before the migrations is not theirs."""
    found = doors((), before, after)

    assert bool(found.number) is bool(said)
    assert said in str(found)
    assert found.value == len(found.found)


def test_what_could_not_be_tried_with_them_is_not_known() -> None:
    """Unless something else is open already."""
    unknown = doors((), reached(), reached(unknown=("public.trips: no right",)))
    with pytest.raises(MeasurementFailed, match="what the migrations open is not known: public"):
        _ = unknown.number

    assert doors((), reached(), reached(OPEN, unknown=("public.trips: no right",))).number == 1
