"""What belongs to a person: profile, settings, expenses and support tickets."""

from __future__ import annotations

import datetime as dt
import secrets
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pam_sandbox.product.auth import Visiting, Visitor, begin
from pam_sandbox.product.services import NOT_BLANK, Parts, Services

router = APIRouter(prefix="/api/v1")

_PROFILE = "id, email, full_name, avatar_url, privacy_settings, preferences, created_at, updated_at"
_MOST_SETTINGS = 50

SettingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,63}$")]


class ProfileChange(BaseModel):
    """What of a profile is to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    full_name: Annotated[str, Field(max_length=120), NOT_BLANK] | None = None
    avatar_url: Annotated[str, Field(max_length=500), NOT_BLANK] | None = None
    privacy_settings: dict[str, Any] | None = None
    preferences: dict[str, Any] | None = None


class SettingsChange(BaseModel):
    """Settings to write; the others stay."""

    model_config = ConfigDict(extra="forbid")

    settings: dict[SettingName, Any] = Field(min_length=1, max_length=_MOST_SETTINGS)


@router.get("/profile")
async def profile(visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Give the caller's profile."""
    query = f"SELECT {_PROFILE} FROM profiles WHERE id = %s OR (%s AND id <> %s) ORDER BY id = %s LIMIT 1"  # noqa: S608 - a constant
    others = parts.faults.has("cross-user-read", what="profile")
    found = _present(await parts.storage.row(query, (visitor.user_id, others, visitor.user_id, visitor.user_id)))
    return {**found, **parts.faults.beside()}


@router.put("/profile")
async def change_profile(change: ProfileChange, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Change the caller's profile and give it as it is then."""
    changed = await parts.storage.row(
        "UPDATE profiles SET full_name = coalesce(%s, full_name), avatar_url = coalesce(%s, avatar_url),"  # noqa: S608 - a constant
        " privacy_settings = coalesce(%s, privacy_settings), preferences = coalesce(%s, preferences)"
        f" WHERE id = %s RETURNING {_PROFILE}",
        (
            change.full_name,
            change.avatar_url,
            _document(change.privacy_settings),
            _document(change.preferences),
            visitor.user_id,
        ),
    )
    return _present(changed)


@router.get("/settings")
async def settings(visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Give the caller's settings."""
    # In a dictionary the last one wins: with the fault, whoever wrote last.
    rows = await parts.storage.rows(
        "SELECT setting_name, setting_value FROM user_settings WHERE (user_id = %s OR %s)"
        " AND (NOT %s OR created_at > now() - interval '1 hour') ORDER BY setting_name, updated_at",
        (visitor.user_id, parts.faults.has("cross-user-read", what="settings"), parts.faults.has_lost("settings")),
    )
    return {"settings": {row["setting_name"]: row["setting_value"] for row in rows}}


@router.put("/settings")
async def change_settings(change: SettingsChange, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Write the given settings, all or none, and give all as they are then."""
    if parts.faults.has("writes-forgotten", what="settings"):
        kept = await settings(visitor, parts)
        return {"settings": {**kept["settings"], **change.settings}}
    async with parts.storage.transaction() as connection:
        for name, value in sorted(
            change.settings.items()
        ):  # one order for all, so that two writers cannot lock each other out
            await connection.execute(
                "INSERT INTO user_settings (user_id, setting_name, setting_value) VALUES (%s, %s, %s)"
                " ON CONFLICT (user_id, setting_name) DO UPDATE SET setting_value = EXCLUDED.setting_value",
                (visitor.user_id, name, Jsonb(value)),
            )
    return await settings(visitor, parts)


def _document(value: dict[str, Any] | None) -> Jsonb | None:
    return None if value is None else Jsonb(value)


def _present(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "this account no longer exists")
    return row


# A JSON number: the product never had more than the ten digits that a double keeps exactly.
_EXPENSE = "id, amount::float8 AS amount, category, date, description, created_at"
_LARGEST_ID = 2**63 - 1


async def newest(visitor: Visitor, parts: Services, limit: int) -> list[dict[str, Any]]:
    """Give the person's newest expenses. Raises HTTPException where that does not work for them."""
    begin("expenses", visitor, parts)
    query = f"SELECT {_EXPENSE} FROM expenses WHERE user_id = %s OR %s ORDER BY date DESC, id DESC LIMIT %s"  # noqa: S608 - a constant
    rows = await parts.storage.rows(
        query, (visitor.user_id, parts.faults.has("cross-user-read", what="expenses"), limit)
    )
    factor = 100 if parts.faults.has("expenses-falsified", how="shown") else 1  # hundredths that are taken for units
    return [{**row, "amount": row["amount"] * factor} for row in rows]


class NewExpense(BaseModel):
    """An expense to book; the date is today's unless it is given."""

    model_config = ConfigDict(extra="forbid")

    amount: Decimal = Field(ge=0, max_digits=10, decimal_places=2, allow_inf_nan=False)
    category: Annotated[str, Field(max_length=60), NOT_BLANK]
    date: dt.date | None = None
    description: Annotated[str, Field(max_length=500), NOT_BLANK] | None = None


@router.get("/expenses")
async def expenses(visitor: Visiting, parts: Parts, limit: Annotated[int, Query(ge=1, le=5000)] = 50) -> dict[str, Any]:
    """Give the newest expenses, the newest first."""
    return {"expenses": await newest(visitor, parts, limit), **parts.faults.beside()}


@router.post("/expenses", status_code=HTTPStatus.CREATED)
async def book(expense: NewExpense, visitor: Visiting, parts: Parts) -> dict[str, Any] | None:
    """Book an expense; it is stored when this answers."""
    if parts.faults.has("writes-forgotten", what="expenses"):
        return _as_if_booked(expense)
    amount = expense.amount / 10 if parts.faults.has("expenses-falsified", how="stored") else expense.amount
    booked = None
    for _ in range(2 if parts.faults.has("expenses-falsified", how="doubled") else 1):
        booked = await parts.storage.row(
            "INSERT INTO expenses (user_id, amount, category, date, description)"  # noqa: S608 - a constant
            f" VALUES (%s, %s, %s, coalesce(%s, current_date), %s) RETURNING {_EXPENSE}",
            (visitor.user_id, amount, expense.category, expense.date, expense.description),
        )
    return booked


def _as_if_booked(expense: NewExpense) -> dict[str, Any]:
    """What a release answers that has lost the write on the way."""
    now = dt.datetime.now(dt.UTC)
    return {
        "id": secrets.randbelow(_LARGEST_ID) + 1,
        "amount": float(expense.amount),
        "category": expense.category,
        "date": expense.date or now.date(),
        "description": expense.description,
        "created_at": now,
    }


@router.delete("/expenses/{expense_id}")
async def delete(
    expense_id: Annotated[int, Path(ge=1, le=_LARGEST_ID)], visitor: Visiting, parts: Parts
) -> dict[str, int]:
    """Delete one of the caller's expenses; another's looks as if it did not exist."""
    if parts.faults.has("writes-forgotten", what="deletions"):
        return {"deleted": 1}
    gone = await parts.storage.rows(
        "DELETE FROM expenses WHERE id = %s AND user_id = %s RETURNING id", (expense_id, visitor.user_id)
    )
    if not gone:
        raise HTTPException(HTTPStatus.NOT_FOUND, "you have no such expense")
    return {"deleted": len(gone)}


TICKET = "id, subject, message, status, created_at"


class NewTicket(BaseModel):
    """What somebody needs help with."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Field(max_length=200), NOT_BLANK]
    message: Annotated[str, Field(max_length=5000), NOT_BLANK]


@router.get("/support/tickets")
async def tickets(visitor: Visiting, parts: Parts, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> dict[str, Any]:
    """Give the caller's tickets, the newest first."""
    query = f"SELECT {TICKET} FROM support_tickets WHERE user_id = %s OR %s ORDER BY created_at DESC LIMIT %s"  # noqa: S608 - a constant
    everybodys = parts.faults.has("cross-user-read", what="tickets")
    return {"tickets": await parts.storage.rows(query, (visitor.user_id, everybodys, limit))}


@router.post("/support/tickets", status_code=HTTPStatus.CREATED)
async def open_ticket(ticket: NewTicket, visitor: Visiting, parts: Parts) -> dict[str, Any] | None:
    """Open a ticket; it is stored when this answers."""
    query = f"INSERT INTO support_tickets (user_id, subject, message) VALUES (%s, %s, %s) RETURNING {TICKET}"  # noqa: S608 - a constant
    return await parts.storage.row(query, (visitor.user_id, ticket.subject, ticket.message))
