"""Does the stable release still work on the migrated schema? Expand and contract: what it reads and writes stands, and is no stricter.

Two witnesses. The same statements on each table, as its owner and as each role of the API, before and after: one that no longer does what
it did is broken. And the catalogue, for what no row shows: what is gone, renamed, of another type, or stricter than before. Which tables
the stable release really uses nobody tells, so all that were there count as used.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence, listed
from pam_rollback.gate.contraction import Finding, contracted, insert_triggers, loosened
from pam_rollback.gate.migration_files import MigrationFile, statements
from pam_rollback.gate.migrations import Picture

_SHOWN = 160
_QUOTED = re.compile(r'"(\w+)"')


def words_in(message: str) -> set[str]:
    """What PostgreSQL names in a message, which it puts into quotes."""
    return set(_QUOTED.findall(message))


def blamed(pending: Sequence[MigrationFile], names: Collection[str]) -> str:
    """The migration and its statement that speaks of most of these names, the last one of equals; empty when none speaks of any."""
    wanted = {name.lower() for name in names}
    best, most = "", 0
    for migration in pending:
        for statement in statements(migration.up):
            spoken = len(wanted & set(re.findall(r"\w+", statement.lower())))
            if spoken and spoken >= most:
                shown = statement if len(statement) <= _SHOWN else statement[: _SHOWN - 1] + "…"
                best, most = f"{migration}: {shown}", spoken
    return best


OWNER = "the owner"


@dataclass(frozen=True)
class Sender:
    """Who sends a statement: the owner of the tables, or a role of the API, which may speak for a user."""

    who: str
    role: str = ""
    user: str = ""


@dataclass(frozen=True)
class Statement:
    """One that a release could send: as it is shown, and as it is sent."""

    sender: Sender
    table: str
    shown: str
    sent: str
    counted: str = ""
    """How many rows the table has: asked before and after, of a statement that adds one. Empty: the rows that it meets say enough."""


@dataclass(frozen=True)
class Ran:
    """What came of one statement: how many rows it met, or why it was refused."""

    rows: int = 0
    problem: str = ""


Battery = Mapping[Statement, Ran]


@dataclass(frozen=True, repr=False)
class StableRelease(Sentence):
    """Whether the release before works on the migrated schema, and what it meets there that is changed."""

    pending: tuple[MigrationFile, ...]
    statements: int
    """How many did something before, and were sent again."""
    objects: int
    broken: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    """What an insert would meet where none could be tried."""

    @property
    def works(self) -> bool:
        """Nothing that it reads or writes is gone or stricter.

        Raises MeasurementFailed when no statement was sent twice, or a new trigger met no insert.
        """
        if self.broken:
            return False
        if not self.statements:
            raise MeasurementFailed("no statement works on the copy as it is: is its DSN that of who owns the tables?")
        if self.untried:
            raise MeasurementFailed(f"whether the stable release can still insert is not known: {listed(self.untried)}")
        return True

    @property
    def rests_on(self) -> str:
        """What a verdict on it rests on; empty: nothing."""
        return f"the stable release meets what is changed: {listed(self.changed)}" if self.changed else ""

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="broken for the stable release on the migrated copy",
            asked="nothing",
            measured=len(self.broken),
            n=self.statements,
            definition=f"statements that do what they did; beside them {self.objects} objects of the catalogue",
        )

    def __str__(self) -> str:
        names = ", ".join(map(str, self.pending)) or "no migration"
        if self.broken:
            return f"the stable release does not work on the migrated schema: {listed(self.broken)}"
        return f"{names}: the stable release's {self.statements} statements do what they did on the migrated schema"


def still_works(
    pending: Sequence[MigrationFile], before: Picture, after: Picture, then: Battery, now: Battery
) -> StableRelease:
    """Judge it. A finding names the migration's statement, where one speaks of what is broken."""
    able = {statement: ran for statement, ran in then.items() if not ran.problem}
    as_roles = any(statement.sender.role for statement in able)
    broken = []
    for words, names in (*contracted(before, after, roles_tried=as_roles), *_refused(able, now)):
        cause = blamed(pending, names)
        broken.append(f"{words} [{cause}]" if cause else words)
    return StableRelease(
        tuple(pending),
        len(able),
        len(before.objects),
        tuple(dict.fromkeys(broken)),
        loosened(before, after, roles_tried=as_roles),
        tuple(_untried(before, after, then)),
    )


def _untried(before: Picture, after: Picture, then: Battery) -> Iterator[str]:
    """New triggers that no new row could be sent through, each with the reason."""
    for trigger, table in insert_triggers(before, after).items():
        name = table.replace('"', "")
        inserts = [ran for statement, ran in then.items() if statement.table == name and statement.counted]
        if not any(ran.rows and not ran.problem for ran in inserts):
            why = next((ran.problem for ran in inserts if ran.problem), "the copy has no row of it to insert a copy of")
            yield f"{trigger} is new, and no new row could be inserted before it came: {why}"


def _refused(able: Battery, now: Battery) -> Iterator[Finding]:
    """Statements that did something and no longer do it; of several roles with one trouble, one sentence."""
    troubles: dict[tuple[str, str, str], list[str]] = {}
    for statement, ran in able.items():
        after = now.get(statement, Ran(problem="it was not sent again"))
        if after.problem:
            said = after.problem
        elif after.rows < ran.rows:
            said = f"met {ran.rows} rows and meets {after.rows}"
        else:
            continue
        troubles.setdefault((statement.table, statement.shown, said), []).append(statement.sender.who)
    for (table, shown, said), senders in troubles.items():
        by = "" if OWNER in senders else f", as {senders[0]}"
        yield f"{shown}{by}: {said}", {table.rpartition(".")[2], *words_in(said)}
