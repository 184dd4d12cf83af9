"""The feature-flag rollback: judged by what is read back and by what users get, never by an accepted request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UndoFailed, UnreadableAnswer
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.flags import Flag
from pam_rollback.rollback.asked_users import AskedUsers
from pam_rollback.rollback.flag_facts import Evaluation
from pam_rollback.rollback.flags import FlagRollback, Flags, switched_off, undo_flags
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.step_list import Telling
from tests.virtual_clock import VirtualClock

ON = Flag(enabled=True, rollout_pct=100)
OFF = Flag(enabled=False, rollout_pct=0)
TARGET = {"PAM_ENHANCED_UI": OFF, "PAM_VOICE_FEATURES": OFF}
USERS = [f"user-{number}" for number in range(20)]


@dataclass
class Product:
    """Flags in memory, with the ways in which a real product deceives: it may accept and ignore, and some users may keep a feature."""

    flags: dict[str, Flag] = field(
        default_factory=lambda: {"PAM_ENHANCED_UI": ON, "PAM_VOICE_FEATURES": ON, "PAM_ANALYTICS_INTEGRATION": ON}
    )
    ignores: bool = False
    refuses: str = ""
    keep: tuple[str, ...] = ()
    forgets: str = ""
    notice: str = ""
    posted: list[str] = field(default_factory=list)

    def read_flags(self) -> Mapping[str, Flag]:
        """As they are."""
        return dict(self.flags)

    def set_flags(self, changes: Mapping[str, Flag]) -> None:
        """As asked, or not."""
        if self.refuses:
            raise ActionFailed(self.refuses)
        if not self.ignores:
            self.flags.update(changes)

    def flags_of(self, user_id: str) -> Mapping[str, bool]:
        """What the user gets."""
        return {
            name: user_id in self.keep or not flag.off_for_all
            for name, flag in self.flags.items()
            if name != self.forgets
        }

    def post(self, text: str) -> str:
        """Receive a message."""
        self.posted.append(text)
        return self.notice


def act(product: Product, journal: Journal, users: Sequence[str] = USERS) -> FlagRollback:
    """Roll back with a clock that waits for nobody."""
    clock = VirtualClock()
    flags, telling = (
        Flags(product, product, journal, Waiter(clock)),
        Telling(product, "PAM features are off", journal, clock),
    )
    return switched_off(flags, TARGET, users, telling, 0.0)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl")


def test_all_is_well(journal: Journal) -> None:
    """Flags off, everyone evaluated, the team told; flags outside the plan untouched."""
    product = Product()

    done = act(product, journal)

    assert done.outcome.on == []
    assert done.evaluated.everyone_off
    assert done.notice_problem == ""
    assert product.posted == ["PAM features are off"]
    assert product.flags["PAM_ANALYTICS_INTEGRATION"] == ON
    assert [step.done for step in done.steps] == [True] * 5


def test_the_undo_is_noted_before_the_change(journal: Journal) -> None:
    """A refused change has left the note all the same: written before, not after."""
    with pytest.raises(ActionFailed, match="HTTP 500"):
        act(Product(refuses="HTTP 500"), journal)

    events = [entry["event"] for entry in journal.entries()]
    assert events.index("undo-owed") < events.index("step-failed")


def test_accepted_but_ignored_is_a_failed_action(journal: Journal) -> None:
    """HTTP 200 is not a rollback: the flags are read back."""
    with pytest.raises(ActionFailed, match="accepted, but it did not take effect"):
        act(Product(ignores=True), journal)


def test_a_read_back_that_nobody_understands_is_repeated(journal: Journal) -> None:
    """What is there is not known then, which is no reason to stop."""

    class Mumbling(Product):
        reads = 0

        def read_flags(self) -> Mapping[str, Flag]:
            self.reads += 1
            if (
                2 < self.reads < 6
            ):  # the first two are before the change: what there is, and whether somebody else changed it
                raise UnreadableAnswer("the flags could not be read")
            return super().read_flags()

    product = Mumbling()

    assert act(product, journal).outcome.on == []
    assert product.reads == 6


def test_a_flag_that_is_not_there_changes_nothing(journal: Journal) -> None:
    """The message names it and what there is."""
    product = Product(flags={"PAM_ENHANCED_UI": ON})

    with pytest.raises(ActionFailed, match="no flag PAM_VOICE_FEATURES; it has PAM_ENHANCED_UI"):
        act(product, journal)
    assert product.flags == {"PAM_ENHANCED_UI": ON}
    assert journal.owed() == []


def test_a_user_who_keeps_a_feature_is_found(journal: Journal) -> None:
    """One of twenty is enough, and is counted: nobody reads whose id it is."""
    found = act(Product(keep=("user-7",)), journal).evaluated

    assert not found.everyone_off
    assert "1 of 20 users" in str(found)
    assert "user-7" not in str(found)


def test_of_users_who_do_not_exist_nothing_is_known(journal: Journal) -> None:
    """That nobody of them has a feature proves nothing; one who has it is broken all the same."""

    def nobody() -> list[str]:
        raise MeasurementFailed("the sandbox declares neither feature_check nor database")

    def asked(product: Product) -> Evaluation:
        return act(product, journal, users=AskedUsers(nobody, "run-1")).evaluated

    with pytest.raises(
        MeasurementFailed, match="their ids are made up, since none that exists could be had: the sandbox"
    ):
        _ = asked(Product()).everyone_off
    kept = AskedUsers(nobody, "run-1")[7]
    assert not asked(Product(keep=(kept,))).everyone_off
    assert kept not in str(asked(Product(keep=(kept,))))


def test_a_flag_that_the_evaluation_forgets_is_not_off(journal: Journal) -> None:
    """Silence about a flag is not a flag that is off."""
    done = act(Product(forgets="PAM_VOICE_FEATURES"), journal)

    with pytest.raises(MeasurementFailed, match="says nothing of PAM_VOICE_FEATURES"):
        _ = done.evaluated


def test_a_message_that_fails_stops_nothing(journal: Journal) -> None:
    """Users are helped first; that the team does not know is reported."""
    done = act(Product(notice="Slack: HTTP 500"), journal)

    assert done.outcome.on == []
    assert done.notice_problem == "Slack: HTTP 500"
    assert not done.steps[-1].done


def test_undo_puts_back_what_was_there(journal: Journal) -> None:
    """To the percentage."""
    product = Product(flags={"PAM_ENHANCED_UI": Flag(enabled=True, rollout_pct=25), "PAM_VOICE_FEATURES": ON})
    act(product, journal)

    (undo,) = journal.owed()
    undo_flags(undo, product, journal, Waiter(VirtualClock()))

    assert product.flags == {"PAM_ENHANCED_UI": Flag(enabled=True, rollout_pct=25), "PAM_VOICE_FEATURES": ON}


def test_an_undo_that_is_ignored_needs_a_person(journal: Journal) -> None:
    """It stays owed, and the message says which flags a person must set."""
    product = Product()
    act(product, journal)
    product.ignores = True

    (undo,) = journal.owed()
    with pytest.raises(UndoFailed, match="a person must set PAM_ENHANCED_UI on for 100 %"):
        undo_flags(undo, product, journal, Waiter(VirtualClock()))
    assert len(journal.owed()) == 1
