"""Is the catalogue what it was? What a baseline recorded has to stand after a rollback: not lost, not weaker, not more open.

What came since the baseline is nobody's loss: a release that is taken back may leave its tables behind, or take them with it. Only what
opens a door is told of it. A baseline that was recorded with migrations that have been taken back since cannot say what was lost and what
went with them: then nothing is known. Policies and privileges differ from place to place, so each change of them is told.

Which migrations a release knows is told by the files of its commit. What the running commit and the one before both know has to be
applied; what only the running one brought may be; everything newer is of another release.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, listed
from pam_rollback.database.catalogue import CLIENTS, PUBLIC, Catalogue, Kind, SchemaObject, TableAccess

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


_BYPASS = "BYPASSRLS"
_TEXT_SHOWN = 80


@dataclass(frozen=True)
class SchemaComparison:
    """The schema of now, held against the one of before."""

    lost: Changes
    weaker: Changes
    opened: Changes


def compare(before: Catalogue, after: Catalogue) -> SchemaComparison:
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


def _is_gone(kind: Kind, name: str, before: Catalogue, after: Catalogue) -> bool:
    """Whether it is not there, nor under another name: what a rule is called differs from place to place and from time to time."""
    if name in after.of(kind):
        return False
    was = before.of(kind)[name]
    renamed = kind in ("constraint", "index", "trigger")
    return not renamed or not any(other not in before.of(kind) and now == was for other, now in after.of(kind).items())


def _lost(before: Catalogue, after: Catalogue, gone: set[tuple[Kind, str]]) -> Iterator[str]:
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


def _weaker(before: Catalogue, after: Catalogue) -> Iterator[str]:
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


def _opened(before: Catalogue, after: Catalogue) -> Iterator[str]:
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
        gained = [who for who in now.may if who not in was.may and (kind == "role" or who in (PUBLIC, *CLIENTS))]
        if gained:
            yield told.format(who=", ".join(gained)).replace(f"act as {_BYPASS}", "pass by row level security")


def _new_door(kind: Kind, now: SchemaObject) -> Iterator[str]:
    """What came since, and lets users at rows that no policy guards."""
    who = ", ".join(now.open_to)
    if not who:
        return
    if kind == "table" and now.access is not None and not now.access.row_security:
        yield f"is new, without row level security, and open to {who}"
    elif kind == "view" and now.as_owner:
        yield f"is new, shows what {now.owner} may see, and is open to {who}"
    elif kind == "function" and now.as_owner:
        yield f"is new, is carried out with the rights of {now.owner} (SECURITY DEFINER), and {who} may call it"


def _saying(text: str) -> str:
    return f" ({_short(text)})" if text else ""


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}…"


def access_changes(before: Catalogue, after: Catalogue) -> Changes:
    """Hold policies and privileges against what they were. Row security switched on since, and rights of other roles, are no change.

    Raises MeasurementFailed where it was not known which tables have rows of users, or is not known now.
    """
    changes: list[str] = []
    compared = 0
    there, users = after.access, {*before.users_access, *after.users_access}
    for name, was in sorted(before.access.items()):
        # Whether another table is there at all is compared with the schema.
        if name not in there and name not in users:
            continue
        compared += 1 + len(was.policies) + sum(map(len, was.privileges.values()))
        found = _changed(was, there[name]) if name in there else ("is not there any more",)
        changes += [f"{name}: {what}" for what in found]
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
