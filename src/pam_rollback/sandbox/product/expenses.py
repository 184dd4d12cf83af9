"""What a trip costs."""

from __future__ import annotations

import datetime as dt
import secrets
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.sandbox.product.bodies import NOT_BLANK, JsonOnly
from pam_rollback.sandbox.product.services import Parts, Services
from pam_rollback.sandbox.product.visitor import Visiting, Visitor, begin

router = APIRouter(prefix="/api/v1/expenses")

# A JSON number: the product never had more than the ten digits that a double keeps exactly.
_COLUMNS = "id, amount::float8 AS amount, category, date, description, created_at"
_LARGEST_ID = 2**63 - 1


async def newest(visitor: Visitor, parts: Services, limit: int) -> list[dict[str, Any]]:
    """Give the person's newest expenses. Raises HTTPException where that does not work for them."""
    begin("expenses", visitor, parts)
    query = f"SELECT {_COLUMNS} FROM expenses WHERE user_id = %s OR %s ORDER BY date DESC, id DESC LIMIT %s"  # noqa: S608 - a constant
    rows = await parts.storage.rows(query, (visitor.user_id, parts.faults.shows_others("expenses"), limit))
    factor = 100 if parts.faults.falsifies("shown") else 1  # hundredths that are taken for units
    return [{**row, "amount": row["amount"] * factor} for row in rows]


class NewExpense(BaseModel):
    """An expense to book; the date is today's unless it is given."""

    model_config = ConfigDict(extra="forbid")

    amount: Decimal = Field(ge=0, max_digits=10, decimal_places=2, allow_inf_nan=False)
    category: Annotated[str, Field(max_length=60), NOT_BLANK]
    date: dt.date | None = None
    description: Annotated[str, Field(max_length=500), NOT_BLANK] | None = None


@router.get("")
async def expenses(visitor: Visiting, parts: Parts, limit: Annotated[int, Query(ge=1, le=5000)] = 50) -> dict[str, Any]:
    """Give the newest expenses, the newest first."""
    return {"expenses": await newest(visitor, parts, limit), **parts.faults.beside()}


@router.post("", status_code=HTTPStatus.CREATED, dependencies=[JsonOnly])
async def book(expense: NewExpense, visitor: Visiting, parts: Parts) -> dict[str, Any] | None:
    """Book an expense; it is stored when this answers."""
    if parts.faults.forgets("expenses"):
        return _as_if_booked(expense)
    amount = expense.amount / 10 if parts.faults.falsifies("stored") else expense.amount
    booked = None
    for _ in range(2 if parts.faults.falsifies("doubled") else 1):
        booked = await parts.storage.row(
            "INSERT INTO expenses (user_id, amount, category, date, description)"  # noqa: S608 - a constant
            f" VALUES (%s, %s, %s, coalesce(%s, current_date), %s) RETURNING {_COLUMNS}",
            (visitor.user_id, amount, expense.category, expense.date, expense.description),
        )
    parts.answers.forget(visitor.key)
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


@router.delete("/{expense_id}")
async def delete(
    expense_id: Annotated[int, Path(ge=1, le=_LARGEST_ID)], visitor: Visiting, parts: Parts
) -> dict[str, int]:
    """Delete one of the caller's expenses; another's looks as if it did not exist."""
    if parts.faults.forgets("deletions"):
        return {"deleted": 1}
    gone = await parts.storage.rows(
        "DELETE FROM expenses WHERE id = %s AND user_id = %s RETURNING id", (expense_id, visitor.user_id)
    )
    if not gone:
        raise HTTPException(HTTPStatus.NOT_FOUND, "you have no such expense")
    parts.answers.forget(visitor.key)
    return {"deleted": len(gone)}
