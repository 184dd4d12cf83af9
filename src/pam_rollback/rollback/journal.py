"""The append-only record of what an action did, written before and after each change.

What is owed for a change is written *before* the change is made: whoever is killed in between has left a note that a later run can
follow (``--undo RUN``).

A full disk stops no rollback: what the run's folder does not take goes to a second place, where the same later run finds it, and what no
place takes is kept in memory, told at once, and written as soon as there is room again
(docs/decisions/consent-and-endings.md). What is owed is not lost with a file that somebody takes away: whoever wrote it knows
it, and writes it anew.

In one module: what is written and how it is read back are one format, which has to survive kills and full disks.
"""

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from pam_rollback.core import run_files
from pam_rollback.core.answer import NotJson, read_json
from pam_rollback.core.clock import Clock, SystemClock
from pam_rollback.core.outside_text import cut
from pam_rollback.http.files import append_line

ACTION_FAILED = "action-failed"
"""The event of an action that was not done although checks went on after it."""
ACTION = "action"
"""The event of an action that was decided on: strategy, environment, who, why and when."""
TARGET = "target"
"""The event of a target that was found or given: what the action brings about."""
WARNING = "warning"
"""The event of something that is wrong and does not keep a rollback from going on, such as a lock out of reach."""
TRACKED = "tracked"
"""The event of a real rollback that is on record in a tracker, with its address."""
RESUMED = "resumed"
UNDOING = "undoing"
FINISHED = "action-finished"
"""The event of an action that was done to its end."""

LINE = "line"
"""The key of each line's number, from 1 on: a line that is missing is noticed by it."""
OWED, SETTLED = "undo-owed", "undo-done"
STILL_OWED = "still-owed"
"""A step's change is put back by what an earlier one noted."""
TOLD = "undo-told"
"""The event of a person who was told to look whether a step took effect that had noted nothing."""
STARTED = "step-started"
DONE = "step-done"
ENDED = (DONE, "step-failed")
ALREADY = "already"
"""What the result of a step says that would change something and found it as wanted: it owes nothing."""

_NEEDED: Mapping[str, Mapping[str, type]] = {
    OWED: {"number": int, "kind": str, "facts": dict},
    SETTLED: {"number": int},
}
"""Without these a line cannot be followed, whole or not."""
_ONE_AT_A_TIME = threading.RLock()
"""Steps run side by side, each with a journal object of its own."""


@dataclass
class _Unwritten:
    """What a journal could not write anywhere, or wrote before, and who is told. One for each journal, however many objects it has."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)
    """The lines that this process wrote in the journal's own place."""
    told: set[str] = field(default_factory=set)
    tell: Callable[[str], object] | None = None


_UNWRITTEN: dict[Path, _Unwritten] = {}


@dataclass(frozen=True)
class Undo:
    """How to put one change back, as data and never as code. ``kind`` names the routine, ``facts`` are what it needs."""

    number: int
    kind: str
    facts: Mapping[str, Any]
    place: str = ""
    """What was changed, where one kind of change is possible in several places."""
    situation: str = ""
    """The situation whose action changed it; empty in journals that did not say so."""
    environment: str = ""
    api: str = ""
    """Where it was changed: the environment's name and the address of its API. Empty in journals that did not say so."""

    def is_owed_at(self, api: str) -> bool:
        """Whether the environment at this address is the one that was changed; a journal that does not say so has only one."""
        return self.api in {"", api}


@dataclass(frozen=True)
class Scope:
    """Whose notes a journal reads and writes: those of one situation, which changes one environment."""

    situation: str
    environment: str
    api: str
    """The address of the environment's API: two sandboxes have the same name."""


@dataclass(frozen=True)
class Damaged:
    """A line that is no event: somebody was kept from finishing it. Or, as number 0, a whole file that cannot be read, and why."""

    path: Path
    number: int
    text: str

    @property
    def owes(self) -> bool:
        """It is the beginning of a note of how to put a change back, or holds such notes."""
        event = self.text.partition('"event": "')[2]
        return not self.number or (
            event.startswith("undo-o") and (OWED.startswith(event) or event.startswith(f'{OWED}"'))
        )

    def __str__(self) -> str:
        """Where it is, and what is left of it."""
        if not self.number:
            return f"{self.path} cannot be read ({self.text})"
        return f"{self.path}, line {self.number}, is cut short: {cut(self.text, 200)}"


class Journal:
    """One run's journal: a JSON object a line, each on the disk before the next thing happens.

    ``others`` are the files that take what ``path`` does not, in this order. Writing never raises.

    The situations of a run share its file, and pytest-xdist's workers write it side by side, each with a sandbox of its own. With a
    ``scope`` it is the journal of one situation: it reads no other one's notes, and what it owes says to which environment.
    Without one it is the whole run's.
    """

    def __init__(
        self, path: Path, clock: Clock | None = None, *, others: Sequence[Path] = (), scope: Scope | None = None
    ) -> None:
        self.path = path
        self.others = tuple(others)
        self._clock = clock or SystemClock()
        self._scope = scope

    def of(self, scope: Scope) -> "Journal":
        """The same file as the journal of one situation."""
        return Journal(self.path, self._clock, others=self.others, scope=scope)

    def of_undo(self, undo: Undo) -> "Journal":
        """The journal of the situation that owes it: what another one did says nothing about this change."""
        return self.of(Scope(undo.situation, undo.environment, undo.api)) if undo.situation else self

    @property
    def _unwritten(self) -> _Unwritten:
        return _UNWRITTEN.setdefault(self.path.absolute(), _Unwritten())

    def tell_losses_to(self, tell: Callable[[str], object]) -> None:
        """Have somebody told at once of what could be noted in memory only; one sentence each."""
        self._unwritten.tell = tell

    def append(self, event: str, **facts: Any) -> bool:
        """Write one event; returns when it is on the disk, or with False when it is in memory only. Never raises."""
        entry = {
            "at": self._clock.wall().isoformat(timespec="milliseconds"),
            "at_s": self._clock.monotonic_s(),
            "event": event,
            **(run_files.stamp(run_files.JOURNAL_FORMAT) if self._begins(event) else {}),
            **facts,
            **({} if self._scope is None else {"situation": self._scope.situation}),
        }
        with _ONE_AT_A_TIME:
            # Within a situation, because the workers that write side by side have one each.
            entry[LINE] = 1 + max(_lines(self._all()).get(_situation(entry), {0}))
            waiting = self._unwritten.entries
            waiting.append(entry)
            problem = ""
            while waiting:
                problem = self._write(waiting[0])
                if problem:
                    break
                del waiting[0]
            written = not waiting
        if not written:
            self._tell(
                f"the journal {self.path} takes nothing ({problem}), and neither does a second place: it goes on in memory"
            )
        return written

    def _write(self, entry: Mapping[str, Any]) -> str:
        """Write it where there is room; gives why not when there is none."""
        line = (json.dumps(entry, ensure_ascii=False, default=str) + "\n").encode("utf-8", "replace")
        problem = ""
        taken_away = self._taken_away()
        for place in (self.path, *self.others):
            own = place == self.path
            try:
                append_line(place, b"".join([*taken_away, line]))
            except OSError as error:
                problem = problem or error.strerror or str(error)
                continue
            if own:
                self._unwritten.written.append(line)
                if taken_away:
                    self._tell(f"{self.path} was taken away, or changed, while it was written: it is there again")
            elif taken_away:
                self._unwritten.written.clear()  # the second place has them now
            return ""
        return problem or "no place"

    def _taken_away(self) -> list[bytes]:
        """What this process wrote in the journal's own place and is there no more."""
        written = [*self._unwritten.written]
        if not written:
            return []
        try:
            there = self.path.read_bytes()
        except OSError:
            return written
        if written[0] in there and written[-1] in there:
            return []
        return [line for line in written if line not in there]

    def _tell(self, what: str) -> None:
        unwritten = self._unwritten
        if what not in unwritten.told:
            unwritten.told.add(what)
            if unwritten.tell is not None:
                with suppress(Exception):  # who is told is never the reason that something is not done
                    unwritten.tell(what)

    def _begins(self, event: str) -> bool:
        """Whether this line is a session's first, which says in which format and by which version it is written."""
        if event in {RESUMED, UNDOING}:
            return True
        try:
            return self.path.stat().st_size == 0
        except OSError:
            return True

    @property
    def too_new(self) -> str:
        """Why this version cannot read it, and which one wrote it; empty when it can."""
        return next(filter(None, (run_files.too_new(entry, run_files.JOURNAL_FORMAT) for entry in self.entries())), "")

    @property
    def written_by(self) -> str:
        """The version of the suite that wrote its latest part; empty for the first, which did not say so."""
        versions = [str(entry[run_files.WRITTEN_BY]) for entry in self.entries() if run_files.WRITTEN_BY in entry]
        return versions[-1] if versions else ""

    def owe(self, kind: str, facts: Mapping[str, Any], *, place: str = "") -> Undo:
        """Note how to put the next change back, before it is made.

        What is owed already, for the same kind and place, stays as it is: the state after one's own change is not the state before it.
        """
        with _ONE_AT_A_TIME:
            known = next((undo for undo in reversed(self.owed()) if (undo.kind, undo.place) == (kind, place)), None)
            if known is not None:
                if _open_change(self.entries()):
                    self.append(STILL_OWED, number=known.number)
                return known
            # By the whole file, so that a version that knows no situations tells them apart, too.
            number = 1 + sum(1 for entry in self._all() if entry["event"] == OWED)
            scope = self._scope
            where = {} if scope is None else {"environment": scope.environment, "api": scope.api}
            if not self.append(OWED, number=number, kind=kind, place=place, facts=dict(facts), **where):
                how = (
                    f"how to put back {kind} {place or ''}".rstrip()
                    + f" is noted in memory only, since no disk takes it: {dict(facts)}"
                )
                self._tell(how)
                self.warn("undo", how)
            return Undo(number, kind, facts, place, "" if scope is None else scope.situation, **where)

    def settled(self, undo: Undo) -> None:
        """Note that the change was put back, and seen to be back."""
        whole = Journal(self.path, self._clock, others=self.others)
        whole.append(SETTLED, number=undo.number, **({"situation": undo.situation} if undo.situation else {}))

    def owed(self) -> list[Undo]:
        """What is still to be put back, the latest change first."""
        entries = self.entries()
        done = {(_situation(entry), entry["number"]) for entry in entries if entry["event"] == SETTLED}
        return [
            Undo(
                entry["number"],
                entry["kind"],
                entry["facts"],
                entry.get("place", ""),
                _situation(entry),
                str(entry.get("environment", "")),
                str(entry.get("api", "")),
            )
            for entry in reversed(entries)
            if entry["event"] == OWED and not done & {(_situation(entry), entry["number"]), ("", entry["number"])}
        ]

    def warn(self, about: str, problem: str) -> None:
        """Note what is wrong and does not keep a rollback from going on."""
        self.append(WARNING, about=about, problem=problem)

    @property
    def warnings(self) -> list[str]:
        """What was wrong and did not keep the rollback from going on, one sentence each."""
        return [f"{entry['about']}: {entry['problem']}" for entry in self.entries() if entry["event"] == WARNING]

    def latest(self, event: str, **facts: Any) -> dict[str, Any] | None:
        """The last event of that name, with these facts; None when there is none."""
        return next(
            (
                entry
                for entry in reversed(self.entries())
                if entry["event"] == event and all(entry.get(name) == value for name, value in facts.items())
            ),
            None,
        )

    def left_open(self, kind: str) -> bool:
        """Whether a step that owes this kind of note began and no end of it was written: its session was killed meanwhile."""
        states: dict[str, bool] = {}
        for entry in self.entries():
            if entry["event"] == STARTED and entry.get("owes") == kind:
                states[str(entry["step"])] = True
            elif entry["event"] in {DONE, "step-failed"} and entry["step"] in states:
                states[str(entry["step"])] = False
        return any(states.values())

    @property
    def action_began(self) -> bool:
        """The rollback was begun."""
        return any(entry["event"] == ACTION for entry in self.entries())

    @property
    def failed_actions(self) -> list[str]:
        """Why actions were not done, one sentence each."""
        return [str(entry["problem"]) for entry in self.entries() if entry["event"] == ACTION_FAILED]

    def entries(self) -> list[dict[str, Any]]:
        """All events in order, from every place and from memory; a line that somebody was kept from finishing is left out.

        A situation's journal leaves out what is another one's; what names no situation is everybody's.
        """
        scope = self._scope
        return [entry for entry in self._all() if scope is None or _situation(entry) in {"", scope.situation}]

    def _all(self) -> list[dict[str, Any]]:
        read = [list(_events(place)) for place in (self.path, *self.others)]
        taken_away = [json.loads(line) for line in self._taken_away()]
        found = [entry for one in [taken_away, *read] for entry in one if not isinstance(entry, Damaged)]
        if sum(map(bool, [*read, taken_away])) > 1:
            # Each place is in order; between them the clocks decide, which one machine wrote within one run. Where the first could not
            # be read for a while, both have the same.
            found = sorted({json.dumps(entry): entry for entry in found}.values(), key=_moment)
        return [*found, *self._unwritten.entries]

    @property
    def damaged(self) -> list[Damaged]:
        """The lines that nobody finished."""
        read = (_events(place) for place in (self.path, *self.others))
        return [entry for one in read for entry in one if isinstance(entry, Damaged)]

    @property
    def gaps(self) -> list[str]:
        """Where the journal may lack a note of how to put a change back, whoever owes it."""
        return self.lacks()

    def lacks(self, left_to_others: Collection[str] = ()) -> list[str]:
        """Where the journal may lack a note of how to put a change back, one sentence each: "nothing is owed" is not known then.

        Kinds that are ``left_to_others``, such as a planted incident, are no note of what an action changed.
        """
        found = [f"{line}; it may have said how to put a change back" for line in self.damaged if line.owes]
        for situation, there in _lines(self.entries()).items():
            if (missing := max(there) - len(there)) > 0:
                first = next(number for number in count(1) if number not in there)
                whose = f" of {situation}" if situation else ""
                found.append(
                    f"{self.path}: {missing} of {max(there)} lines{whose} are missing, the first is line {first}"
                )
        for entries in self._by_situation():
            found += _changes_without_a_note(entries, left_to_others)
        return found

    def _by_situation(self) -> list[list[dict[str, Any]]]:
        """The events of each situation. What names none is everybody's: an earlier version, or a session that goes on, wrote it."""
        entries = self.entries()
        situations = dict.fromkeys(filter(None, map(_situation, entries)))
        if len(situations) <= 1:
            return [entries]
        return [[entry for entry in entries if _situation(entry) in {"", one}] for one in situations]

    @property
    def open_change(self) -> str:
        """The step that would change something, was begun, and has no end and no note, its own or an earlier one; empty: none.

        The note comes before the change: whoever was killed there changed nothing, unless their disk was full.
        """
        return next(filter(None, map(_open_change, self._by_situation())), "")


def _situation(entry: Mapping[str, Any]) -> str:
    return str(entry.get("situation", ""))


def _lines(entries: Sequence[Mapping[str, Any]]) -> dict[str, set[int]]:
    """The numbers of the lines that there are, by situation. An earlier version wrote none."""
    found: dict[str, set[int]] = {}
    for entry in entries:
        if isinstance(entry.get(LINE), int):
            found.setdefault(_situation(entry), set()).add(entry[LINE])
    return found


def _changes_without_a_note(entries: Sequence[Mapping[str, Any]], left_to_others: Collection[str]) -> list[str]:
    if any(
        (entry["event"] == OWED and entry["kind"] not in left_to_others)
        or (entry["event"], entry.get("about")) == (WARNING, "undo")
        for entry in entries
    ):
        return []
    changing = {entry["step"] for entry in entries if entry["event"] == STARTED and entry.get("changes")}
    return [
        f"step {entry['step']!r} is done ({entry['result']}), and nothing says how to put back what it changed"
        for entry in entries
        if entry["event"] == DONE and entry["step"] in changing and ALREADY not in str(entry["result"])
    ]


def _open_change(entries: Sequence[Mapping[str, Any]]) -> str:
    step, noted = "", set[object]()
    for entry in entries:
        if entry["event"] == STARTED and entry.get("changes"):
            step = "" if entry.get("owes") in noted else str(entry["step"])
        if entry["event"] == OWED:
            noted.add(entry["kind"])
        if entry["event"] in {OWED, STILL_OWED, TOLD} or (entry["event"] in ENDED and entry["step"] == step):
            step = ""
    return step


def _events(path: Path) -> Iterator[dict[str, Any] | Damaged]:
    try:
        lines = path.read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield Damaged(path, 0, error.strerror or str(error))
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        text = line.decode("utf-8", "replace")
        yield _event(text) or Damaged(path, number, text)


def _moment(entry: Mapping[str, Any]) -> tuple[str, float]:
    """The wall clock, and within a millisecond of it the monotonic one."""
    at_s = entry.get("at_s")
    return str(entry.get("at", "")), float(at_s) if isinstance(at_s, (int, float)) else 0.0


def _event(text: str) -> dict[str, Any] | None:
    try:
        entry = read_json(text)
    except NotJson:
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("event"), str):
        return None
    needed = _NEEDED.get(entry["event"], {})
    return entry if all(isinstance(entry.get(name), kind) for name, kind in needed.items()) else None
