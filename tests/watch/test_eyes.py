"""What a look rests on: probers that follow each other, red controls, and the words for a channel."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.decision.decision import Finding, State
from pam_rollback.decision.watcher import Watcher
from pam_rollback.ops.watch import eyes as looking
from pam_rollback.ops.watch.channel import Channel
from pam_rollback.ops.watch.eyes import CONTROL, ROTATED_AFTER_S, Eyes, look, with_memory
from pam_rollback.ops.watch.looks import Look
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe.memory import MemoryReading
from pam_rollback.report.watched_incident import CriterionSeen, NotTold, WatchedIncident
from pam_rollback.target.front_page import FrontPage
from tests.plan.plan_scene import ROOT, Watched
from tests.virtual_clock import VirtualClock

LONGEST_S = 600.0


@dataclass
class Probers:
    """Probers that only have a file, on a clock that the test sets."""

    folder: Path
    now_s: float = 0.0
    running: int = 0
    blind: bool = False

    def start(self, number: int) -> tuple[Any, Any]:
        """Another one."""
        path, began_s = self.folder / f"watch-{number}.jsonl", self.now_s
        path.touch()
        self.running += 1

        def stop() -> None:
            self.running -= 1

        timeline = SimpleNamespace(path=path, header=SimpleNamespace(first_due_s=began_s))
        return SimpleNamespace(timeline=timeline, stop=stop), _Seen(self, began_s)

    @property
    def files(self) -> list[str]:
        """Those that are there."""
        return sorted(file.name for file in self.folder.iterdir())


@dataclass
class _Seen:
    probers: Probers
    first_due_s: float

    @property
    def settled_s(self) -> float:
        """Now."""
        if self.probers.blind:
            raise MeasurementFailed("the prober is gone")
        return self.probers.now_s


def eyes_of(probers: Probers) -> Eyes:
    """With watchers that only know how far they look back."""
    return Eyes(probers.start, lambda _seen: SimpleNamespace(longest_s=LONGEST_S))  # type: ignore[arg-type, return-value]


def test_a_day_has_two_probers_at_most_and_always_looks_back_far_enough(tmp_path: Path) -> None:
    """Nothing is left of those before: disk and memory stay as they are after an hour."""
    probers = Probers(tmp_path)
    eyes = eyes_of(probers)
    for now_s in range(0, 86_400, 60):
        probers.now_s = now_s
        eyes.look()
        assert len(probers.files) <= 2
        assert probers.running == len(probers.files)
        age_s = now_s - eyes.began_s
        assert now_s <= LONGEST_S or LONGEST_S < age_s <= ROTATED_AFTER_S + LONGEST_S + 180
    eyes.close()

    assert (probers.running, probers.files) == (0, [])


def test_a_prober_that_is_gone_has_a_successor(tmp_path: Path) -> None:
    """This look proves nothing, the next one has eyes again."""
    probers = Probers(tmp_path)
    eyes = eyes_of(probers)
    probers.blind = True
    with pytest.raises(MeasurementFailed, match="gone"):
        eyes.look()
    probers.blind = False

    eyes.look()

    assert (probers.running, probers.files) == (1, ["watch-2.jsonl"])


def watcher(*, red: bool = True, state: State = State.CLEAR) -> Any:
    """One whose findings are written out."""
    finding = SimpleNamespace(finding=Finding("IR-2", state, "as written"))
    return SimpleNamespace(
        longest_s=LONGEST_S,
        blind=lambda _since_s, **_how: "" if red else "back end: as written",
        seen=lambda _since_s: SimpleNamespace(watch=SimpleNamespace(all=(finding,))),
    )


@pytest.mark.parametrize(
    ("red", "state", "status", "offline", "blind"),
    [
        (True, State.CLEAR, None, False, ""),
        (True, State.CLEAR, 502, False, ""),
        (True, State.CLEAR, 200, False, "was answered with 200"),
        (True, State.HOLDS, 302, False, "was answered with 302"),
        (False, State.CLEAR, None, False, "an outage would not be seen"),
        (False, State.UNKNOWN, None, False, "an outage would not be seen"),
        (False, State.HOLDS, None, False, ""),
        (True, State.HOLDS, None, True, "seems to be offline"),
        (False, State.HOLDS, None, True, "seems to be offline"),
    ],
)
def test_red_controls(
    monkeypatch: pytest.MonkeyPatch, *, red: bool, state: State, status: int | None, offline: bool, blind: str
) -> None:
    """A control that is good, or a machine without a network, and the look proves nothing.

    That another part's outage would not be seen takes nothing from one that is.
    """

    def refuse(_environment: object, what: str) -> None:
        if offline:
            raise MeasurementFailed(f"{what}: this machine seems to be offline")

    asked: list[str] = []

    def answer(url: str, **_: object) -> Any:
        asked.append(url)
        return SimpleNamespace(http_status=status)

    monkeypatch.setattr(looking, "refuse_when_offline", refuse)
    monkeypatch.setattr(looking, "fetch", answer)
    monkeypatch.setattr(looking, "ask_front_page", lambda _: FrontPage("http://site.test/", (), 9))
    environment: Any = SimpleNamespace(probing=SimpleNamespace(request_deadline_s=1))
    eyes: Any = SimpleNamespace(look=lambda: watcher(red=red, state=state), began_s=-10_000)

    found = look(environment, eyes, VirtualClock())

    assert asked == [CONTROL]
    assert (blind in found.blind) if blind else not found.blind
    assert bool(found.unknown) == (bool(blind) or not red)
    assert found.asks == (state is State.HOLDS and not blind)
    assert not found.early


@pytest.mark.parametrize(
    ("problems", "files", "state"),
    [
        ((), 9, State.CLEAR),
        (("none of its 14 scripts names the supabase",), 9, State.CONSIDER),
        (("HTTP 403",), 0, State.CLEAR),  # a page that is not answered is the prober's to tell
    ],
)
def test_a_page_that_is_answered_and_is_not_the_site(
    monkeypatch: pytest.MonkeyPatch, problems: tuple[str, ...], files: int, state: State
) -> None:
    """A build without its variables, or without half of its files: every answer is good, and users see an error on each page."""
    monkeypatch.setattr(looking, "fetch", lambda *_, **__: SimpleNamespace(http_status=None))
    monkeypatch.setattr(looking, "ask_front_page", lambda _: FrontPage("http://site.test/", problems, files))
    environment: Any = SimpleNamespace(probing=SimpleNamespace(request_deadline_s=1))

    found = look(environment, cast("Any", SimpleNamespace(look=watcher, began_s=-10_000)), VirtualClock())

    assert states(found) == {"IR-2": state}
    assert all(one.parts == ("front end",) and problems[0] in one.words for one in found.findings if found.asks)


def test_the_same_answers_all_turned_bad_are_an_outage() -> None:
    """By the rules that say "calm" of them; without a single answer the control is not red."""
    plan = load_plan(ROOT / "plan.toml")
    calm = Watcher(Watched(), plan, 1.0, None)  # type: ignore[arg-type]

    assert calm.seen(0).watch.downtime.finding.state is State.CLEAR
    assert calm.blind(0) == ""

    nobody = Watched(for_s=1000)
    nobody._all.clear()

    assert Watcher(nobody, plan, 1.0, None).blind(0) == "front end: no answers; back end: no answers"  # type: ignore[arg-type]
    assert Watcher(nobody, plan, 1.0, None).blind(0, early=True) == ""  # type: ignore[arg-type]

    nobody._all += [replace(one, void="nobody could sign in") for one in Watched(for_s=1000)._all]

    said = "front end: nobody could sign in; back end: nobody could sign in"
    assert Watcher(nobody, plan, 1.0, None).blind(0) == said  # type: ignore[arg-type]
    assert Watcher(nobody, plan, 1.0, None).blind(0, early=True) == ""  # type: ignore[arg-type]


def test_an_outage_is_seen_beside_a_part_of_which_nothing_is() -> None:
    """The worst part decides."""
    bad = Watched(lambda _: True)
    bad._all = bad._all[1::2]
    half = Watcher(bad, PLAN, 1.0, None)  # type: ignore[arg-type]

    assert half.blind(0) == "front end: no answers"
    assert half.seen(0).watch.downtime.finding.state is State.HOLDS


PLAN = load_plan(ROOT / "plan.toml")
CALM = Look(0, (Finding("IR-2", State.CLEAR, "as written"),))
DOWN = Look(0, (Finding("IR-2", State.HOLDS, "as written"),))


def readings(mb: float, grows_mb: float = 0.0) -> tuple[MemoryReading, ...]:
    """One a minute."""
    return tuple(MemoryReading(60.0 * place, mb + grows_mb * place) for place in range(20))


def states(look: Look) -> dict[str, State]:
    """By criterion."""
    return {finding.criterion: finding.state for finding in look.findings}


def test_memory_is_looked_at_where_somebody_tells_it() -> None:
    """As the decision judges it, beside what users get."""
    assert with_memory(CALM, None, PLAN) is CALM
    assert states(with_memory(CALM, lambda: readings(60), PLAN)) == {"IR-2": State.CLEAR, "IR-6": State.CLEAR}
    assert states(with_memory(DOWN, lambda: readings(210, 1), PLAN)) == {"IR-2": State.HOLDS, "IR-6": State.HOLDS}
    blind = replace(CALM, blind="offline")
    assert with_memory(blind, lambda: readings(210, 1), PLAN) is blind


def test_a_service_that_is_down_tells_no_memory() -> None:
    """That alone makes no look worthless while an outage is seen, or nobody could act on it; while all is well, it is not known."""

    def silent() -> tuple[MemoryReading, ...]:
        raise MeasurementFailed("memory is not known: no answer")

    assert with_memory(DOWN, silent, PLAN) is DOWN
    assert with_memory(CALM, silent, PLAN).unknown == "IR-6: memory is not known: no answer"


def test_a_leak_that_would_not_be_seen_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The red control of memory. It says nothing of what users get."""
    monkeypatch.setattr(looking, "is_red_when_it_leaks", lambda *_: False)

    assert "a leak would not be seen" in with_memory(CALM, lambda: readings(60), PLAN).unknown
    assert states(with_memory(DOWN, lambda: readings(60), PLAN)) == {"IR-2": State.HOLDS, "IR-6": State.UNKNOWN}


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
INCIDENT = WatchedIncident(
    key="pam-e-1",
    environment="e",
    recommendation="ROLL BACK NOW",
    found=(CriterionSeen("IR-2", "Down", "0 of 9 answers good", MOMENT),),
    strategy="ST-5",
    strategy_title="All of it",
    rehearsed="4 s of 3 drills",
    command="pytest drills/test_full_system.py",
    opened=MOMENT,
    seen=MOMENT,
    run="run",
)


@dataclass
class Team:
    """A channel."""

    problem: str = ""
    heard: str = ""
    thread: str = ""

    def tell(self, text: str, thread: str = "") -> tuple[str, str]:
        """Hear it."""
        self.heard, self.thread = text, thread
        return ("" if self.problem else thread or "17.1"), self.problem


def test_the_channel_is_not_told_twice() -> None:
    """Nobody can look whether the message before arrived. One that was refused is known not to be there."""
    team: Any = Team()
    Channel(team)("opened", replace(INCIDENT, told_before=True))

    assert team.heard == ""
    with pytest.raises(NotTold, match="500"):
        Channel(cast("Any", Team("HTTP 500")))("opened", INCIDENT)
