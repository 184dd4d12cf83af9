"""Damages that do not meet: on every commit they are done at once, and one session has to show each of them.

`make test-all` does each of them alone as well. Why: docs/decisions/tests.md.
"""

from collections.abc import Iterable

from tests.fault_rows.row import Row

ALONE = frozenset(
    {"table-emptied", "column-missing", "role-blinded", "expenses-moved-since", "expenses-doubled", "messages-doubled"}
)
"""They take away what others would damage, or what would see it; one shows by a trigger that others take away, and what is doubled is
seen only as long as nobody changes one of the two."""
MEET = (
    {"emails-blanked", "profiles-deleted"},
    {"row-security-off", "policy-opened"},
    {"settings-deleted", "settings-wiped"},
)
"""The same rows, or the same table's doors."""


def companies(rows: Iterable[Row]) -> list[tuple[Row, ...]]:
    """Rows of the same session, as few companies as their order gives: no check is turned by two of a company."""
    found: list[list[Row]] = []
    for row in rows:
        if row.fault != "data" or row.select != "integrity" or row.settings or row.id in ALONE:
            continue
        mine = next((company for company in found if _has_room(company, row)), None)
        if mine is None:
            found.append([row])
        else:
            mine.append(row)
    return [tuple(company) for company in found if len(company) > 1]


def _has_room(company: list[Row], row: Row) -> bool:
    first = company[0]
    same_session = (first.dialect, first.counted_before) == (row.dialect, row.counted_before)
    return same_session and not any(
        (row.red | row.unknown) & (other.red | other.unknown) or row.words == other.words or {row.id, other.id} in MEET
        for other in company
    )
