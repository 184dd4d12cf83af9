"""Switches: where a feature is switched that no flag service knows, by a value in a row of a table or by a variable of the back end's host.

Each is on or off for everybody: there is no share of users. Only what is plainly on or off is touched.
"""

from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator

from pam_rollback.core.configuration import Table
from pam_rollback.core.errors import ActionFailed
from pam_rollback.plan.flags import Flag

ON, OFF = Flag(enabled=True, rollout_pct=100), Flag(enabled=False, rollout_pct=0)
_Name = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]


class Switch(Table):
    """Where one feature is switched: a table of ``[flags.switches]``, under the name of the feature."""

    kind: Literal["row", "variable"]
    variable: _Name = ""
    """The host's: absent or ``false`` is off, ``true`` is on, and a process reads it when it starts."""
    table: _Name = ""
    """Of Supabase's REST. The row whose ``key_column`` is ``key`` has the switch; no such row is off."""
    key_column: _Name = ""
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")] = ""
    column: _Name = ""
    """A JSON object, whose ``field`` is true or false."""
    field: _Name = ""
    also_on_by: Annotated[tuple[str, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Other switches that give users the same feature while this one is off."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> "Switch":
        for name in ("variable", "table", "key_column", "key", "column", "field"):
            wanted = (name == "variable") == (self.kind == "variable")
            if bool(getattr(self, name)) != wanted:
                raise ValueError(f"{name} is {'missing' if wanted else 'not for this'}: kind is {self.kind!r}")
        return self

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        row = f"{self.table}, {self.key_column} {self.key}, {self.column}.{self.field}"
        return f"the host's variable {self.variable}" if self.variable else row

    def is_on(self, found: object) -> bool:
        """Whether a row's object, or a variable's text, is on; none at all is off. Raises ActionFailed for what is neither."""
        told = found.get(self.field) if isinstance(found, dict) else found
        if self.variable and isinstance(told, str):
            told = {"true": True, "false": False}.get(told.lower(), told)
        if told is None or isinstance(told, bool):
            return bool(told)
        # What it is may be a secret that somebody put there by mistake.
        raise ActionFailed(
            f"{self.place}: expected true, false or nothing, found something else, which is not touched: set it by hand"
        )

    def may_be_raised(self, found: object) -> bool:
        """Whether the ``false`` is there that a rollback leaves: what somebody took away is not raised over."""
        return found == "false" if self.variable else isinstance(found, dict) and found.get(self.field) is False
