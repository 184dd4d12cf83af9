"""The person behind an account, and their settings."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pam_rollback.sandbox.product.bodies import NOT_BLANK, JsonOnly
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.visitor import Visiting

router = APIRouter(prefix="/api/v1")

_COLUMNS = "id, email, full_name, avatar_url, privacy_settings, preferences, created_at, updated_at"
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
    query = f"SELECT {_COLUMNS} FROM profiles WHERE id = %s OR (%s AND id <> %s) ORDER BY id = %s LIMIT 1"  # noqa: S608 - a constant
    others = parts.faults.shows_others("profile")
    found = _present(await parts.storage.row(query, (visitor.user_id, others, visitor.user_id, visitor.user_id)))
    return {**found, **parts.faults.beside()}


@router.put("/profile", dependencies=[JsonOnly])
async def change_profile(change: ProfileChange, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Change the caller's profile and give it as it is then."""
    changed = await parts.storage.row(
        "UPDATE profiles SET full_name = coalesce(%s, full_name), avatar_url = coalesce(%s, avatar_url),"  # noqa: S608 - a constant
        " privacy_settings = coalesce(%s, privacy_settings), preferences = coalesce(%s, preferences)"
        f" WHERE id = %s RETURNING {_COLUMNS}",
        (
            change.full_name,
            change.avatar_url,
            _document(change.privacy_settings),
            _document(change.preferences),
            visitor.user_id,
        ),
    )
    parts.answers.forget(visitor.key)
    return _present(changed)


@router.get("/settings")
async def settings(visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Give the caller's settings."""
    # In a dictionary the last one wins: with the fault, whoever wrote last.
    rows = await parts.storage.rows(
        "SELECT setting_name, setting_value FROM user_settings WHERE (user_id = %s OR %s)"
        " AND (NOT %s OR created_at > now() - interval '1 hour') ORDER BY setting_name, updated_at",
        (visitor.user_id, parts.faults.shows_others("settings"), parts.faults.has_lost("settings")),
    )
    return {"settings": {row["setting_name"]: row["setting_value"] for row in rows}}


@router.put("/settings", dependencies=[JsonOnly])
async def change_settings(change: SettingsChange, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Write the given settings, all or none, and give all as they are then."""
    if parts.faults.forgets("settings"):
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
    parts.answers.forget(visitor.key)
    return await settings(visitor, parts)


def _document(value: dict[str, Any] | None) -> Jsonb | None:
    return None if value is None else Jsonb(value)


def _present(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "this account no longer exists")
    return row
