"""Turns of a watch in simulated time: the real turn and its files, with looks that are written out and listeners that only remember."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pam_rollback.decision.decision import Finding, State
from pam_rollback.ops.watch.looks import Look, Moment, Streaks, Turn
from pam_rollback.ops.watch.turn_polls import Advised, Tell, WatchFiles, Watching, WatchTools
from pam_rollback.report.watched_incident import IncidentNews, WatchedIncident
from tests.virtual_clock import VirtualClock

EVERY_S = 15.0
DOWN = State.HOLDS


def found(state: State, criterion: str = "IR-2", words: str = "as written") -> Finding:
    """One finding."""
    return Finding(criterion, state, words)


@dataclass
class Simulated:
    """A watch, and what the world heard of it. ``script`` says what is found, by seconds since the start."""

    folder: Path
    script: Callable[[float], Look | Sequence[Finding]]
    clock: VirtualClock = field(default_factory=VirtualClock)
    wall_off_s: float = 0.0
    """How far the time of day is off."""
    told: list[tuple[str, str, WatchedIncident]] = field(default_factory=list)
    """Listener, what it was told, incident."""
    lines: list[str] = field(default_factory=list)
    fails: Callable[[str, float], str] = lambda _listener, _now_s: ""
    names: tuple[str, ...] = ("tracker",)
    turns: int = 0
    every_s: float = EVERY_S

    def now(self) -> Moment:
        """By both clocks."""
        return Moment(self.clock.now_s, self.clock.wall().timestamp() + self.wall_off_s)

    def turn(self, length_s: float) -> Turn:
        """One turn."""
        return self.watching(length_s).turn()

    def watching(self, length_s: float, *, pause: Callable[[float], None] | None = None) -> Watching:
        """One that has not begun."""
        self.turns += 1
        return Watching(
            WatchTools(
                files=WatchFiles(self.folder),
                look=self.look,
                advise=self.advise,
                title=lambda criterion: f"title of {criterion}",
                listeners={name: self._tell(name) for name in self.names},
                now=self.now,
                pause=pause or self.clock.sleep,
                say=self.lines.append,
                environment="e",
                run=f"run-{self.turns}",
                every_s=self.every_s,
                length_s=length_s,
                watched=("IR-2", "IR-5"),
                not_judged=("IR-3",),
            )
        )

    def look(self) -> Look:
        """What the script says."""
        seen = self.script(self.clock.now_s)
        return seen if isinstance(seen, Look) else Look(self.now().wall_s, tuple(seen))

    @staticmethod
    def advise(criteria: Sequence[str], streaks: Streaks) -> Advised:
        """By the gravest."""
        holds = any((latest := streaks.of[name].latest) and latest.state is State.HOLDS for name in criteria)
        words = "ROLL BACK NOW" if holds else "CONSIDER A ROLLBACK"
        return Advised(words, "ST-5", "All of it", "4 s of 3 drills", "pytest drills/test_full_system.py")

    def _tell(self, name: str) -> Tell:
        def tell(what: IncidentNews, incident: WatchedIncident) -> str:
            problem = self.fails(name, self.clock.now_s)
            if problem:
                raise RuntimeError(problem)
            self.told.append((name, what, incident))
            return f"https://{name}.example/{incident.key}"

        return tell

    @property
    def news(self) -> list[str]:
        """What somebody was told, in order."""
        return [what for _, what, _ in self.told]


def between(spans: Mapping[tuple[float, float], State], criterion: str = "IR-2") -> Callable[[float], list[Finding]]:
    """A script: a criterion's state by times, and clear otherwise."""

    def script(now_s: float) -> list[Finding]:
        states = [state for (since_s, until_s), state in spans.items() if since_s <= now_s < until_s]
        return [found(states[0] if states else State.CLEAR, criterion), found(State.CLEAR, "IR-5")]

    return script
