"""Is the database's schema what it was? What a baseline recorded has to stand after a rollback: not lost, not weaker, not more open.

What came since the baseline is nobody's loss: a release that is taken back may leave its tables behind, or take them with it. Only what
opens a door is told of it. A baseline that was recorded with migrations that have been taken back since cannot say what was lost and what
went with them: then nothing is known.

Which migrations a release knows is told by the files of its commit. What the running commit and the one before both know has to be
applied; what only the running one brought may be; everything newer is of another release.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.database.row_access import CLIENTS, PUBLIC, Changes

_FILE = re.compile(r"^(?P<version>\d+)[_-].*(?<!\.down)\.sql$")


@dataclass(frozen=True)
class KnownMigrations:
    """``needed`` is the newest that has to be there; empty where the commits share none. ``own`` are newer, and known to the release."""

    needed: str
    own: tuple[str, ...] = ()


def versions_in(files: Iterable[str]) -> frozenset[str]:
    """The versions of a folder's migrations: ``VERSION_NAME.up.sql``, or ``VERSION-some words.sql`` as Supabase has them."""
    return frozenset(found["version"] for file in files if (found := _FILE.match(file.rpartition("/")[2])))


def known(running: Collection[str], before: Collection[str]) -> KnownMigrations:
    """Of the versions in the running commit and in the one before it; the same ones twice where nothing was before."""
    shared = set(running) & set(before)
    needed = max(shared, default="")
    return KnownMigrations(needed, tuple(sorted(version for version in running if version > needed)))


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


_BYPASS = "BYPASSRLS"
_TEXT_SHOWN = 80


@dataclass(frozen=True)
class SchemaComparison:
    """The schema of now, held against the one of before."""

    lost: Changes
    weaker: Changes
    opened: Changes


def compare(before: Schema, after: Schema) -> SchemaComparison:
    """Hold what is now against what was."""
    gone = {(kind, name) for kind in _kinds() for name in before.of(kind) if _is_gone(kind, name, before, after)}
    added = sum(1 for kind in _kinds() for name in after.of(kind) if name not in before.of(kind))
    taken_back = tuple(
        version
        for version in before.migrations or ()
        if after.migrations is not None and version not in after.migrations
    )

    def changes(how: str, found: Iterator[str], taken_back: tuple[str, ...] = ()) -> Changes:
        return Changes(
            tuple(found),
            before.count,
            before.taken_at,
            what=f"objects of the schema of which something {how}",
            of="objects",
            good=f"nothing of the schema {how}",
            bad=f"something of the schema {how}",
            nothing="schema",
            added=added,
            taken_back=taken_back,
        )

    return SchemaComparison(
        lost=changes("was lost", _lost(before, after, gone), taken_back),
        weaker=changes("is weaker", _weaker(before, after), taken_back),
        opened=changes("is more open", _opened(before, after)),
    )


def _kinds() -> tuple[Kind, ...]:
    return get_args(Kind)


def _is_gone(kind: Kind, name: str, before: Schema, after: Schema) -> bool:
    """Whether it is not there, nor under another name: what a rule is called differs from place to place and from time to time."""
    if name in after.of(kind):
        return False
    was = before.of(kind)[name]
    renamed = kind in ("constraint", "index", "trigger")
    return not renamed or not any(other not in before.of(kind) and now == was for other, now in after.of(kind).items())


def _lost(before: Schema, after: Schema, gone: set[tuple[Kind, str]]) -> Iterator[str]:
    for kind, name in sorted(gone, key=lambda one: (_kinds().index(one[0]), one[1])):
        was = before.of(kind)[name]
        # One cause is told once: with a table go its columns, with a column what is about it.
        if {("table", was.table), ("view", was.table)} & gone:
            continue
        if kind != "column" and any(("column", f"{was.table}.{column}") in gone for column in was.columns):
            continue
        yield f"{kind} {name}{_saying(was.definition) if kind in ('constraint', 'index') else ''}"
    for name, was in before.of("function").items():
        now = after.of("function").get(name)
        if now is not None and (lost := _no_more(was, now)):
            yield f"function {name}: {', '.join(lost)} may not call it any more"


def _no_more(was: SchemaObject, now: SchemaObject) -> list[str]:
    return [] if PUBLIC in now.may else [who for who in was.may if who not in now.may]


def _weaker(before: Schema, after: Schema) -> Iterator[str]:
    for kind in _kinds():
        for name, was in before.of(kind).items():
            now = after.of(kind).get(name)
            if now is not None:
                yield from (f"{kind} {name} {what}" for what in _weakened(kind, was, now))


def _weakened(kind: Kind, was: SchemaObject, now: SchemaObject) -> Iterator[str]:
    if was.not_null and not now.not_null:
        yield "may be null now"
    if was.definition != now.definition:
        if kind in ("function", "view"):
            yield "was replaced by another of that name"
        else:
            yield f"is {_short(now.definition)}, was {_short(was.definition)}"
    if was.default and was.default != now.default:
        yield f"has {f'the default {_short(now.default)}' if now.default else 'no default'}, had {_short(was.default)}"
    if was.in_force and not now.in_force:
        yield "is not enabled any more" if kind == "trigger" else "is not valid any more"


def _opened(before: Schema, after: Schema) -> Iterator[str]:
    for kind in _kinds():
        for name, now in after.of(kind).items():
            was = before.of(kind).get(name)
            opened = _new_door(kind, now) if was is None else _wider(kind, was, now)
            yield from (f"{kind} {name} {what}" for what in opened)


def _wider(kind: Kind, was: SchemaObject, now: SchemaObject) -> Iterator[str]:
    if was.owner != now.owner:
        yield f"belongs to {now.owner}, belonged to {was.owner}"
    if now.as_owner and not was.as_owner:
        yield f"is carried out with the rights of {now.owner} now, whoever asks"
    if kind in ("schema", "role", "function"):
        # What users may do with tables is compared with the policies that belong to it.
        words = {"schema": "lets {who} create things in it now", "function": "lets {who} call it now"}
        told = words.get(kind, "may act as {who} now")
        gained = [who for who in now.may if who not in was.may and (kind == "role" or _is_outside(who))]
        if gained:
            yield told.format(who=", ".join(gained)).replace(f"act as {_BYPASS}", "pass by row level security")


def _new_door(kind: Kind, now: SchemaObject) -> Iterator[str]:
    """What came since, and lets users at rows that no policy guards."""
    outside = [who for who in now.may if _is_outside(who)]
    if not outside:
        return
    who = ", ".join(outside)
    if kind == "table" and not now.guarded:
        yield f"is new, without row level security, and open to {who}"
    elif kind == "view" and now.as_owner:
        yield f"is new, shows what {now.owner} may see, and is open to {who}"
    elif kind == "function" and now.as_owner:
        yield f"is new, is carried out with the rights of {now.owner} (SECURITY DEFINER), and {who} may call it"


def _is_outside(who: str) -> bool:
    return who in (PUBLIC, *CLIENTS)


def _saying(text: str) -> str:
    return f" ({_short(text)})" if text else ""


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}…"
