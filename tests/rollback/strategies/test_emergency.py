"""The emergency call: judged by read-back and by what users get; past the product when that is down, never when it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UnreadableAnswer
from pam_rollback.plan.flags import Flag
from pam_rollback.plugin.topics.flags import past_the_product
from pam_rollback.rollback import emergency as hands
from pam_rollback.rollback.flags import Flags
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.step_list import Telling
from pam_rollback.rollback.steps import StepsFailed
from pam_rollback.target.pam_api import ProductDown
from tests.rollback.strategies.hosts import Failure
from tests.rollback.strategies.performed import as_drilled
from tests.rollback.strategies.stage import MemoryStage
from tests.rollback.strategies.test_feature_flag import OFF, ON, Product
from tests.rollback.strategies.titles import backend

NOWHERE: Any = SimpleNamespace(abilities=())
NO_WAY = past_the_product._get_wrapped_function()(*[NOWHERE] * 6)


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
class Called(MemoryStage):
    """A stage with this product."""

    product: Emergency = field(default_factory=Emergency)

    def __post_init__(self) -> None:
        """The back end is down when the product is."""
        self.state.down = self.product.down
        super().__post_init__()

    @property
    def telling(self) -> Telling:
        """The team."""
        return Telling(self.product, "called", self.journal, self.clock)

    @property
    def emergency(self) -> hands.Emergency:
        """The call."""
        return hands.Emergency(self.product, Flags(self.product, self.product, self.journal, self.waiter), self.journal)


def act(product: Emergency, journal: Journal, **own: Any) -> hands.EmergencyRollback:
    """Roll back with a clock that waits for nobody."""
    done: hands.EmergencyRollback = as_drilled("emergency", Called(journal, product=product), **own)
    return done


def asked_the_provider(journal: Journal) -> bool:
    """Steps of the back end's own were done."""
    return any(entry.get("step") == backend.LOOK for entry in journal.entries())


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl")


def test_all_is_well(journal: Journal) -> None:
    """One call with reason and name; all flags off, also those that the plan does not name; everyone evaluated; the undo owed."""
    product = Emergency()

    done = act(product, journal)

    assert product.calls == [(Called.why, "tests")]
    assert set(done.outcome.flags) == set(product.flags)
    assert done.outcome.on == []
    assert done.evaluated.everyone_off
    assert not done.took.past_the_product
    assert not asked_the_provider(journal)
    assert product.posted == ["called"]
    (undo,) = journal.owed()
    assert set(undo.facts["flags"]) == set(product.flags)


def test_an_answer_that_nobody_understands_is_looked_into(journal: Journal) -> None:
    """Whether it was done is seen by reading back: done, then all is well; not done, then it failed."""
    done = act(Emergency(mumbles=True), journal)

    assert done.outcome.on == []
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
    assert done.outcome.on == []


def test_accepted_but_ignored_is_a_failed_action(journal: Journal) -> None:
    """HTTP 200 is not a rollback, and a product that answers is not rolled back at its provider behind one's back."""
    with pytest.raises(StepsFailed, match="step 'read the flags back' failed: accepted, but it did not take effect"):
        act(Emergency(ignores=True), journal)
    assert not asked_the_provider(journal)


def test_a_refusal_is_a_failed_action(journal: Journal) -> None:
    """The team is told that it was not done."""
    product = Emergency(refused="HTTP 401: the emergency token is not valid")

    with pytest.raises(StepsFailed, match="the emergency token is not valid"):
        act(product, journal)
    assert not asked_the_provider(journal)
    assert [text[:16] for text in product.posted] == ["NOT DONE IN FULL"]


def test_a_product_that_is_down_is_gone_past(journal: Journal) -> None:
    """The provider does it; what the product cannot tell is not known, and the way back is warned of."""
    product = Emergency(down=True)

    done = act(product, journal)

    assert asked_the_provider(journal)
    assert done.took.past_the_product
    assert "connection refused" in str(done.took)
    assert "its back end was rolled back at the provider" in product.posted[0]
    assert "how the flags were before is not known" in journal.warnings[0]
    with pytest.raises(MeasurementFailed, match="the flags were not read back"):
        _ = done.outcome
    with pytest.raises(MeasurementFailed, match="what users get is not known"):
        _ = done.evaluated


@pytest.mark.parametrize(
    ("words", "own"),
    [("no way past it is set up here", {"past_the_product": NO_WAY}), ("Render: rollback", {})],
    ids=["no way past it", "the provider is down too"],
)
def test_when_neither_helps_the_action_failed(journal: Journal, words: str, own: Mapping[str, Any]) -> None:
    """Both reasons are named, and the team is told that it was not done."""
    product = Emergency(down=True)
    stage = Called(journal, product=product)
    stage.hosts.failing[("Render", "rollback")] = Failure(http_status=403)

    with pytest.raises(StepsFailed) as found:
        as_drilled("emergency", stage, **own)

    assert words in str(found.value)
    assert "connection refused" in str(found.value)
    assert [text[:16] for text in product.posted] == ["NOT DONE IN FULL"]


def test_a_user_who_keeps_a_feature_is_found(journal: Journal) -> None:
    """One of twenty is enough."""
    assert not act(Emergency(keep=("user-7",), flags={"PAM_ENHANCED_UI": ON}), journal).evaluated.everyone_off
