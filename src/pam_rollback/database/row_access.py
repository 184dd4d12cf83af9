"""Can the product reach its rows, and nobody else? What no schema may lack, and what the policies show somebody who owns nothing.

A policy stands on each table of users' rows, there is a right for whoever a policy promises something, and no row is shown to a stranger.
Sources: PostgreSQL's manual, 5.9 (row security: permissive policies add up, each restrictive one takes away; only FORCE binds the owner),
and Supabase's roles.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, listed
from pam_rollback.database.catalogue import CLIENTS, PUBLIC, SERVICE, Catalogue, TableAccess
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings


def reach(catalogue: Catalogue) -> Measured:
    """Count what no schema may lack: what the product's own policies promise, its roles have a right to. Not known without a table."""
    broken: list[str] = []
    looked_at = 0
    tables = catalogue.users_access
    for name, table in tables.items():
        for what, holds in _promises(table, catalogue.roles):
            looked_at += 1
            if not holds:
                broken.append(f"{name}: {what}")
    if not tables:
        sentence = "no table of users' rows was looked at, so nothing is known of who may reach them"
    elif broken:
        sentence = f"the product cannot reach all of its rows: {listed(broken)}"
    else:
        sentence = f"{looked_at} policies and privileges of {len(tables)} tables are as the product needs them"
    return Measured(
        what="policies and privileges that the product lacks",
        asked="0",
        value=len(broken) if tables else None,
        n=looked_at,
        margin=-len(broken),
        definition=f"{len(tables)} tables, roles {', '.join(catalogue.roles) or 'of the policies alone'}",
        sentence=sentence,
    )


def _promises(table: TableAccess, roles: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    """What has to be so, and whether it is."""
    if table.row_security:  # whether it is on is a check of its own
        yield "has no policy, so its rows are hidden from every user", bool(table.policies)
    for name, policy in table.policies.items():
        # Who sees nothing may change nothing either; a right to do all begins with seeing.
        privilege = "SELECT" if policy.command == "ALL" else policy.command
        able = [role for role in roles if role in policy.roles or PUBLIC in policy.roles] or [
            role for role in policy.roles if role != PUBLIC
        ]
        signed_in = [role for role in able if role == CLIENTS[1]]
        if not policy.permissive or not able:
            continue
        yield (
            f"policy {name} lets {' or '.join(signed_in or able)} {privilege}, and no privilege does",
            any(table.may(role, privilege) for role in signed_in or able),
        )
    if SERVICE in roles:
        yield f"{SERVICE} has no privilege to SELECT", table.may(SERVICE, "SELECT")


@dataclass(frozen=True)
class Shown:
    """What a stranger is shown of one table."""

    table: str
    role: str
    row: str | None
    """The id of a row that is shown; None: no row is."""
    all_rows: bool
    """Whether every row is shown."""


@dataclass(frozen=True, repr=False)
class Strangers(Fact):
    """Whether somebody who owns nothing is shown rows, by the policies themselves. ``left_out`` says where that was not tried and why."""

    shown: tuple[Shown, ...]
    left_out: Mapping[str, str]
    unknown: Mapping[str, str]
    may_show_some: tuple[str, ...] = ()
    """Tables of which people may choose to show their own row: there every row at once is an open door, and one is none."""
    told: JudgedFindings = NOTHING_TOLD
    """What of the doors that are open is known, and why the rest counts."""

    @property
    def open(self) -> tuple[Shown, ...]:
        """Where a stranger is shown what is not theirs."""
        return tuple(
            one for one in self.shown if one.row is not None and (one.all_rows or one.table not in self.may_show_some)
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each open table, for each role; every row is more than some."""
        return tuple(map(_open_door, self.open))

    def without(self, told: JudgedFindings) -> Self:
        """Judged without the doors that are known."""
        left = tuple(replace(one, row=None) if told.knows(_open_door(one).text) else one for one in self.shown)
        return replace(self, shown=left, told=told)

    @property
    def open_tables(self) -> int:
        """How many tables are open. Raises MeasurementFailed when none is, and one is not known or none was tried."""
        if not self.open and (self.unknown or not self.shown):
            why = "; ".join(self.unknown.values()) or "; ".join(self.left_out.values()) or "there is no table"
            raise MeasurementFailed(f"whether strangers are shown rows is not known: {why}")
        return len({one.table for one in self.open})

    @property
    def measured(self) -> Measured:
        """How many tables are open."""
        open_tables = len({one.table for one in self.open})
        left_out = "".join(f"; left out: {name}: {why}" for name, why in self.left_out.items())
        return Measured(
            what="tables that show strangers rows of others",
            asked="0",
            value=open_tables,
            n=len({one.table for one in self.shown}),
            margin=-open_tables,
            definition=f"by the policies, for {' and '.join(sorted({one.role for one in self.shown})) or 'nobody'}{left_out}",
            sentence=self._sentence,
        )

    @property
    def _sentence(self) -> str:
        if not self.open:
            return f"no stranger is shown a row of {len({one.table for one in self.shown})} tables"
        told = [
            f"{one.table} shows {one.role}, who owns nothing there, {'every row' if one.all_rows else f'rows such as {one.row}'}"
            for one in self.open
            if not self.told.is_old(_open_door(one).text)
        ]
        blind = "; ".join(f"not known of {table}: {why}" for table, why in self.unknown.items() if self.told.unanswered)
        # What a baseline tells from the rest is named one by one.
        new = "; ".join(told) if self.told.compared else listed(told)
        return f"rows of users are open to others: {self.told.after(new, blind=blind)}{self.told.advice}"


def _open_door(one: Shown) -> Finding:
    return Finding("SC-4", one.table, f"shows {one.role} rows of others", 1 + one.all_rows)
