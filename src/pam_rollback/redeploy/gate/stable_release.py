"""Does the stable release still work on the migrated schema? Expand and contract: what it reads and writes stands, and is no stricter.

Two witnesses. The same statements on each table, as its owner and as each role of the API, before and after: one that no longer does what
it did is broken. And the catalogue, for what no row shows: what is gone, renamed, of another type, or stricter than before. Which tables
the stable release really uses nobody tells, so all that were there count as used.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.core.figures import listed
from pam_rollback.redeploy.gate.migration_files import MigrationFile, statements
from pam_rollback.redeploy.gate.migrations import Column, Picture, TrialFinding, finding, names_of

Finding = tuple[str, set[str]]
"""A sentence, and the names by which the statement that did it can be found."""
_NEEDED = frozenset({"relation", "column", "function", "type", "schema", "extension", "sequence", "trigger"})
_KEYS = ("PRIMARY KEY", "UNIQUE", "FOREIGN KEY", "CREATE UNIQUE")
_STRICT = (*_KEYS, "CHECK", "EXCLUDE")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_WORDS_OF_A_LIST = re.compile(r"(?:'(?:[^']|'')*'(?:::\w[\w ]*?)?(?=[\],)])[,\s]*)+")
_TEXT = re.compile(r"character varying\((\d+)\)|(text|character varying)")
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_EVENTS = re.compile(r" (?:BEFORE|AFTER|INSTEAD OF) (.*?) ON ")
_INTEGERS = ("smallint", "integer", "bigint")
_FLOATS = ("real", "double precision")


@dataclass(frozen=True)
class _Object:
    """Something of the catalogue, taken apart."""

    kind: str
    name: str
    definition: str

    @property
    def table(self) -> str:
        """What it belongs to, as ``schema.table``; empty for what stands by itself."""
        return (
            self.name.rpartition(".")[0] if self.kind in {"column", "constraint", "index", "trigger", "policy"} else ""
        )

    @property
    def may_be_renamed(self) -> bool:
        """Nobody asks for it by its name."""
        return self.kind in {"constraint", "index", "trigger", "policy"}

    @property
    def same(self) -> tuple[str, str, str]:
        """What makes it the same thing, whatever it is called."""
        return self.kind, self.table, re.sub(r"(INDEX|TRIGGER) \S+", r"\1", self.definition, count=1)

    @property
    def words(self) -> set[str]:
        """By which a statement can be found that speaks of it."""
        return {part for part in re.findall(r"\w+", self.name.partition("(")[0]) if part != "public"}


class Contraction:
    """Two pictures of a database. Where statements were sent as the API's roles, those say whether a changed policy takes anything away."""

    def __init__(self, before: Picture, after: Picture, *, roles_tried: bool) -> None:
        self.columns_before, self.columns_after = before.columns, after.columns
        self.old, self.new = _taken_apart(before.objects), _taken_apart(after.objects)
        self.roles_tried = roles_tried
        self.tables = {one.name for one in self.old.values() if one.kind == "relation"}
        self.known = {one.same for one in self.old.values()}

    def found(self) -> Iterator[Finding]:
        """Give what is gone or stricter."""
        yield from self._taken()
        yield from self._bound()
        before, after = self.columns_before, self.columns_after
        for name in sorted(before.keys() & after.keys()):
            if said := _harder(before[name], after[name]):
                yield f"column {name} {said}", _words(name)
        for name in sorted(after.keys() - before.keys()):
            if name.rpartition(".")[0] in self.tables and after[name].not_null and not after[name].filled:
                words = f"column {name} is new, NOT NULL and without a default: who does not know it cannot insert"
                yield words, _words(name)

    def _taken(self) -> Iterator[Finding]:
        """What is gone, or asks for more under its own name; not what only got another name that nobody asks for."""
        gone_tables = {one.name for key, one in self.old.items() if one.kind == "relation" and key not in self.new}
        elsewhere = {one.same for one in self.new.values() if one.may_be_renamed}
        for key, one in sorted(self.old.items()):
            if one.table in gone_tables or one.same in elsewhere:
                continue
            if key not in self.new and self._is_needed(one):
                yield f"{key} is gone", one.words
            elif key in self.new and (stricter := self._stricter(one, self.new[key])):
                yield f"{key} {stricter}", one.words

    def _bound(self) -> Iterator[Finding]:
        """New rules for what was there."""
        for key, one in sorted(self.new.items()):
            if key not in self.old and one.same not in self.known and one.table in self.tables and self._binds_old(one):
                yield f"{key} is new and binds what was there: {one.definition.removesuffix(' true')}", one.words

    def loosened(self) -> tuple[str, ...]:
        """Return what an older release meets changed, and that takes nothing from it as far as can be told."""
        told = []
        for key, one in sorted(self.old.items()):
            now = self.new.get(key)
            if now is None and not self._is_needed(one) and not one.definition.startswith("NOT NULL"):
                told.append(f"{key} is gone")
            elif now is not None and one.definition != now.definition and not self._stricter(one, now):
                told.append(f"{key} is changed")
        told += [
            f"{key} is new on a table that was there"
            for key, one in sorted(self.new.items())
            if key not in self.old and one.kind in {"trigger", "policy"} and one.table in self.tables
        ]
        return tuple(told)

    def insert_triggers(self) -> dict[str, str]:
        """Return what an insert into a table that was there meets and did not meet before: by trigger, its table."""
        return {
            key: one.table
            for key, one in sorted(self.new.items())
            if one.kind == "trigger"
            and one.table in self.tables
            and one.same not in self.known
            and (events := _EVENTS.search(one.definition))
            and "INSERT" in events[1]
        }

    def _is_needed(self, one: _Object) -> bool:
        if one.kind in {"constraint", "index"}:
            return one.definition.startswith(_KEYS)
        return one.kind in _NEEDED or (one.kind == "policy" and not self.roles_tried)

    def _stricter(self, one: _Object, now: _Object) -> str:
        """How the same object asks for more than before; empty when it does not, or when columns or statements say it."""
        if one.definition == now.definition:
            return ""
        if one.kind == "type":
            lost = _values(one) - _values(now)
            return f"has lost {', '.join(sorted(lost))}" if lost else ""
        if one.kind == "function":
            return _called_otherwise(one, now)
        strict = now.definition.startswith(_STRICT) and not _wider(one.definition, now.definition)
        if one.kind == "constraint" and strict:
            return f"was {one.definition.removesuffix(' true')} and is {now.definition.removesuffix(' true')}"
        if one.kind in {"policy", "relation", "sequence"} and not self.roles_tried:
            return "is changed in who may reach it, and the copy has none of the API's roles to try it as"
        return ""

    def _binds_old(self, one: _Object) -> bool:
        """Whether a new constraint or index can refuse a row of who knows none of the new columns."""
        if one.kind not in {"constraint", "index"} or not one.definition.startswith(_STRICT):
            return False
        new = (name.rpartition(".") for name in self.columns_after.keys() - self.columns_before.keys())
        columns = {column.strip('"') for table, _, column in new if table == one.table}
        return columns.isdisjoint(re.findall(r"\w+", one.definition.partition(" REFERENCES ")[0]))


def _taken_apart(objects: Mapping[str, str]) -> dict[str, _Object]:
    parts = ((key, key.partition(" "), definition) for key, definition in objects.items())
    return {key: _Object(kind, name, definition) for key, (kind, _, name), definition in parts}


def _called_otherwise(one: _Object, now: _Object) -> str:
    if _returned(one) != _returned(now):
        return f"gave {_returned(one)} and gives {_returned(now)}"
    lost = _privileges(one) - _privileges(now)
    return f"has lost its privileges {', '.join(sorted(lost))}" if lost else ""


def _values(one: _Object) -> set[str]:
    return set(one.definition.split(" ", 1)[-1].split(","))


def _returned(one: _Object) -> str:
    found = re.search(r"^ RETURNS (.*)$", one.definition, re.MULTILINE)
    return found[1] if found else "nothing"


def _privileges(one: _Object) -> set[str]:
    """Of a function: whoever may call it, as ``role=rights``; everybody, unless it is said."""
    said = one.definition.rpartition("$")[2].split()
    return {entry.partition("/")[0] for entry in said if "=" in entry} or {"=X"}


def _wider(old: str, new: str) -> bool:
    """Whether a constraint only takes more words than before, as a list of states that got one more."""
    skeletons = {_WORDS_OF_A_LIST.sub("?", one) for one in (old, new)}
    return len(skeletons) == 1 and "= ANY (" in old and set(_LITERAL.findall(old)) <= set(_LITERAL.findall(new))


def _harder(old: Column, new: Column) -> str:
    """What a column asks for that it did not."""
    if not _holds(old.type, new.type):
        return f"was {old.type} and is {new.type}"
    if new.refuses and not old.refuses:
        return "takes no value any more"
    if new.not_null and not new.filled and (not old.not_null or old.filled):
        return "is NOT NULL and has no default: a release that leaves it out cannot insert"
    if new.not_null and not old.not_null:
        return "is NOT NULL and took NULL before"
    return ""


def _holds(old: str, new: str) -> bool:
    """Whether each value of the old type is one of the new type, read the same by who knows the old one."""
    if old == new:
        return True
    for kinds in (_INTEGERS, _FLOATS):
        if old in kinds and new in kinds:
            return kinds.index(old) <= kinds.index(new)
    texts = _TEXT.fullmatch(old), _TEXT.fullmatch(new)
    if texts[0] and texts[1]:
        return texts[1][1] is None or (texts[0][1] is not None and int(texts[0][1]) <= int(texts[1][1]))
    numbers = _NUMERIC.fullmatch(old), _NUMERIC.fullmatch(new)
    if numbers[0] and numbers[1]:
        return numbers[0][2] == numbers[1][2] and int(numbers[0][1]) <= int(numbers[1][1])
    return False


def _words(name: str) -> set[str]:
    return {part for part in re.findall(r"\w+", name) if part != "public"}


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
