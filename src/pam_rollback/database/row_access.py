"""Who may reach which rows: row security, its policies and the privileges of roles, as they are and as they were.

What no schema may lack: a policy on each table of users' rows, a right for whoever a policy promises something, and no row shown to a
stranger. All else differs from place to place, so it is held against what was recorded before. Sources: PostgreSQL's manual, 5.9 (row
security: permissive policies add up, each restrictive one takes away; only FORCE binds the owner), and Supabase's roles.

In one module: three questions about the same policies and privileges, one of which needs how they were before.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, listed
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings

PUBLIC = "public"
"""Every role, as a policy or a grant names it."""
CLIENTS = ("anon", "authenticated")
"""The roles that the product's users come in as: without a sign-in and with one."""
SERVICE = "service_role"
"""The role of the product's own servers."""
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
_EXPRESSION_SHOWN = 80


class Policy(BaseModel):
    """One policy as the catalogue has it."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    permissive: bool
    roles: Annotated[tuple[str, ...], Field(strict=False)]
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


class TableAccess(BaseModel):
    """One table: its switches, policies by name, and what each role may do there. A privilege on some columns names them."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    row_security: bool
    forced: bool
    policies: Mapping[str, Policy]
    privileges: Mapping[str, Annotated[tuple[str, ...], Field(strict=False)]]

    def may(self, role: str, privilege: str) -> bool:
        """Whether the role has this privilege, on all columns or on some."""
        held = (*self.privileges.get(role, ()), *self.privileges.get(PUBLIC, ()))
        return any(one.partition(" ")[0] == privilege for one in held)


class RowAccess(BaseModel):
    """The tables of users' rows at one moment. Kept in a file beside a baseline."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    taken_at: Annotated[datetime, Field(strict=False)]
    roles: Annotated[tuple[str, ...], Field(strict=False)]
    """Those of ``CLIENTS`` and ``SERVICE`` that there are."""
    tables: Mapping[str, TableAccess]
    others: Mapping[str, TableAccess] = {}
    """The product's other tables, and its views: they are compared, and show no stranger what is a user's."""


def reach(access: RowAccess) -> Measured:
    """Count what no schema may lack: what the product's own policies promise, its roles have a right to. Not known without a table."""
    broken: list[str] = []
    looked_at = 0
    for name, table in access.tables.items():
        for what, holds in _promises(table, access.roles):
            looked_at += 1
            if not holds:
                broken.append(f"{name}: {what}")
    if not access.tables:
        sentence = "no table of users' rows was looked at, so nothing is known of who may reach them"
    elif broken:
        sentence = f"the product cannot reach all of its rows: {listed(broken)}"
    else:
        sentence = f"{looked_at} policies and privileges of {len(access.tables)} tables are as the product needs them"
    return Measured(
        what="policies and privileges that the product lacks",
        asked="0",
        value=len(broken) if access.tables else None,
        n=looked_at,
        margin=-len(broken),
        definition=f"{len(access.tables)} tables, roles {', '.join(access.roles) or 'of the policies alone'}",
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


@dataclass(frozen=True, repr=False)
class Changes(Fact):
    """What is not as a baseline has it, of the policies and privileges or of the schema."""

    changes: tuple[str, ...]
    compared: int
    taken_at: datetime
    what: str
    """Which of it was looked for, in the table of criteria."""
    of: str
    """What was compared, so many of it."""
    good: str
    bad: str
    """Sentences: that all stands, and that it does not."""
    nothing: str
    """Of which nothing was recorded, where that is so."""
    added: int | None = None
    """Objects that came since, where they are counted. They are not judged, but for the doors that they open."""
    taken_back: tuple[str, ...] = ()
    """Migrations of the baseline that are not applied any more, where they could explain the changes."""

    @property
    def differences(self) -> int:
        """How many there are. Raises MeasurementFailed when nothing was recorded, or what is gone may have gone with its migration."""
        if not self.compared:
            raise MeasurementFailed(f"no {self.nothing} of before was recorded, so nothing was compared")
        if self.changes and self.taken_back:
            raise MeasurementFailed(
                f"{listed(self.changes)}: the baseline was recorded with migrations that are not applied any more "
                f"({', '.join(self.taken_back)}), so it is not known what went with them; record one of the stable release"
            )
        return len(self.changes)

    @property
    def measured(self) -> Measured:
        """How many there are."""
        moment = f"{self.taken_at:%Y-%m-%d %H:%M:%S} UTC"
        since = "" if self.added is None else f"{self.added} came since"
        told = f"{self.bad}: {listed(self.changes)}" if self.changes else self.good
        return Measured(
            what=self.what,
            asked="0",
            value=len(self.changes),
            n=self.compared,
            margin=-len(self.changes),
            definition="; ".join(filter(None, (f"compared with {moment}", since))),
            sentence=f"{told} ({self.compared} {self.of} compared with {', '.join(filter(None, (moment, since)))})",
        )


def access_changes(before: RowAccess, after: RowAccess) -> Changes:
    """Hold what is now against what was. Row security that was switched on since, and rights of other roles that came, are no change."""
    changes: list[str] = []
    compared = 0
    there = {**after.others, **after.tables}
    # Whether another table is there at all is compared with the schema.
    known = {name: was for name, was in before.others.items() if name in there}
    for name, was in {**known, **before.tables}.items():
        compared += 1 + len(was.policies) + sum(map(len, was.privileges.values()))
        now = there.get(name)
        changes += [
            f"{name}: {what}" for what in (_changed(was, now) if now is not None else ("is not there any more",))
        ]
    return Changes(
        tuple(changes),
        compared,
        before.taken_at,
        what="policies and privileges that are not as before",
        of="policies and privileges",
        good="who may reach which rows is as it was",
        bad="who may reach which rows is not as it was",
        nothing="policy and no privilege",
    )


def _changed(was: TableAccess, now: TableAccess) -> Iterator[str]:
    if was.row_security and not now.row_security:
        yield "row level security was switched off"
    if was.forced and not now.forced:
        yield "row level security is not forced on the table's owner any more"
    for name, policy in was.policies.items():
        if name not in now.policies:
            yield f"policy {name} was dropped ({policy})"
        elif now.policies[name] != policy:
            yield f"policy {name} is {now.policies[name]}, was {policy}"
    for name in sorted(set(now.policies) - set(was.policies)):
        yield f"policy {name} was added ({now.policies[name]})"
    for role in sorted({*was.privileges, *now.privileges}):
        had, has = was.privileges.get(role, ()), now.privileges.get(role, ())
        if lost := _beyond(had, has):
            yield f"{role} may not {', '.join(lost)} any more"
        if role in (PUBLIC, *CLIENTS) and (gained := _beyond(has, had)):
            yield f"{role} may {', '.join(gained)} now"


def _beyond(these: Iterable[str], those: Iterable[str]) -> list[str]:
    """Which of these privileges go beyond those: on the whole table beyond some of its columns, on a column that is not among them."""
    held = {word: columns for word, _, columns in (one.partition(" ") for one in those)}

    def covered(one: str) -> bool:
        word, _, columns = one.partition(" ")
        if word not in held:
            return False
        return not held[word] or (bool(columns) and _columns(columns) <= _columns(held[word]))

    return sorted(one for one in these if not covered(one))


def _columns(text: str) -> set[str]:
    return set(text.strip("()").split(", "))
