"""Switches: where a feature is switched that no flag service knows, by a value in a row of a table or by a variable of the back end's host.

Each is on or off for everybody: there is no share of users. Only what is plainly on or off is touched.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, Protocol

from pydantic import Field, Strict, model_validator

from pam_rollback.base.configuration import Table
from pam_rollback.base.errors import ActionFailed
from pam_rollback.plan.flags import Flag

ON, OFF = Flag(enabled=True, rollout_pct=100), Flag(enabled=False, rollout_pct=0)
_Name = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]
_Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")]


class Switch(Table):
    """Where one feature is switched: a table of ``[flags.switches]``, under the name of the feature."""

    kind: Literal["row", "variable"]
    variable: _Name = ""
    """The host's variable: absent or ``false`` is off, ``true`` is on, and a process reads it when it starts."""
    table: _Name = ""
    """Of Supabase's REST, asked with the service key."""
    key_column: _Name = ""
    key: _Key = ""
    """In ``key_column``: which row it is. No such row is off."""
    column: _Name = ""
    """A JSON object, whose ``field`` is true or false."""
    field: _Name = ""
    also_on_by: Annotated[tuple[str, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Other switches that give users the same feature while this one is off."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> "Switch":
        own = {"row": ("table", "key_column", "key", "column", "field"), "variable": ("variable",)}
        for kind, names in own.items():
            wrong = [name for name in names if bool(getattr(self, name)) != (self.kind == kind)]
            if wrong:
                raise ValueError(
                    f"{self.kind}: {wrong[0]} is {'missing' if self.kind == kind else 'not for this kind'}"
                )
        return self

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        if self.kind == "variable":
            return f"the host's variable {self.variable}"
        return f"{self.table}, {self.key_column} {self.key}, {self.column}.{self.field}"


class ServiceVariables(Protocol):
    """The variables of the back end's service at its host. Each call raises ActionFailed when the host does not do or say it."""

    def read(self, names: Collection[str]) -> Mapping[str, str | None]:
        """Give each one's text; None where it is not set."""

    def why_not_written(self) -> str:
        """Why the running build cannot be deployed again, so that nothing may be written; empty when it can."""

    def write(self, texts: Mapping[str, str]) -> None:
        """Set them, deploy the running build again without a new one, and return when that deploy is live."""

    def live_for_s(self) -> float:
        """For how many seconds the live deploy has been there, from when it was asked for: no process that read its variables is older."""

    def quickest_s(self) -> float | None:
        """How long the quickest of the latest deploys took, from the request until it was live; None where none tells."""


def is_on(switch: Switch, value: object) -> bool:
    """Whether a switch's value is on; nothing at all is off. Raises ActionFailed for what is neither."""
    told = value
    if switch.kind == "variable" and isinstance(value, str):
        told = {"true": True, "false": False}.get(value.lower(), value)
    if told is None:
        return False
    if not isinstance(told, bool):
        # Its text may be a secret that somebody put there by mistake.
        raise ActionFailed(
            f"{switch.place}: expected true, false or nothing, found something else, which is not touched: "
            "set it to true or false by hand"
        )
    return told


def why_not_raised(switch: Switch, value: object) -> str:
    """Why it is not put on: only the ``false`` that a rollback left is raised, never what somebody took away. Empty: it may be."""
    if value is False or value == "false":
        return ""
    return f"{switch.place}: expected the false that was left there, and found none: somebody changed it, and that is not raised over"
