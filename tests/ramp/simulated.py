"""A ramp in simulated time: the real invocation and journal file, and a flag service that can be killed between any two operations.

What really happened is kept apart from the journal, and judged by rules of its own: nothing here asks the code that is under test.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from pam_rollback.core.errors import Refused
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.redeploy.ramp.due import Do, World
from pam_rollback.redeploy.ramp.facts import Look
from pam_rollback.redeploy.ramp.invocation import RampJournal, RampRun, RampTools, Yes, go_on
from pam_rollback.redeploy.ramp.state import BROKEN, GOOD, GateRun, RampRules, RampStep
from tests.virtual_clock import VirtualClock

FLAGS = ("A", "B")
RELEASE, COMMIT = "1.42.0", "7cce05406677"
START_S = 1_800_000_000.0
WATCH_S = 900.0
HOLD_S, LAST_S, GAP_S, APART_S, APPROVAL_S = 7200.0, 900.0, 1200.0, 72_000.0, 86_400.0
SHARES = (10, 25, 50, 100)
RULES = RampRules(
    stages=(
        RampStep("RA-1", 10, HOLD_S),
        RampStep("RA-2", 25, HOLD_S),
        RampStep("RA-3", 50, HOLD_S),
        RampStep("RA-4", 100, LAST_S, approval=True),
    ),
    gap_s_max=GAP_S,
    apart_s_min=APART_S,
    gate_s_max=90 * 86_400,
    terms="as simulated",
)
_USERS = 60


class Killed(BaseException):
    """``kill -9``: nothing that catches exceptions sees it coming."""


@dataclass
class Killer:
    """Ends the process at one of the points that it passes, drawn by lot."""

    lot: random.Random
    left: int = 0
    """So many kills are still to come."""
    before: int = 0
    kills: "Counter[str]" = field(default_factory=Counter)

    def arm(self) -> None:
        """From here on, so many points are passed."""
        self.before = self.lot.choice((self.lot.randint(1, 12), self.lot.randint(1, 80)))

    def passes(self, point: str) -> bool:
        """Whether the process gets past this point."""
        if self.left <= 0:
            return True
        self.before -= 1
        if self.before > 0:
            return True
        self.left -= 1
        self.kills[point] += 1
        return False

    def at(self, point: str) -> None:
        """Pass the point, or die there."""
        if not self.passes(point):
            raise Killed(point)


def clock_of_the_ramp() -> VirtualClock:
    """Monotonic seconds are seconds since 1970."""
    return VirtualClock(START_S, start=datetime.fromtimestamp(0, UTC))


@dataclass(frozen=True)
class KilledJournal(RampJournal):
    """The real file; a write can be cut short."""

    killer: Killer = field(default_factory=lambda: Killer(random.Random(0)))

    def write(self, line: bytes) -> None:
        """Before, in the middle of the line, or after it."""
        self.killer.at("before a write")
        if not self.killer.passes("in the middle of a write"):
            with self.path.open("ab") as file:
                file.write(line[: self.killer.lot.randint(1, len(line) - 1)])
            raise Killed
        super().write(line)
        self.killer.at("after a write")


@dataclass
class FlagService:
    """Keeps the flags; changes them one after the other, and can be killed in between. Knows what really happened."""

    clock: VirtualClock
    killer: Killer
    flags: dict[FlagName, Flag] = field(
        default_factory=lambda: dict.fromkeys(FLAGS, Flag(enabled=False, rollout_pct=0))
    )
    history: list[tuple[float, int]] = field(default_factory=list)
    """When the largest share that anybody has changed, and to what."""

    def read_flags(self) -> Mapping[FlagName, Flag]:
        """As they are."""
        return dict(self.flags)

    def set_flags(self, changes: Mapping[FlagName, Flag]) -> None:
        """One after the other."""
        self.killer.at("before a flag change")
        for name, flag in changes.items():
            self.flags[name] = flag
            self._remember()
            self.killer.at("after a flag change")

    @property
    def share(self) -> int:
        """The largest share that anybody has."""
        return max(flag.rollout_pct if flag.enabled else 0 for flag in self.flags.values())

    def _remember(self) -> None:
        if not self.history or self.history[-1][1] != self.share:
            self.history.append((self.clock.now_s, self.share))


@dataclass
class Truth:
    """What really happened, for the judges."""

    looks: list[tuple[float, float, str, int]] = field(default_factory=list)
    yes_s: list[float] = field(default_factory=list)


@dataclass
class SimulatedRamp:
    """One ramp from the first users to everybody, or to its rollback. ``fault_s``: from then on whoever has the features fares badly."""

    path: Path
    killer: Killer
    fault_s: float | None
    lot: random.Random
    clock: VirtualClock = field(default_factory=clock_of_the_ramp)
    truth: Truth = field(default_factory=Truth)
    invocations: int = 0

    def __post_init__(self) -> None:
        self.service = FlagService(self.clock, self.killer)

    def to_its_end(self) -> str:
        """Invoke again and again, as a scheduled job does; gives how it ended."""
        approvals: list[Yes] = []
        while self.invocations < 2000:
            self.invocations += 1
            self.killer.arm()
            if approvals:
                self.truth.yes_s.append(self.clock.now_s)
            try:
                run = self._invoke(approvals)
            except Killed:
                approvals = []
                self.clock.sleep(self.lot.choice((5.0, 300.0, 1200.0, 40_000.0)))
                continue
            except Refused as refused:
                # Killed between the last note of a rollback and its exit code: the next invocation says what happened.
                return "rolled back" if "was rolled back at" in str(refused) else f"refused: {refused}"
            if run.fared.breach:
                return "rolled back"
            if run.progressed.next.do is Do.FINISHED:
                return "finished"
            if run.progressed.next.do is Do.REFUSE:
                return f"refused: {run.progressed.next.why}"
            approvals = [Yes("RA-4", "kim", "looks good")] if run.progressed.next.do is Do.WAIT else []
            self.clock.sleep(self.lot.choice((600.0, 900.0, 3600.0, 30_000.0)))
        return "never ended"

    def _invoke(self, approvals: list[Yes]) -> RampRun:
        return go_on(self.tools(), RULES, by="the job", approvals=approvals)

    def tools(self) -> RampTools:
        """What an invocation works with here."""
        return RampTools(
            journal=KilledJournal(self.path, lambda: self.clock.now_s, killer=self.killer),
            admin=self.service,
            flags=FLAGS,
            world=lambda: World(
                now_s=self.clock.now_s,
                release=RELEASE,
                commit=COMMIT,
                shares_pct={},
                gate=GateRun("gate", RELEASE, "GO", START_S - 60, commits=(COMMIT,)),
            ),
            users=self._users,
            look=self._look,
            roll_back=self._roll_back,
            tell=lambda _text: self.killer.at("before the team is told"),
            say=lambda _text: None,
            waiter=Waiter(self.clock),
        )

    def _users(self, _sample: int) -> Mapping[str, Mapping[FlagName, bool]]:
        """Users spread evenly over the hash, so that a share is exact."""
        flags = self.service.flags
        return {
            f"u{number}": {
                name: flag.enabled and number * 100 // _USERS < flag.rollout_pct for name, flag in flags.items()
            }
            for number in range(_USERS)
        }

    def _look(self, _stage: str) -> Look:
        from_s, share = self.clock.now_s, self.service.share
        self.killer.at("before a look")
        bad_s = self.fault_s if self.fault_s is not None and share > 0 else None
        if bad_s is not None and bad_s < from_s + WATCH_S:
            self.clock.sleep(max(0.0, bad_s - from_s) + 3.0)
            state = BROKEN
        else:
            self.clock.sleep(WATCH_S)
            state = GOOD
        self.truth.looks.append((from_s, self.clock.now_s, state, share))
        self.killer.at("after a look")
        return Look(from_s, self.clock.now_s, state, "as simulated")

    def _roll_back(self, _why: str) -> str:
        self.service.set_flags(dict.fromkeys(FLAGS, Flag(enabled=False, rollout_pct=0)))
        return "off"

    # ---------------------------------------------------------------- judged by what really happened

    def faults_found(self, ended: str) -> "Counter[str]":
        """What went wrong, by kind; nothing when all is as it has to be."""
        found: Counter[str] = Counter()
        for at_s, before, after in self.raises():
            expected = SHARES[SHARES.index(before) + 1] if before in SHARES[:-1] else SHARES[0] if before == 0 else None
            if after in [share for then_s, share in self.service.history if then_s < at_s]:
                found["repeated"] += 1
            elif after != expected:
                found["skipped"] += 1
            if before and not self._held_long_enough(before, at_s):
                found["left early"] += 1
            found["breach missed"] += self._blind(at_s)
            if after == SHARES[-1] and not any(0 <= at_s - yes_s <= APPROVAL_S for yes_s in self.truth.yes_s):
                found["without a yes"] += 1
        seen_broken = any(state == BROKEN for *_, state, _share in self.truth.looks)
        off = self.service.share == 0
        if (ended == "rolled back") is not (seen_broken and off) or (
            ended == "finished" and self.service.share != SHARES[-1]
        ):
            found["breach missed" if seen_broken else "wrong end"] += 1
        if ended not in {"rolled back", "finished"}:
            found["wrong end"] += 1
        return found

    def raises(self) -> list[tuple[float, int, int]]:
        """When more users got the features: moment, share before and after."""
        history = [(START_S, 0), *self.service.history]
        return [(at_s, before, after) for (_, before), (at_s, after) in pairwise(history) if after > before]

    def _held_long_enough(self, share: int, left_s: float) -> bool:
        entered_s = next(at_s for at_s, found in self.service.history if found == share)
        best_s = watched_s = 0.0
        last_s: float | None = None
        for from_s, until_s, state, _share in self.truth.looks:
            if from_s < entered_s or until_s > left_s or state != GOOD:
                continue
            watched_s = (watched_s if last_s is not None and from_s - last_s <= GAP_S else 0.0) + until_s - from_s
            best_s, last_s = max(best_s, watched_s), until_s
        return best_s >= HOLD_S and left_s - entered_s >= APART_S

    def _blind(self, raised_s: float) -> bool:
        """Whether more users were let in without a fresh good look, or after one that was broken."""
        before = [look for look in self.truth.looks if look[1] <= raised_s]
        fresh = any(state == GOOD and raised_s - until_s <= GAP_S for _, until_s, state, _ in before)
        return not fresh or any(state == BROKEN for *_, state, _ in before)


@dataclass
class Tally:
    """What came of many ramps."""

    ramps: int = 0
    invocations: int = 0
    ends: "Counter[str]" = field(default_factory=Counter)
    found: "Counter[str]" = field(default_factory=Counter)
    kills: "Counter[str]" = field(default_factory=Counter)
    raises: int = 0

    @property
    def killed(self) -> int:
        """How many kills there were."""
        return self.kills.total()


def kill_over_and_over(
    folder: Path,
    kills: int,
    seed: int,
    *,
    made: Callable[[Path, Killer, float | None, random.Random], SimulatedRamp] = SimulatedRamp,
) -> Tally:
    """Ramps until so many kills were survived; every second one breaks at a moment drawn by lot."""
    lot, tally = random.Random(seed), Tally()
    killer = Killer(lot, kills)
    while killer.left > 0:
        tally.ramps += 1
        fault_s = START_S + lot.uniform(0, 4.5 * 86_400) if tally.ramps % 2 else None
        ramp = made(folder / f"ramp-{tally.ramps}" / "ramp.jsonl", killer, fault_s, lot)
        ended = ramp.to_its_end()
        tally.ends[ended] += 1
        tally.found += ramp.faults_found(ended)
        tally.invocations += ramp.invocations
        tally.raises += len(ramp.raises())
    tally.kills = killer.kills
    return tally
