"""What the product's schemas are made of, as the catalogue has it at one moment. Kept in a file beside a baseline.

No rows, no comments, no bodies of functions: names, definitions of columns, rules and indexes, and a digest of what a function does.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["schema", "role", "table", "view", "column", "constraint", "index", "trigger", "function"]
Names = Annotated[tuple[str, ...], Field(strict=False)]


class SchemaObject(BaseModel):
    """One thing of a schema. What its kind does not have stays as it is here."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    table: str = ""
    """The table that it belongs to, with its schema."""
    columns: Names = ()
    """The columns of that table that it is about."""
    definition: str = ""
    """The type of a column, what a rule, an index or a trigger says, the digest of a function or a view."""
    default: str = ""
    """What a column gets without a value, also an identity or what it is computed from."""
    not_null: bool = False
    in_force: bool = True
    """A rule is validated and its index valid, an index valid, a trigger enabled."""
    owner: str = ""
    as_owner: bool = False
    """It is carried out with its owner's rights, whoever asks: SECURITY DEFINER, or a view without ``security_invoker``."""
    guarded: bool = True
    """Row level security is on."""
    may: Names = ()
    """Who of everybody, the product's users and its servers has a right to it: to create in a schema, to read a table or a view, to call
    a function. Of a role: what it may act as, and ``BYPASSRLS``."""


class Schema(BaseModel):
    """The product's schemas at one moment."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    taken_at: Annotated[datetime, Field(strict=False)]
    migrations: Annotated[tuple[str, ...] | None, Field(strict=False)] = None
    """The versions that were applied; None where the role may not read them."""
    objects: Mapping[Kind, Mapping[str, SchemaObject]]

    @property
    def count(self) -> int:
        """How many objects there are."""
        return sum(map(len, self.objects.values()))

    def of(self, kind: Kind) -> Mapping[str, SchemaObject]:
        """Those of one kind, by name."""
        return self.objects.get(kind, {})
