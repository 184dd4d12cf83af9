"""Does the stable release still work on the migrated schema? Expand and contract: what it reads and writes stands, and is no stricter.

Two witnesses. The same statements on each table, as its owner and as each role of the API, before and after: one that no longer does what
it did is broken. And the catalogue, for what no row shows: what is gone, renamed, of another type, or stricter than before. Which tables
the stable release really uses nobody tells, so all that were there count as used.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.base.figures import listed
from pam_rollback.gate.contraction import Contraction, Finding
from pam_rollback.gate.migration_files import MigrationFile, statements
from pam_rollback.gate.migrations import Picture, TrialFinding, finding, names_of

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


def still_works(
    pending: Sequence[MigrationFile], before: Picture, after: Picture, then: Battery, now: Battery
) -> TrialFinding:
    """Say whether the release before works on the migrated schema. What is broken names the migration's statement that speaks of it.

    Nothing is known when no statement was sent twice, or a new trigger met no insert.
    """
    able = {statement: ran for statement, ran in then.items() if not ran.problem}
    contraction = Contraction(before, after, roles_tried=any(statement.sender.role for statement in able))
    found = []
    for words, names in (*contraction.found(), *_refused(able, now)):
        cause = blamed(pending, names)
        found.append(f"{words} [{cause}]" if cause else words)
    broken = tuple(dict.fromkeys(found))
    changed, untried = contraction.loosened(), tuple(_untried(contraction, then))
    unknown = f"whether the stable release can still insert is not known: {listed(untried)}" if untried else ""
    if not able:
        unknown = "no statement works on the copy as it is: is its DSN that of who owns the tables?"
    return finding(
        "broken for the stable release on the migrated copy",
        broken,
        len(able),
        asked="nothing",
        good=f"{names_of(pending)}: the stable release's {len(able)} statements do what they did on the migrated schema",
        bad=f"the stable release does not work on the migrated schema: {listed(broken)}",
        definition=f"statements that do what they did; beside them {len(before.objects)} objects of the catalogue",
        unknown=unknown,
        rests_on=f"the stable release meets what is changed: {listed(changed)}" if changed else "",
        more=(*changed, *untried),
    )


def _untried(contraction: Contraction, then: Battery) -> Iterator[str]:
    """New triggers that no new row could be sent through, each with the reason."""
    for trigger, table in contraction.insert_triggers().items():
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
