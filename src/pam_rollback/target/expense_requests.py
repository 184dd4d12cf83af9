"""How an expense is written and deleted: by the product's API, or as a row of Supabase's REST (PostgREST).

There a row names its owner and its day, as the pages write it; without ``RETURNED`` nothing is answered; and one is deleted by a condition.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

RETURNED: Mapping[str, str] = {"Prefer": "return=representation"}
"""Asks PostgREST for the row that it wrote or deleted: it answers a list."""


def all_of(url: str) -> str:
    """Where one is written: the address at which they are read, without what is asked there."""
    return url.partition("?")[0]


def one_of(url: str, identifier: object, *, are_rows: bool) -> str:
    """The address of a single one."""
    return f"{all_of(url)}{'?id=eq.' if are_rows else '/'}{identifier}"


def several_of(url: str, identifiers: Sequence[object], *, are_rows: bool) -> str:
    """The address at which these are deleted together. The API's own takes one."""
    if not are_rows or len(identifiers) == 1:
        return one_of(url, identifiers[0], are_rows=are_rows)
    return f"{all_of(url)}?id=in.({','.join(map(str, identifiers))})"


def body_of(expense: Mapping[str, Any], user_id: str, today: date, *, are_rows: bool) -> dict[str, Any]:
    """What is sent to write it."""
    return {**expense, "user_id": user_id, "date": today.isoformat()} if are_rows else dict(expense)


def written(body: Any, *, are_rows: bool) -> Any:
    """The expense that the answer to a write gives; None when it is not one row."""
    if not are_rows:
        return body
    return body[0] if isinstance(body, list) and len(body) == 1 else None
