"""One snapshot of the catalogue: what the product's schemas are made of, and who may reach which rows.

Everything that compares it does so with an earlier one of the same kind: ``schema_changes`` what is lost, weaker or more open,
``row_access`` policies and privileges. ``catalogue_reader`` takes it. Supabase's roles are the ones that are asked about.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.core.errors import MeasurementFailed

PUBLIC = "public"
"""Every role, as a policy or a grant names it."""
CLIENTS = ("anon", "authenticated")
"""The roles that the product's users come in as: without a sign-in and with one."""
SERVICE = "service_role"
"""The role of the product's own servers."""
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
_EXPRESSION_SHOWN = 80

Kind = Literal[
    "schema",
    "role",
    "table",
    "view",
    "column",
    "constraint",
    "index",
    "trigger",
    "function",
    "type",
    "sequence",
    "extension",
]
"""The last three are read where a database has to be exactly the same, and not by a baseline."""
Names = Annotated[tuple[str, ...], Field(strict=False)]


class _Recorded(BaseModel):
    """What a baseline keeps."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Policy(_Recorded):
    """One policy as the catalogue has it."""

    permissive: bool
    roles: Names
    command: str
    """SELECT, INSERT, UPDATE, DELETE or ALL."""
    using: str
    check: str

    def __str__(self) -> str:
        kind = "" if self.permissive else "restrictive "
        parts = [f"{kind}for {self.command} to {', '.join(self.roles)}"]
        parts += [
            f"{word} {text if len(text) <= _EXPRESSION_SHOWN else text[:_EXPRESSION_SHOWN] + '…'}"
            for word, text in (("using", self.using), ("with check", self.check))
            if text
        ]
        return " ".join(parts)


class TableAccess(_Recorded):
    """One table: its switches, policies by name, and what each role may do there. A privilege on some columns names them."""

    row_security: bool
    forced: bool
    policies: Mapping[str, Policy]
    privileges: Mapping[str, Names]

    def may(self, role: str, privilege: str) -> bool:
        """Whether the role has this privilege, on all columns or on some."""
        held = (*self.privileges.get(role, ()), *self.privileges.get(PUBLIC, ()))
        return any(one.partition(" ")[0] == privilege for one in held)


class SchemaObject(_Recorded):
    """One thing of a schema. What its kind does not have stays as it is here."""

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
    may: Names = ()
    """Who of everybody, the product's users and its servers has a right to it: to create in a schema, to call a function. Of a role:
    what it may act as, and ``BYPASSRLS``."""
    access: TableAccess | None = None
    """Of a table or a view: who may reach its rows."""
    whole: str = Field(default="", exclude=True)
    """All that makes it what it is, in words, where it has to be exactly the same; no baseline keeps it."""

    @property
    def open_to(self) -> list[str]:
        """Who of everybody and the product's users may call it, or read rows of it."""
        outside = (*CLIENTS, PUBLIC)
        if self.access is None:
            return [who for who in self.may if who in outside]
        return [who for who in outside if self.access.may(who, "SELECT")]


class Catalogue(_Recorded):
    """The product's schemas at one moment."""

    taken_at: Annotated[datetime, Field(strict=False)]
    roles: Names = ()
    """Those of ``CLIENTS`` and ``SERVICE`` that there are."""
    users: Names = ()
    """The tables of users' rows, also those behind views of that name."""
    users_unknown: str = ""
    """Why it is not known which these are; empty where it is."""
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

    @property
    def access(self) -> Mapping[str, TableAccess]:
        """Of each table and view."""
        relations = {**self.of("table"), **self.of("view")}
        return {name: one.access for name, one in relations.items() if one.access is not None}

    @property
    def users_access(self) -> Mapping[str, TableAccess]:
        """Of the tables of users' rows. Raises MeasurementFailed where these are not known."""
        if self.users_unknown:
            raise MeasurementFailed(self.users_unknown)
        return {name: self.access[name] for name in self.users}

    @property
    def texts(self) -> Mapping[str, str]:
        """Of a catalogue that was read whole: each object by its kind and name, with all that makes it what it is."""
        relations = {"table", "view"}
        found = {
            f"{'relation' if kind in relations else kind} {name}": one.whole
            for kind, objects in self.objects.items()
            for name, one in objects.items()
        }
        for table, access in self.access.items():
            for name, policy in access.policies.items():
                said = ("permissive" if policy.permissive else "restrictive", *policy.roles, policy.command)
                found[f"policy {table}.{name}"] = " ".join((*said, policy.using, policy.check))
        return found
