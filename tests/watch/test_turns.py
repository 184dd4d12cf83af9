"""Turns of a watch on a virtual clock: one incident is opened, kept and closed once, whatever happens to the watch meanwhile."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed, StopRequested
from pam_rollback.decision.decision import Finding, State
from pam_rollback.ops.watch.looks import IN_A_ROW, Look
from pam_rollback.ops.watch.turn_polls import Tell, WatchFiles
from pam_rollback.report.watched_incident import IncidentNews, NotTold, WatchedIncident
from tests.virtual_clock import VirtualClock
from tests.watch.simulated import DOWN, EVERY_S, Simulated, between, found

HOUR_S = 3600.0
WEEK_S = 7 * 24 * HOUR_S


def test_an_incident_is_opened_after_three_looks_and_closed_after_three(tmp_path: Path) -> None:
    """Not sooner, not later, and each once."""
    watch = Simulated(tmp_path, between({(600, 1200): DOWN}))

    turn = watch.turn(HOUR_S)

    (_, _, opened), (_, _, closed) = watch.told
    assert watch.news == ["opened", "closed"]
    assert (opened.opened - watch.clock.start).total_seconds() == 600 + (IN_A_ROW - 1) * EVERY_S
    assert (opened.recommendation, opened.command) == ("ROLL BACK NOW", "pytest drills/test_full_system.py")
    assert [(seen.criterion, seen.title) for seen in opened.found] == [("IR-2", "title of IR-2")]
    assert closed.closed is not None
    assert (closed.closed - watch.clock.start).total_seconds() == 1200 + (IN_A_ROW - 1) * EVERY_S
    assert closed.reference == f"https://tracker.example/{opened.key}"
    assert turn.calm
    assert turn.works
    assert turn.looks == HOUR_S / EVERY_S


def written(states: str, criterion: str = "IR-2") -> Callable[[float], list[Finding]]:
    """A script, look by look and over and over: ``H`` holds, ``w`` is watched, ``.`` is clear."""
    known = {"H": DOWN, "w": State.WATCH, ".": State.CLEAR}
    return lambda now_s: [found(known[states[int(now_s // EVERY_S) % len(states)]], criterion)]


@pytest.mark.parametrize("states", ["H.HHw.Hww.", "HwwwwwwwwH", "H....H...H" + 40 * "."])
def test_an_outage_that_comes_and_goes_is_told(tmp_path: Path, states: str) -> None:
    """With the words that it does, and since its first look, though no three in a row ask."""
    watch = Simulated(tmp_path, written(states))

    watch.turn(HOUR_S)

    _, _, opened = watch.told[0]
    assert watch.news[0] == "opened"
    assert re.search(r"as written \(it comes and goes: 3 of the last \d+ looks asked\)", opened.found[0].words)
    assert opened.found[0].since == watch.clock.start


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ("H" + 14 * ".", "16 of 240 looks asked for a rollback (tolerated 5 %), too far apart for an incident"),
        ("www.", "180 of 240 looks saw it (tolerated 50 %)"),
    ],
)
def test_a_turn_of_trouble_is_not_calm(tmp_path: Path, states: str, words: str) -> None:
    """Too little at a time for an incident, and nobody may call it a good turn."""
    watch = Simulated(tmp_path, written(states))

    turn = watch.turn(HOUR_S)

    assert watch.told == []
    with pytest.raises(MeasurementFailed, match=re.escape(words)):
        _ = turn.calm


@pytest.mark.parametrize(
    ("states", "criterion"),
    [
        (10 * "." + "wwwww" + 45 * ".", "IR-5"),  # 8 s of errors an hour, with a look a minute
        ("w", "IR-6"),  # memory between the levels: for ever
        (100 * "." + "H" + 139 * ".", "IR-2"),
        (20 * "." + 40 * "H" + 180 * ".", "IR-2"),  # it was told, and is over
    ],
)
def test_a_hiccup_leaves_a_turn_calm(tmp_path: Path, states: str, criterion: str) -> None:
    """And so does what was an incident."""
    assert Simulated(tmp_path, written(states, criterion)).turn(HOUR_S).calm


def test_a_turn_ends_as_a_decision_does(tmp_path: Path) -> None:
    """Roll back now is red, consider and a suspicion are not known, and nothing is green."""
    now = Simulated(tmp_path / "now", between({(600, WEEK_S): DOWN})).turn(HOUR_S)
    consider = Simulated(tmp_path / "consider", between({(600, WEEK_S): State.CONSIDER})).turn(HOUR_S)
    suspected = Simulated(tmp_path / "suspected", between({(HOUR_S - 20, WEEK_S): DOWN})).turn(HOUR_S)

    assert not now.calm
    assert "IR-2 since" in str(now)
    with pytest.raises(MeasurementFailed, match="CONSIDER"):
        _ = consider.calm
    with pytest.raises(MeasurementFailed, match="fewer than 3 looks"):
        _ = suspected.calm


def test_what_is_recommended_is_kept_up_to_date(tmp_path: Path) -> None:
    """Another criterion, or a graver recommendation, is an update; a figure that moves is none."""

    def script(now_s: float) -> list[Finding]:
        first = State.CONSIDER if now_s < 900 else DOWN
        second = DOWN if 1200 <= now_s < 1500 else State.CLEAR
        return [
            found(first if 600 <= now_s < 2000 else State.CLEAR, words=f"at {now_s}"),
            found(second, "IR-5"),
        ]

    watch = Simulated(tmp_path, script)

    watch.turn(HOUR_S)

    assert watch.news == ["opened", "updated", "updated", "updated", "closed"]
    seen = [(incident.recommendation, len(incident.found)) for _, _, incident in watch.told]
    assert seen[:4] == [("CONSIDER A ROLLBACK", 1), ("ROLL BACK NOW", 1), ("ROLL BACK NOW", 2), ("ROLL BACK NOW", 1)]


def test_the_next_turn_goes_on_and_tells_nothing_twice(tmp_path: Path) -> None:
    """An incident over three turns is opened in the first and closed in the last."""
    watch = Simulated(tmp_path, between({(600, 2.5 * HOUR_S): DOWN}))

    ends = [watch.turn(HOUR_S) for _ in range(3)]

    assert watch.news == ["opened", "closed"]
    assert [end.incident is None for end in ends] == [False, False, True]
    assert sum("goes on with pam-e-" in line for line in watch.lines) == 2


@pytest.mark.parametrize("problem", ["401", "403", "404", "429", "500", "garbage"])
def test_a_listener_that_fails_is_one_line_and_told_again(tmp_path: Path, problem: str) -> None:
    """The watch goes on, the other one is told once, and the failing one as soon as it answers: with the word that it may know already."""
    watch = Simulated(
        tmp_path,
        between({(600, 1200): DOWN}),
        names=("tracker", "channel"),
        fails=lambda name, now_s: problem if name == "tracker" and now_s < 1000 else "",
    )

    watch.turn(HOUR_S)

    assert [(name, what) for name, what, _ in watch.told] == [
        *(("channel", "opened"), ("tracker", "opened")),
        *(("tracker", "closed"), ("channel", "closed")),
    ]
    assert [incident.told_before for _, _, incident in watch.told] == [False, True, False, False]
    assert sum(f"tracker was not told: RuntimeError: {problem}" in line for line in watch.lines) == 1


def test_a_listener_that_was_certainly_not_told_is_told_as_new(tmp_path: Path) -> None:
    """Also by the next turn: else a channel that was down once would never hear of it."""

    class Refusing(Simulated):
        def _tell(self, name: str) -> Tell:
            tell = super()._tell(name)

            def refuse(what: IncidentNews, incident: WatchedIncident) -> str:
                if self.clock.now_s < 4000:
                    raise NotTold("HTTP 500")
                return tell(what, incident)

            return refuse

    watch = Refusing(tmp_path, between({(3000, WEEK_S): DOWN}))
    watch.turn(HOUR_S)
    watch.turn(HOUR_S)

    assert watch.news == ["opened"]
    assert not watch.told[0][2].told_before
    assert sum("tracker was not told: HTTP 500" in line for line in watch.lines) == 2


def test_what_was_over_before_a_listener_could_be_told_is_told_to_it_once(tmp_path: Path) -> None:
    """That it was, and is over; the other one heard both as they came, and whoever begins to listen afterwards hears nothing."""

    class Refusing(Simulated):
        def _tell(self, name: str) -> Tell:
            tell = super()._tell(name)

            def refuse(what: IncidentNews, incident: WatchedIncident) -> str:
                if name == "tracker" and self.clock.now_s < 2000:
                    raise NotTold("HTTP 500")
                return tell(what, incident)

            return refuse

    watch = Refusing(tmp_path, between({(600, 1200): DOWN}), names=("tracker", "channel"))
    watch.turn(1500)
    watch.names = ("tracker", "channel", "new")
    watch.turn(HOUR_S)
    watch.turn(HOUR_S)

    heard = [(name, what, incident.closed is not None) for name, what, incident in watch.told]
    assert heard == [("channel", "opened", False), ("channel", "closed", True), ("tracker", "closed", True)]


def test_a_listener_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its time, is named in a line, and is not asked a second time while it hangs."""
    monkeypatch.setattr("pam_rollback.ops.watch.turn_polls.TOLD_WITHIN_S", 0.05)
    calls = []

    def hang(name: str, _now_s: float) -> str:
        if name == "tracker":
            calls.append(name)
            VirtualClock(together=True).sleep(0)
            import threading  # noqa: PLC0415 - for ever

            threading.Event().wait(60)
        return ""

    watch = Simulated(tmp_path, between({(600, 1200): DOWN}), names=("tracker", "channel"), fails=hang)

    assert watch.turn(HOUR_S).looks == HOUR_S / EVERY_S
    assert [name for name, _, _ in watch.told] == ["channel", "channel"]
    assert calls == ["tracker"]
    assert sum("tracker was not told: no answer within" in line for line in watch.lines) == 1


def test_whoever_listens_later_hears_nothing_of_what_is_over(tmp_path: Path) -> None:
    """A tracker that is added today does not get last month's incidents."""
    watch = Simulated(tmp_path, between({(600, 1200): DOWN}))
    watch.turn(HOUR_S)
    watch.names = ("tracker", "new")

    watch.turn(HOUR_S)

    assert [name for name, _, _ in watch.told] == ["tracker", "tracker"]


def test_a_look_that_proves_nothing_counts_for_nothing(tmp_path: Path) -> None:
    """A red control that is good: neither calm nor a rollback. The team is told once that nothing is seen; the turn is not known."""

    def script(now_s: float) -> Look | list[Finding]:
        if 300 <= now_s < 1500:
            return Look(now_s, (found(DOWN),), blind="the red control was good")
        return [found(State.CLEAR)]

    watch = Simulated(tmp_path, script)
    turn = watch.turn(HOUR_S)

    assert watch.news == ["opened", "closed"]
    assert watch.told[0][2].recommendation == "NOT KNOWN"
    assert watch.told[0][2].found[0].words.startswith("not known for 3 looks in a row: the red control was good")
    with pytest.raises(MeasurementFailed, match=r"80 of 240 looks proved nothing .* the red control was good"):
        _ = turn.works
    assert sum("INCONCLUSIVE look: the red control was good" in line for line in watch.lines) == 1
    assert re.match("nothing asks for a rollback; .*; 80 looks proved nothing$", str(turn)), str(turn)


def test_what_is_not_known_yet_at_the_beginning_is_nobodys_fault(tmp_path: Path) -> None:
    """It does not count as good: a turn that ends by then has seen nothing. Later the same look is unknown."""

    def script(now_s: float) -> Look | list[Finding]:
        if now_s < 300:
            return Look(now_s, (found(State.UNKNOWN),), early=True)
        return [found(State.CLEAR)]

    watch = Simulated(tmp_path / "long", script)
    turn = watch.turn(HOUR_S)

    assert turn.works
    assert (turn.early, turn.looks) == (20, 220)
    with pytest.raises(MeasurementFailed, match=r"nobody looked \(20 looks came before"):
        _ = Simulated(tmp_path / "short", script).turn(300).works


def test_an_incident_is_not_closed_by_looks_that_prove_nothing(tmp_path: Path) -> None:
    """Unknown is not calm."""

    def script(now_s: float) -> list[Finding]:
        return [found(DOWN if now_s < 600 else State.UNKNOWN)]

    assert Simulated(tmp_path, script).turn(HOUR_S).incident is not None


def test_a_look_that_raises_is_a_look_that_proves_nothing(tmp_path: Path) -> None:
    """The watch goes on."""

    def script(_now_s: float) -> Look:
        raise RuntimeError("the prober is gone")

    turn = Simulated(tmp_path, script).turn(HOUR_S)

    with pytest.raises(MeasurementFailed, match="the prober is gone"):
        _ = turn.works
    assert str(turn).startswith("NOT KNOWN ("), str(turn)


def test_an_outage_after_a_time_of_blindness_is_an_incident_of_its_words(tmp_path: Path) -> None:
    """Told that nothing is seen, then that it is down, and not before three looks say so."""

    def script(now_s: float) -> Look | list[Finding]:
        if now_s < 300:
            return [found(State.UNKNOWN)]
        return [found(DOWN, words="all of it fails")]

    watch = Simulated(tmp_path, script)
    watch.turn(HOUR_S)

    assert watch.news == ["opened", "updated"]
    assert [told.recommendation for _, _, told in watch.told] == ["NOT KNOWN", "ROLL BACK NOW"]


def test_time_that_nobody_watched_is_said_and_not_counted_as_good(tmp_path: Path) -> None:
    """Between two turns, and within one, when the machine slept."""
    watch = Simulated(tmp_path, between({}))
    watch.turn(HOUR_S)
    watch.clock.sleep(HOUR_S)
    slept: list[float] = []

    def pause(seconds: float) -> None:
        watch.clock.sleep(seconds if slept else HOUR_S)
        slept.append(seconds)

    turn = watch.watching(3 * HOUR_S, pause=pause).turn()

    assert [line for line in watch.lines if "nobody watched for 36" in line] == watch.lines
    assert len(watch.lines) == 2
    assert turn.unwatched_s == HOUR_S
    with pytest.raises(MeasurementFailed, match="nobody watched for 3600 of"):
        _ = turn.works


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
def test_a_clock_that_jumps_changes_nothing(tmp_path: Path, by_s: float) -> None:
    """Looks and turns go by the time that passes."""
    watch = Simulated(tmp_path, between({(1200, 1800): DOWN}))

    def pause(seconds: float) -> None:
        watch.clock.sleep(seconds)
        watch.wall_off_s = by_s if watch.clock.now_s >= 1500 else 0.0

    turn = watch.watching(HOUR_S, pause=pause).turn()

    assert turn.looks == HOUR_S / EVERY_S
    assert turn.works
    assert watch.news == ["opened", "closed"]


def test_a_stop_hands_over(tmp_path: Path) -> None:
    """The next turn begins at once."""
    watch = Simulated(tmp_path, between({(0, WEEK_S): DOWN}))

    def pause(seconds: float) -> None:
        watch.clock.sleep(seconds)
        if watch.clock.now_s >= 600:
            raise StopRequested("by hand")

    with pytest.raises(StopRequested):
        watch.watching(HOUR_S, pause=pause).turn()
    watch.turn(HOUR_S)

    assert watch.news == ["opened"]


class Killed(BaseException):
    """``kill -9``."""


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_any_write_it_tells_nothing_blindly_twice(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thing is told once, or once more with the word that it may be known; and never not at all."""
    lot = random.Random(seed)
    watch = Simulated(tmp_path, between({(600, 9000): DOWN}))
    append, kills = WatchFiles.append, [0]

    def write(files: WatchFiles, event: object) -> None:
        if lot.random() < 0.4:
            kills[0] += 1
            if lot.random() < 0.5:
                append(files, event)  # type: ignore[arg-type]
            raise Killed
        append(files, event)  # type: ignore[arg-type]

    monkeypatch.setattr(WatchFiles, "append", write)
    while "closed" not in watch.news and watch.clock.now_s < 20 * HOUR_S:
        try:
            watch.turn(2 * HOUR_S)
        except Killed:
            watch.clock.sleep(200)

    for news in ("opened", "closed"):
        said = [incident for _, what, incident in watch.told if what == news]
        assert said, news
        assert [one.told_before for one in said] == [False, *[True] * (len(said) - 1)] or said[0].told_before
        assert len({one.key for one in said}) == 1
    assert kills[0]


def test_a_journal_that_nobody_can_read_is_named(tmp_path: Path) -> None:
    """A line that a kill cut short is passed over; one that is none of ours is not."""
    watch = Simulated(tmp_path, between({}))
    watch.turn(60)
    journal = WatchFiles(tmp_path).journal
    whole = journal.read_text(encoding="utf-8")
    journal.write_text(f'{whole}{{"at_s": 1, "ev', encoding="utf-8")

    assert watch.turn(60).works

    journal.write_text(f"{whole}[]\n", encoding="utf-8")
    with pytest.raises(MeasurementFailed, match="line 4: expected an event of a watch"):
        watch.turn(60)
