"""The feature flags: one table is the truth for every release and worker, read again after at most 0.2 s."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from pam_sandbox.product.faults import Faults, bucket
from pam_sandbox.product.storage import Storage, StorageUnavailableError, fetch

CACHED_S = 0.2
"""The longest that a change takes to reach every process."""

VOICE_FEATURES = "PAM_VOICE_FEATURES"
_CONSTANTS = ("PAM_ENHANCED_UI", VOICE_FEATURES, "PAM_PERFORMANCE_OPTIMIZATIONS")
_ROUTER = "PAM_AI_ROUTER"
_READ = "SELECT name, enabled, rollout_percentage FROM feature_flags ORDER BY name"
_WRITE = "UPDATE feature_flags SET enabled = %s, rollout_percentage = %s, updated_by = %s WHERE name = %s"
_RECORD = (
    "INSERT INTO flag_history (initiated_by, action, reason, before, after) VALUES (%s, %s, %s, %s, %s)"
    " RETURNING id, changed_at"
)
_ACCOUNT = "SELECT id FROM profiles WHERE id::text = %s"
_ROUTER_ROW = (
    "SELECT setting_value->'enabled' = 'true' AS on FROM system_settings WHERE setting_key = 'ai_router_enabled'"
)


@dataclass(frozen=True, slots=True)
class Flag:
    """A feature and the share of users who get it, 0 to 100."""

    enabled: bool
    rollout_percentage: int

    def is_on_for(self, user_id: str) -> bool:
        """Whether this user gets the feature."""
        return self.enabled and bucket(user_id) < self.rollout_percentage

    @property
    def reason(self) -> str:
        """Why anybody has the value they have, in OpenFeature's words."""
        return "DISABLED" if not self.enabled else "STATIC" if self.rollout_percentage in {0, 100} else "SPLIT"

    def as_json(self) -> dict[str, bool | int]:
        """The flag as the admin API writes it."""
        return {"enabled": self.enabled, "rolloutPercentage": self.rollout_percentage}


OFF = Flag(enabled=False, rollout_percentage=0)
Flags = Mapping[str, Flag]


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """What an administrative change did; `change_id` is its row in flag_history."""

    change_id: int | None
    changed_at: datetime | None
    flags: Flags
    touched: tuple[str, ...]


class FlagStore:
    """Reads and changes the flags of all processes."""

    def __init__(self, storage: Storage, faults: Faults) -> None:
        self._storage = storage
        self._faults = faults
        self._known: Flags | None = None
        self._read_s = 0.0
        self._reading: asyncio.Task[Flags] | None = None

    async def known(self) -> Flags:
        """Give the flags, at most CACHED_S old; raises StorageUnavailableError rather than give older ones."""
        if self._known is not None and time.monotonic() - self._read_s < CACHED_S:
            return self._known
        if self._reading is None:
            # All who wait share one reading: during an outage they would otherwise queue up, a time-out each.
            self._reading = asyncio.create_task(self.fresh())
            asked_s = time.monotonic()
            self._reading.add_done_callback(lambda task: self._read(task, asked_s))
        return await asyncio.shield(self._reading)

    async def fresh(self) -> Flags:
        """Give the flags as the table has them now; raises StorageUnavailableError."""
        flags = _by_name(await self._storage.rows(_READ))
        return {name: OFF if self._faults.has_lost_flag(name) else flag for name, flag in flags.items()}

    async def values_for(self, user_id: str) -> dict[str, bool]:
        """Tell for every flag whether this user has it."""
        flags, kept = await self.known(), await self.kept_by(user_id)
        return {name: kept or flag.is_on_for(user_id) for name, flag in flags.items()}

    async def kept_by(self, user_id: str) -> bool:
        """Tell whether this user has every feature, whatever the flags say: a fault."""
        if not self._faults.keeps_features(user_id):
            return False
        for_all = not self._faults.has("flags-partial", who="accounts")
        return for_all or await self._storage.row(_ACCOUNT, (user_id,)) is not None

    async def change(
        self, plan: Callable[[Flags], Flags], *, action: str, initiated_by: str, reason: str | None = None
    ) -> RecordedChange:
        """Change flags and write who did what into flag_history, in one transaction.

        `plan` gives what is to change, of the flags as they are in the transaction; what it raises changes nothing.
        """
        async with self._storage.transaction() as connection:
            before = _by_name(await fetch(connection, f"{_READ} FOR UPDATE"))
            changed = plan(before)
            after = {**before, **changed}
            if self._faults.has("flags-ignored"):
                return RecordedChange(change_id=None, changed_at=None, flags=after, touched=tuple(changed))
            for name, flag in changed.items():
                await connection.execute(_WRITE, (flag.enabled, flag.rollout_percentage, initiated_by, name))
            told = (Jsonb({name: flags[name].as_json() for name in changed}) for flags in (before, after))
            [written] = await fetch(connection, _RECORD, (initiated_by, action, reason, *told))
        self._faults.flags_changed(changed)
        # A reading that began before the commit may still be under way; nobody here is to see what it found.
        self._known = self._reading = None
        return RecordedChange(written["id"], written["changed_at"], after, tuple(changed))

    def _read(self, task: asyncio.Task[Flags], asked_s: float) -> None:
        # Asking for the exception also tells asyncio that it is known, when everybody who waited has gone.
        failed = task.cancelled() or task.exception() is not None
        if task is self._reading:
            self._reading, self._read_s = None, asked_s
            self._known = None if failed else task.result()


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
        on = self._router_on
        with suppress(StorageUnavailableError):
            row = await self._storage.row(_ROUTER_ROW)
            on = on or bool(row and row["on"])
        return {**values, _ROUTER: on}

    async def known(self) -> Flags:
        """Give all of them, on."""
        return dict.fromkeys(_CONSTANTS, Flag(enabled=True, rollout_percentage=100))


def _by_name(rows: list[dict[str, Any]]) -> dict[str, Flag]:
    return {row["name"]: Flag(row["enabled"], row["rollout_percentage"]) for row in rows}
