"""Flags are read right before each write: what somebody else did meanwhile is never raised over, by no action and at no moment."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pam_rollback.core.errors import ActionFailed, LockLost, MeasurementFailed, ProviderError, UndoFailed
from pam_rollback.core.wait import Waiter, before_change, gated_by
from pam_rollback.plan.flags import Flag
from pam_rollback.plan.plan import load_plan
from pam_rollback.rollback.flag_facts import Fare, exposure_pct
from pam_rollback.rollback.flags import SETTING, Flags, raise_flags, switched_off, undo_flags
from pam_rollback.rollback.gradual import GoingDown, Way, take_back_by_shares
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.step_list import StepList, Telling
from pam_rollback.rollback.steps import StepsFailed
from tests.sessions import ROOT
from tests.virtual_clock import VirtualClock

NAMES = ("A", "B")
OFF = Flag(enabled=False, rollout_pct=0)
TARGET = dict.fromkeys(NAMES, OFF)
STRATEGY = load_plan(ROOT / "plan.toml").strategy("gradual")


def on(pct: int) -> dict[str, Flag]:
    """Both at this share."""
    return dict.fromkeys(NAMES, Flag(enabled=True, rollout_pct=pct))


@dataclass
class Console:
    """A flag service that somebody else uses, too: before each read they may have changed a flag. It knows who raised what."""

    flags: dict[str, Flag] = field(default_factory=lambda: on(100))
    theirs: list[dict[str, Flag]] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    written: list[Mapping[str, Flag]] = field(default_factory=list)

    def read_flags(self) -> Mapping[str, Flag]:
        """As they are, after what somebody else did."""
        if self.theirs:
            self.flags.update(self.theirs.pop(0))
        return dict(self.flags)

    def set_flags(self, changes: Mapping[str, Flag]) -> None:
        """Take them all, where the client may send it."""
        before_change("the flags")
        self.raised += [
            f"{name}: {self.flags[name]} -> {flag}"
            for name, flag in changes.items()
            if exposure_pct(flag) > exposure_pct(self.flags[name])
        ]
        self.written.append(changes)
        self.flags.update(changes)


def gradually(console: Console, journal: Journal) -> None:
    """Down over all shares."""

    def fare(_since_s: float) -> Fare:
        raise MeasurementFailed("nobody watches")

    clock = VirtualClock()
    way = Way(hold_s=40, increase_pct_max=50, fast_ms=500)
    down = GoingDown(Flags(console, None, journal, Waiter(clock)), fare, way, TARGET, [])
    steps = StepList(journal)
    take_back_by_shares(steps, down, STRATEGY)
    steps.carry_out(Telling(None, "", journal, clock), 0.0)


def at_once(console: Console, journal: Journal) -> None:
    """Off for all."""
    clock = VirtualClock()
    switched_off(Flags(console, None, journal, Waiter(clock)), TARGET, [], Telling(None, "", journal, clock), 0.0)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl")


def undo(console: Console, journal: Journal) -> None:
    """Put back what is owed."""
    for owed in journal.owed():
        undo_flags(owed, console, journal, Waiter(VirtualClock()))


def test_a_frozen_gradual_rollback_does_not_let_users_in_again(journal: Journal) -> None:
    """Between 50 and 25 % somebody else switched everything off. It went on from what it knew, and raised from 0 to 25 %."""
    console = Console(theirs=[{}, {}, {}, dict(TARGET)])
    gradually(console, journal)

    assert console.written == [on(50)]
    assert console.raised == []
    assert console.flags == TARGET


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.fixed_dictionaries(
        dict.fromkeys(NAMES, st.builds(Flag, enabled=st.booleans(), rollout_pct=st.integers(0, 100)))
    ),
    theirs=st.lists(
        st.dictionaries(
            st.sampled_from(NAMES),
            st.builds(Flag, enabled=st.booleans(), rollout_pct=st.sampled_from((0, 5, 25, 60, 100))),
        ),
        max_size=12,
    ),
    act=st.sampled_from([gradually, at_once]),
)
def test_no_rollback_raises_exposure(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, Flag],
    theirs: list[dict[str, Flag]],
    act: Callable[[Console, Journal], None],
) -> None:
    """Whatever others do between its requests, it may fail, and never lets anybody in; its undo never goes above what was recorded."""
    console = Console(flags=dict(before), theirs=list(theirs))
    journal = Journal(tmp_path_factory.mktemp("run") / "journal.jsonl")
    with suppress(StepsFailed):
        act(console, journal)
    assert console.raised == []

    recorded = {name: state for owed in journal.owed() for name, state in owed.facts["flags"].items()}
    console.written.clear()
    with suppress(UndoFailed):
        undo(console, journal)
    for name, flag in (pair for changes in console.written for pair in changes.items()):
        assert exposure_pct(flag) <= exposure_pct(Flag(recorded[name]["enabled"], recorded[name]["rollout_pct"]))


@pytest.mark.parametrize("act", [gradually, at_once])
def test_a_rollback_that_lost_its_lock_says_what_is_left(
    journal: Journal, act: Callable[[Console, Journal], None]
) -> None:
    """It wrote nothing more, by no step; the failed step says why, and those that were not done are named."""

    def lost(what: str) -> None:
        raise LockLost(f"stopped before {what}, which was not sent: taken by run run-3")

    console = Console()
    with gated_by(lost), pytest.raises(StepsFailed, match=r"stopped before the flags.* taken by run run-3") as failed:
        act(console, journal)

    assert console.written == []
    assert [record.name for record in failed.value.records if record.essential and not record.done]
    undo(console, journal)
    assert console.flags == on(100)


def test_an_undo_does_not_go_over_somebody_elses_change(journal: Journal) -> None:
    """After the rollback a ramp let 10 % in: that one stays, the other goes back, and a person is told both values."""
    console = Console()
    gradually(console, journal)
    console.flags["A"] = Flag(enabled=True, rollout_pct=10)
    with pytest.raises(
        UndoFailed, match=r"somebody else changed A on for 10 % since the run.* before the run: A on for 100 %"
    ):
        undo(console, journal)

    assert console.flags == {"A": Flag(enabled=True, rollout_pct=10), "B": Flag(enabled=True, rollout_pct=100)}


@pytest.mark.parametrize("pct", [50, 25])
def test_what_a_killed_run_left_is_put_back(journal: Journal, pct: int) -> None:
    """It noted that it would go down to 25 %; whether that was sent is not known: both are its own doing."""
    console = Console(theirs=[{}, {}, {}])
    gradually(console, journal)
    lines = journal.path.read_text(encoding="utf-8").splitlines(keepends=True)
    notes = [number for number, line in enumerate(lines) if f'"event": "{SETTING}"' in line]
    left = journal.path.with_name("left.jsonl")
    left.write_text("".join(lines[: notes[1] + 1]), encoding="utf-8")
    console.flags = on(pct)

    undo(Console(flags=console.flags), Journal(left))

    assert console.flags == on(100)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (on(0), "somebody else changed it meanwhile: A is on for 0 %, it was at 10 %"),
        (on(50), "somebody else changed it meanwhile: A is on for 50 %, it was at 10 %"),
    ],
)
def test_a_ramp_does_not_raise_over_somebody_elses_change(found: dict[str, Flag], why: str) -> None:
    """Decided at 10 %, and between the look and the write it was switched off, or let in further."""
    console = Console(flags=found)
    with pytest.raises(ActionFailed, match=why):
        raise_flags(console, on(25), expected_pct=dict.fromkeys(NAMES, 10), ceiling_pct=25)
    assert console.written == []


def test_a_ramp_does_not_go_above_what_was_approved() -> None:
    """Whoever asks for it."""
    console = Console(flags=on(10))
    with pytest.raises(ActionFailed, match="A, B would be above the 25 % that are approved"):
        raise_flags(console, on(50), expected_pct=dict.fromkeys(NAMES, 10), ceiling_pct=25)
    raise_flags(console, on(25), expected_pct=dict.fromkeys(NAMES, 10), ceiling_pct=25)
    assert console.flags == on(25)


def lost_answer(status: int | None = None) -> ProviderError:
    """What the client says where it does not know what was done."""
    return ProviderError("no answer", provider="PAM", operation="set the flags", http_status=status)


@dataclass
class Unclear(Console):
    """A flag service whose answers to writes break: one by one, whether it did what was asked."""

    does: list[bool] = field(default_factory=list)
    status: int | None = None

    def set_flags(self, changes: Mapping[str, Flag]) -> None:
        """Do it or not, and break off, as long as the list lasts."""
        done = self.does.pop(0) if self.does else None
        if done is not False:
            super().set_flags(changes)
        if done is not None:
            raise lost_answer(self.status)


@pytest.mark.parametrize("does", [[True], [False]], ids=["done", "not done"])
def test_a_lost_answer_to_a_write_stops_no_rollback(journal: Journal, does: list[bool]) -> None:
    """Done all the same: nothing is asked twice. Not done: once more."""
    console = Unclear(does=does)
    at_once(console, journal)

    assert console.flags == TARGET
    assert len(console.written) == 1
    undo(Console(flags=console.flags), journal)


@pytest.mark.parametrize("status", [None, 503])
def test_a_write_that_fails_twice_was_not_done(journal: Journal, status: int | None) -> None:
    """There is no third time."""
    with pytest.raises(StepsFailed, match="no answer"):
        at_once(Unclear(does=[False, False], status=status), journal)


def test_a_write_that_is_refused_is_not_asked_for_again(journal: Journal) -> None:
    """An answer that says no is no lost one."""
    console = Unclear(does=[False], status=403)
    with pytest.raises(StepsFailed, match="no answer"):
        at_once(console, journal)

    assert console.written == []


def test_the_second_try_does_not_raise_over_somebody_else(journal: Journal) -> None:
    """Between both tries somebody switched all off: the share that was asked for would let users in again."""
    console = Unclear(theirs=[{}, {}, dict(TARGET)], does=[False])
    gradually(console, journal)

    assert console.raised == []
    assert console.flags == TARGET


def test_users_are_let_in_once(journal: Journal) -> None:
    """A stage whose answer was lost is looked for, and not asked for a second time."""
    console = Unclear(flags=on(10), does=[True])
    raise_flags(console, on(25), expected_pct=dict.fromkeys(NAMES, 10), ceiling_pct=25)
    assert console.flags == on(25)

    again = Unclear(flags=on(10), does=[False])
    with pytest.raises(ProviderError):
        raise_flags(again, on(25), expected_pct=dict.fromkeys(NAMES, 10), ceiling_pct=25)
    assert again.written == []
