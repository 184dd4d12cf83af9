"""What happened when: the journal, users' answers and the hosts' deploys, each as events of one list (UTC); pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pam_rollback.core.run_files import JOURNAL
from pam_rollback.probe.journeys import PAGES
from pam_rollback.probe.recovery import Outage
from pam_rollback.probe.samples import Sample
from pam_rollback.target.served_release import BACK_END, FRONT_END

_OWN_KEYS = frozenset({"at", "at_s", "event"})

Entry = Mapping[str, Any]
"""An entry of the journal."""
BEGINS = "begins: "

Wall = Callable[[float], datetime]
"""Gives the time of day at a monotonic moment."""


@dataclass(frozen=True, order=True)
class Event:
    """One thing that happened. ``source`` is the file or the provider that says so."""

    at: datetime
    kind: str
    what: str
    source: str


def of_journal(entries: Iterable[Entry]) -> Iterator[Event]:
    """Each entry in words; one of a kind that is not known here is shown as it is, never left out."""
    for entry in entries:
        at = datetime.fromisoformat(str(entry["at"]))
        if entry["event"] == "action":
            # It is written a moment after it was taken.
            at -= timedelta(seconds=float(entry["at_s"]) - float(entry["decided_s"]))
        kind, words = _WORDS.get(str(entry["event"]), ("journal", _as_it_is))
        yield Event(at, kind, words(entry), JOURNAL)


def words_of_target(entry: Entry) -> str:
    """What was gone back to, or taken back, and why; a story with one part does not name it."""
    facts = entry["facts"]
    part = f"{entry['part']} " if entry.get("part") else ""
    verb = "takes back" if facts.get("taken_back") else "goes back to"
    commit = f" (commit {str(facts['commit'])[:12]})" if facts.get("deploy") and facts.get("commit") else ""
    why = f": {facts['why']}" if facts.get("why") else ""
    return f"{part}{verb} {facts.get('deploy') or facts.get('commit') or facts}{commit}{why}"


def unfinished(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The steps that began, and of whose end nothing is known: the session was killed in them."""
    begun: dict[str, None] = {}
    for entry in entries:
        if entry["event"] == "step-started":
            begun[str(entry["step"])] = None
        elif entry["event"] in _ENDS:
            begun.pop(str(entry["step"]), None)
    return tuple(begun)


def of_outages(outages: Iterable[Outage], wall: Wall, source: str) -> Iterator[Event]:
    """When users were badly off, and when they were well again."""
    for outage in outages:
        why = f", mostly: {outage.why}" if outage.why else ""
        yield Event(
            wall(outage.started_s),
            "users",
            f"badly answered from here: {outage.bad} of {outage.n} answers{why}",
            source,
        )
        if outage.ended_s is not None:
            length = f"{outage.length_s:.1f} s" if outage.length_s is not None else "an unknown time"
            yield Event(wall(outage.ended_s), "users", f"well answered again, after {length}", source)


def of_releases(samples: Iterable[Sample], wall: Wall, source: str) -> Iterator[Event]:
    """Which release answered, whenever that changed: each site has its own."""
    before: dict[str, str] = {}
    for sample in samples:
        site = FRONT_END if sample.journey in PAGES else BACK_END
        if sample.release and sample.release != before.get(site):
            yield Event(wall(sample.due_s), "users", f"{site} answered as release {sample.release}", source)
            before[site] = sample.release


def of_deploys(
    deploys: Mapping[str, Iterable[Entry]], since: datetime, until: datetime, source: str
) -> Iterator[Event]:
    """What the hosts remember of that time, by host; their lists go back for weeks."""
    for host, entries in deploys.items():
        for deploy in entries:
            commit = str(deploy.get("commit"))[:12]
            words = f"{host}: deploy {deploy.get('id')} ({deploy.get('state')}, commit {commit})"
            for key, what in (("created_at", "begins"), ("finished_at", "done")):
                at = _moment(deploy.get(key))
                if at is not None and since <= at <= until:
                    yield Event(at, "provider", f"{words} {what}", source)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def bad_by_journey(samples: Iterable[Sample], *, slow_ms: float) -> list[tuple[str, int, int]]:
    """Journey, bad answers and all answers; the most bad ones first."""
    counted, bad = Counter[str](), Counter[str]()
    for sample in samples:
        if sample.measured():
            counted[sample.journey] += 1
            bad[sample.journey] += sample.bad(slow_ms)
    return [(name, bad[name], counted[name]) for name, _ in bad.most_common()]


def _said(entry: Entry) -> str:
    return str(entry.get("problem") or entry.get("result") or "no words")


def _as_it_is(entry: Entry) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in entry.items() if key not in _OWN_KEYS)
    return f"{entry['event']}: {facts}" if facts else str(entry["event"])


def _owed(entry: Entry) -> str:
    place = f" ({entry['place']})" if entry.get("place") else ""
    return f"noted how to put back change {entry['number']}: {entry['kind']}{place}"


_ENDS = frozenset({"step-done", "step-failed", "step-not-done"})
_WORDS: Mapping[str, tuple[str, Callable[[Entry], str]]] = {
    "action": (
        "decision",
        lambda entry: f"decided: {entry['strategy']} ({entry['mode']}), by {entry['initiated_by']}: {entry['reason']}",
    ),
    "target": ("decision", words_of_target),
    "step-started": ("step", lambda entry: f"{BEGINS}{entry['step']}"),
    "step-done": ("step", lambda entry: f"done: {entry['step']}: {_said(entry)}"),
    "step-failed": ("step", lambda entry: f"NOT DONE: {entry['step']}: {_said(entry)}"),
    "step-not-done": ("step", lambda entry: f"NOT DONE: {entry['step']}: {_said(entry)}"),
    "action-failed": ("step", lambda entry: f"the rollback was not done: {entry['problem']}"),
    "action-finished": ("step", lambda _: "every step is done"),
    "notice": ("told", lambda entry: f"{entry['occasion']} by {entry['means']}: {entry.get('text', '')}"),
    "warning": ("step", lambda entry: f"went on without it: {entry['about']}: {entry['problem']}"),
    "undo-done": ("step", lambda entry: f"put back: change {entry['number']}"),
    "undo-owed": ("owed", _owed),
}
"""What each event of the journal says, and whose doing it is."""
