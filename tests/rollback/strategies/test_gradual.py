"""The gradual rollback: share by share, judged by what users get and how they fare; straight to 0 when that is better for them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.flags import Flag
from pam_rollback.plan.plan import load_plan
from pam_rollback.rollback.flag_facts import Fare
from pam_rollback.rollback.flags import Flags
from pam_rollback.rollback.gradual import GoingDown, GradualRollback, Way, take_back_by_shares
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.step_list import StepList, Telling
from pam_rollback.rollback.steps import StepsFailed
from pam_rollback.stats.percentiles import Percentile
from tests.sessions import ROOT
from tests.virtual_clock import VirtualClock

NAMES = ("PAM_ENHANCED_UI", "PAM_PERFORMANCE_OPTIMIZATIONS", "PAM_VOICE_FEATURES")
OFF = Flag(enabled=False, rollout_pct=0)
TARGET = dict.fromkeys(NAMES, OFF)
USERS = [f"user-{number}" for number in range(200)]
STRATEGY = load_plan(ROOT / "plan.toml").strategy("gradual")
WAY = Way(hold_s=40, increase_pct_max=50, fast_ms=500)


def place(user: str) -> int:
    """A stable place between 0 and 99."""
    return int(hashlib.sha256(user.encode()).hexdigest(), 16) % 100


@dataclass
class Product:
    """Flags by share in memory, and the ways in which a real product deceives."""

    flags: dict[str, Flag] = field(default_factory=lambda: dict.fromkeys(NAMES, Flag(enabled=True, rollout_pct=100)))
    refuses_pct: int = -1
    ignores: bool = False
    shuffles: bool = False
    keep: str = ""
    worse_below_pct: int = 0
    changes: list[Mapping[str, Flag]] = field(default_factory=list)

    def read_flags(self) -> Mapping[str, Flag]:
        """As they are."""
        return dict(self.flags)

    def set_flags(self, changes: Mapping[str, Flag]) -> None:
        """As asked, or not."""
        if any(flag.rollout_pct == self.refuses_pct for flag in changes.values()):
            raise ActionFailed("HTTP 500")
        self.changes.append(changes)
        if not self.ignores:
            self.flags.update(changes)

    def flags_of(self, user_id: str) -> Mapping[str, bool]:
        """What the user gets; with ``shuffles`` the place depends on the share too."""
        return {
            name: user_id == self.keep
            or (flag.enabled and place(f"{user_id}{flag.rollout_pct if self.shuffles else ''}") < flag.rollout_pct)
            for name, flag in self.flags.items()
        }

    def fare(self, _since_s: float) -> Fare:
        """Errors come below a share, when they do."""
        share = self.flags[NAMES[0]].rollout_pct
        return Fare(n=100, errors=60 if share <= self.worse_below_pct else 10, p95=Percentile(95, 200, 100))

    def shares_set(self) -> list[int]:
        """Each change of the first flag."""
        return [change[NAMES[0]].rollout_pct for change in self.changes]


def act(product: Product, journal: Journal, fare: Callable[[float], Fare] | None = None) -> GradualRollback:
    """Roll back with a clock that waits for nobody."""
    clock = VirtualClock()
    down = GoingDown(Flags(product, product, journal, Waiter(clock)), fare or product.fare, WAY, TARGET, USERS)
    steps = StepList(journal)
    take_back_by_shares(steps, down, STRATEGY)
    steps.carry_out(Telling(None, "", journal, clock), 0.0)
    return down.facts(steps.facts)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl")


def test_all_is_well(journal: Journal) -> None:
    """Every flag goes down over every share of the plan, users are watched between, and one undo is owed for all."""
    product = Product()

    done = act(product, journal)

    assert product.shares_set() == [50, 25, 10, 0]
    assert all(set(change) == set(NAMES) for change in product.changes)
    assert done.descent.as_asked
    assert done.evaluated.everyone_off
    assert done.outcome.on == []
    assert done.finished_s == 120
    (undo,) = journal.owed()
    assert undo.facts["flags"] == {name: {"enabled": True, "rollout_pct": 100} for name in NAMES}


def test_done_twice_changes_nothing_and_says_so(journal: Journal) -> None:
    """No request, nothing owed."""
    product = Product(flags=dict(TARGET))

    done = act(product, journal)

    assert product.changes == []
    assert journal.owed() == []
    assert "nothing to change" in done.steps[-1].result
    assert done.descent.as_asked
    assert done.outcome.on == []


def test_a_flag_that_is_lower_already_goes_on_from_there(journal: Journal) -> None:
    """One at 25 %, one off: neither ever goes up, and what is not to change is not sent."""
    product = Product()
    product.flags[NAMES[0]] = Flag(enabled=True, rollout_pct=25)
    product.flags[NAMES[1]] = OFF

    act(product, journal)

    sent = [{name: flag.rollout_pct for name, flag in change.items()} for change in product.changes]
    assert sent == [{NAMES[2]: 50}, {NAMES[2]: 25}, {NAMES[0]: 10, NAMES[2]: 10}, {NAMES[0]: 0, NAMES[2]: 0}]


def test_straight_to_0_when_users_fare_worse(journal: Journal) -> None:
    """The shares between are left out, and the fact says why."""
    product = Product(worse_below_pct=50)

    done = act(product, journal)

    assert product.shares_set() == [50, 0]
    assert "users fare worse at 50 %: more errors: 60 of 100 answers wrong" in done.descent.straight_because
    assert done.outcome.on == []


def test_straight_to_0_when_a_share_is_refused(journal: Journal) -> None:
    """Users are helped all the same; the step is recorded as failed, and the way down is not called good."""
    product = Product(refuses_pct=25)

    done = act(product, journal)

    assert product.shares_set() == [50, 0]
    assert done.outcome.on == []
    assert [str(step.name) for step in done.steps if not step.done] == ["down to 25 %", "watch users at 25 %"]
    with pytest.raises(MeasurementFailed, match="25 % was not reached: HTTP 500"):
        _ = done.descent.as_asked


def test_accepted_but_ignored_is_a_failed_action(journal: Journal) -> None:
    """HTTP 200 is not a rollback: the flags are read back, at every share."""
    with pytest.raises(StepsFailed, match=r"step 'down to 0 %' failed: accepted, but it did not take effect") as found:
        act(Product(ignores=True), journal)

    assert [record.name for record in found.value.records if not record.done] == [
        "down to 50 %",
        "watch users at 50 %",
        "down to 0 %",
    ]


def test_users_who_come_in_are_found(journal: Journal) -> None:
    """Each share holds for another set of users: the counts are right, the way down is not."""
    done = act(Product(shuffles=True), journal)

    assert not done.descent.as_asked
    assert "of them came in" in str(done.descent)
    assert done.evaluated.everyone_off


def test_a_user_who_keeps_the_features_is_found(journal: Journal) -> None:
    """One of 200 is enough."""
    done = act(Product(keep="user-7"), journal)

    assert not done.evaluated.everyone_off
    assert "user-7" not in str(done.evaluated)
    assert not done.descent.as_asked


def test_what_cannot_be_measured_stops_nothing(journal: Journal) -> None:
    """Nobody watches: it goes down step by step, and the way down is not called good."""

    def blind(_since_s: float) -> Fare:
        raise MeasurementFailed("the prober is gone")

    product = Product()

    done = act(product, journal, blind)

    assert product.shares_set() == [50, 25, 10, 0]
    with pytest.raises(MeasurementFailed, match="the prober is gone"):
        _ = done.descent.as_asked


def test_a_second_run_keeps_the_state_before_the_first(journal: Journal) -> None:
    """Killed at 25 % and resumed with the same journal: the undo leads back to 100 %."""
    product = Product(refuses_pct=0)
    with pytest.raises(StepsFailed):
        act(product, journal)
    product.refuses_pct = -1

    act(product, journal)

    (undo,) = journal.owed()
    assert {flag["rollout_pct"] for flag in undo.facts["flags"].values()} == {100}
