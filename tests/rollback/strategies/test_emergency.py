"""The emergency call: judged by read-back and by what users get; past the product when that is down, never when it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pam_rollback.base.errors import ActionFailed, MeasurementFailed, UnreadableAnswer
from pam_rollback.base.wait import Waiter
from pam_rollback.journal.journal import Journal
from pam_rollback.plan.flags import Flag
from pam_rollback.product.pam_api import ProductDown
from pam_rollback.product.served_release import BACK_END, Served, Wanted
from pam_rollback.rollback.emergency import EmergencyRollback, EmergencyTools, roll_back_in_an_emergency
from pam_rollback.rollback.steps import StepsFailed
from tests.rollback.strategies.test_feature_flag import OFF, ON, Product
from tests.virtual_clock import VirtualClock

USERS = [f"user-{number}" for number in range(20)]


@dataclass
class Emergency(Product):
    """The product with its endpoint."""

    down: bool = False
    refused: str = ""
    mumbles: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)

    def read_flags(self) -> Mapping[str, Flag]:
        """As they are, when it is up."""
        if self.down:
            raise ActionFailed("the flags could not be read: no answer")
        return super().read_flags()

    def flags_of(self, user_id: str) -> Mapping[str, bool]:
        """What the user gets, when it is up."""
        if self.down:
            raise MeasurementFailed("no answer")
        return super().flags_of(user_id)

    def call(self, reason: str, initiated_by: str) -> str:
        """Everything off, or not."""
        if self.down:
            raise ProductDown("the emergency call was not answered: connection refused")
        if self.refused:
            raise ActionFailed(self.refused)
        self.calls.append((reason, initiated_by))
        if not self.ignores:
            self.flags = dict.fromkeys(self.flags, OFF)
        if self.mumbles:
            raise UnreadableAnswer("not accepted in words that can be understood")
        return "accepted"


@dataclass
class Provider:
    """The way past the product."""

    problem: str = ""
    asked: list[str] = field(default_factory=list)

    def roll_back(self, reason: str) -> Served:
        """Done, or not."""
        self.asked.append(reason)
        if self.problem:
            raise ActionFailed(self.problem)
        return Served(BACK_END, Wanted(version="1.41.3"), version="1.41.3")


def act(product: Emergency, journal: Journal, provider: Provider | None = None) -> EmergencyRollback:
    """Roll back with a clock that waits for nobody."""
    clock = VirtualClock()
    tools = EmergencyTools(product, product, product, product, provider, journal, Waiter(clock), clock)
    return roll_back_in_an_emergency(
        tools, reason="errors since 02:40", initiated_by="alex", users=USERS, message="called", decided_s=0.0
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl")


def test_all_is_well(journal: Journal) -> None:
    """One call with reason and name; all flags off, also those that the plan does not name; everyone evaluated; the undo owed."""
    product, provider = Emergency(), Provider()

    done = act(product, journal, provider)

    assert product.calls == [("errors since 02:40", "alex")]
    assert set(done.outcome.flags) == set(product.flags)
    assert done.outcome.all_off
    assert done.evaluated.everyone_off
    assert not done.took.past_the_product
    assert provider.asked == []
    assert product.posted == ["called"]
    (undo,) = journal.owed()
    assert set(undo.facts["flags"]) == set(product.flags)


def test_an_answer_that_nobody_understands_is_looked_into(journal: Journal) -> None:
    """Whether it was done is seen by reading back: done, then all is well; not done, then it failed."""
    done = act(Emergency(mumbles=True), journal)

    assert done.outcome.all_off
    assert "whether it was done is not known" in done.steps[1].result
    with pytest.raises(StepsFailed, match="did not take effect"):
        act(Emergency(mumbles=True, ignores=True), journal)


def test_done_twice_changes_nothing_and_says_so(journal: Journal) -> None:
    """No call, nothing owed."""
    product = Emergency(flags={"PAM_ENHANCED_UI": OFF})

    done = act(product, journal)

    assert product.calls == []
    assert journal.owed() == []
    assert done.steps[1].result == "nothing to change: all flags are off already"
    assert done.outcome.all_off


def test_accepted_but_ignored_is_a_failed_action(journal: Journal) -> None:
    """HTTP 200 is not a rollback, and a product that answers is not rolled back at its provider behind one's back."""
    provider = Provider()

    with pytest.raises(StepsFailed, match="step 'read the flags back' failed: accepted, but it did not take effect"):
        act(Emergency(ignores=True), journal, provider)
    assert provider.asked == []


def test_a_refusal_is_a_failed_action(journal: Journal) -> None:
    """Users are not told that anything was done."""
    product, provider = Emergency(refused="HTTP 401: the emergency token is not valid"), Provider()

    with pytest.raises(StepsFailed, match="the emergency token is not valid"):
        act(product, journal, provider)
    assert (provider.asked, product.posted) == ([], [])


def test_a_product_that_is_down_is_gone_past(journal: Journal) -> None:
    """The provider does it; what the product cannot tell is not known, and the way back is warned of."""
    product, provider = Emergency(down=True), Provider()

    done = act(product, journal, provider)

    assert provider.asked == ["errors since 02:40"]
    assert done.took.past_the_product
    assert "connection refused" in str(done.took)
    assert "its back end was rolled back at the provider" in product.posted[0]
    assert "how the flags were before is not known" in journal.warnings[0]
    with pytest.raises(MeasurementFailed, match="the flags were not read back"):
        _ = done.outcome
    with pytest.raises(MeasurementFailed, match="what users get is not known"):
        _ = done.evaluated


@pytest.mark.parametrize(
    ("provider", "words"),
    [(None, "no way past it is set up here"), (Provider("Render rollback: HTTP 503"), "Render rollback: HTTP 503")],
    ids=["no way past it", "the provider is down too"],
)
def test_when_neither_helps_the_action_failed(journal: Journal, provider: Provider | None, words: str) -> None:
    """Both reasons are named, and nobody is told that it was done."""
    product = Emergency(down=True)

    with pytest.raises(StepsFailed) as found:
        act(product, journal, provider)

    assert words in str(found.value)
    assert "connection refused" in str(found.value)
    assert product.posted == []


def test_a_user_who_keeps_a_feature_is_found(journal: Journal) -> None:
    """One of twenty is enough."""
    assert not act(Emergency(keep=("user-7",), flags={"PAM_ENHANCED_UI": ON}), journal).evaluated.everyone_off
