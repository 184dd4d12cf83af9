"""The feature flags: one table is the truth for every release and worker, read again after at most 0.2 s."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from pam_sandbox.product.faults import Faults, bucket
from pam_sandbox.product.storage import Storage, StorageUnavailableError, fetch

CACHED_S = 0.2
"""The longest that a change takes to reach every process."""

ENHANCED_UI = "PAM_ENHANCED_UI"
VOICE_FEATURES = "PAM_VOICE_FEATURES"
AI_ROUTER = "PAM_AI_ROUTER"
PERFORMANCE_OPTIMIZATIONS = "PAM_PERFORMANCE_OPTIMIZATIONS"

_READ = """
SELECT jsonb_object_agg(name, jsonb_build_array(enabled, rollout_percentage)) AS flags FROM feature_flags
"""


Reason = Literal["STATIC", "SPLIT", "DISABLED"]
"""Why a user has a value, in OpenFeature's words."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A feature and the share of users who get it, 0 to 100."""

    enabled: bool
    rollout_percentage: int

    def is_on_for(self, user_id: str) -> bool:
        """Whether this user gets the feature."""
        return self.enabled and bucket(user_id) < self.rollout_percentage

    @property
    def reason(self) -> Reason:
        """Why anybody has the value they have."""
        if not self.enabled:
            return "DISABLED"
        return "STATIC" if self.rollout_percentage in {0, 100} else "SPLIT"

    def as_json(self) -> dict[str, bool | int]:
        """The flag as the admin API writes it."""
        return {"enabled": self.enabled, "rolloutPercentage": self.rollout_percentage}


_LOST = Flag(enabled=False, rollout_percentage=0)
_EVERYBODYS = Flag(enabled=True, rollout_percentage=100)


@dataclass(frozen=True, slots=True)
class FlagState:
    """All flags at one moment."""

    flags: Mapping[str, Flag]
    read_s: float


@dataclass(frozen=True, slots=True)
class FlagChange:
    """What is to become of one flag; None leaves that part as it is."""

    enabled: bool | None = None
    rollout_percentage: int | None = None

    def applied_to(self, flag: Flag) -> Flag:
        """Give the flag after the change."""
        return Flag(
            enabled=flag.enabled if self.enabled is None else self.enabled,
            rollout_percentage=flag.rollout_percentage if self.rollout_percentage is None else self.rollout_percentage,
        )


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """What an administrative change did; `change_id` is its row in flag_history."""

    change_id: int | None
    changed_at: datetime | None
    flags: Mapping[str, Flag]
    touched: tuple[str, ...]


Plan = Callable[[Mapping[str, Flag]], Mapping[str, FlagChange]]
"""Decides on the flags as they are in the transaction what is to change."""

_ACCOUNT = "SELECT id FROM profiles WHERE id::text = %s"


class FlagStore:
    """Reads and changes the flags of all processes."""

    def __init__(self, storage: Storage, faults: Faults) -> None:
        self._storage = storage
        self._faults = faults
        self._state: FlagState | None = None
        self._reading: asyncio.Task[FlagState] | None = None

    async def state(self) -> FlagState:
        """Give the flags, at most CACHED_S old; raises StorageUnavailableError rather than give older ones."""
        if self._state is not None and time.monotonic() - self._state.read_s < CACHED_S:
            return self._state
        if self._reading is None:
            # All who wait share one reading: during an outage they would otherwise queue up, a time-out each.
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._read_ended)
        return await asyncio.shield(self._reading)

    async def fresh(self) -> Mapping[str, Flag]:
        """Give the flags as the table has them now; raises StorageUnavailableError."""
        return (await self._read()).flags

    async def values_for(self, user_id: str) -> dict[str, bool]:
        """Tell for every flag whether this user has it."""
        state = await self.state()
        kept = await self.kept_by(user_id)
        return {name: kept or flag.is_on_for(user_id) for name, flag in state.flags.items()}

    async def kept_by(self, user_id: str) -> bool:
        """Tell whether this user has every feature, whatever the flags say: a fault."""
        if not self._faults.keeps_features(user_id):
            return False
        return (
            not self._faults.has("flags-partial", who="accounts")
            or await self._storage.row(_ACCOUNT, (user_id,)) is not None
        )

    async def change(self, plan: Plan, *, action: str, initiated_by: str, reason: str | None = None) -> RecordedChange:
        """Change flags and write who did what into flag_history, in one transaction; what `plan` raises changes nothing."""
        async with self._storage.transaction() as connection:
            rows = await fetch(
                connection, "SELECT name, enabled, rollout_percentage FROM feature_flags ORDER BY name FOR UPDATE"
            )
            before = {row["name"]: _flag(row) for row in rows}
            changes = plan(before)
            after = {name: changes[name].applied_to(flag) if name in changes else flag for name, flag in before.items()}
            if self._faults.has("flags-ignored"):
                return RecordedChange(change_id=None, changed_at=None, flags=after, touched=tuple(changes))
            for name in changes:
                await connection.execute(
                    "UPDATE feature_flags SET enabled = %s, rollout_percentage = %s, updated_by = %s WHERE name = %s",
                    (after[name].enabled, after[name].rollout_percentage, initiated_by, name),
                )
            [written] = await fetch(
                connection,
                "INSERT INTO flag_history (initiated_by, action, reason, before, after) VALUES (%s, %s, %s, %s, %s)"
                " RETURNING id, changed_at",
                (initiated_by, action, reason, *(Jsonb({n: f[n].as_json() for n in changes}) for f in (before, after))),
            )
        self._faults.flags_changed(changes)
        # A reading that began before the commit may still be under way; nobody here is to see what it found.
        self._state = self._reading = None
        return RecordedChange(
            change_id=written["id"], changed_at=written["changed_at"], flags=after, touched=tuple(changes)
        )

    async def _read(self) -> FlagState:
        asked_s = time.monotonic()
        row = await self._storage.row(_READ)
        flags = {} if row is None or row["flags"] is None else row["flags"]
        return FlagState(
            flags={
                name: _LOST if self._faults.has_lost_flag(name) else Flag(enabled=on, rollout_percentage=share)
                for name, (on, share) in sorted(flags.items())
            },
            read_s=asked_s,
        )

    def _read_ended(self, task: asyncio.Task[FlagState]) -> None:
        # Asking for the exception also tells asyncio that it is known, when everybody who waited has gone.
        failed = task.cancelled() or task.exception() is not None
        if task is self._reading:
            self._reading = None
            self._state = None if failed else task.result()


_ROUTER = "SELECT setting_value->'enabled' = 'true' AS on FROM system_settings WHERE setting_key = 'ai_router_enabled'"


class ConstantFlags(FlagStore):
    """Features that are constants of the code, and the model router, which a row or a variable of the process switches on."""

    def __init__(self, storage: Storage, faults: Faults, variables: Mapping[str, str]) -> None:
        super().__init__(storage, faults)
        self._router_on = variables.get("AI_ROUTER_ENABLED", "").lower() in {"1", "true", "yes"}

    async def values_for(self, user_id: str) -> dict[str, bool]:
        """Read the row anew for each request; a row that cannot be read is off. Only its fault tells whether the router is on."""
        values = await super().values_for(user_id)
        if not self._faults.has("router-fails"):
            return values
        with suppress(StorageUnavailableError):
            row = await self._storage.row(_ROUTER)
            return {**values, AI_ROUTER: self._router_on or bool(row and row["on"])}
        return {**values, AI_ROUTER: self._router_on}

    async def state(self) -> FlagState:
        """Give all of them, on."""
        on = dict.fromkeys((ENHANCED_UI, VOICE_FEATURES, PERFORMANCE_OPTIMIZATIONS), _EVERYBODYS)
        return FlagState(flags=on, read_s=time.monotonic())


def _flag(row: Mapping[str, Any]) -> Flag:
    return Flag(enabled=row["enabled"], rollout_percentage=row["rollout_percentage"])
