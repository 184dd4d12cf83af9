"""Steps that do not wait for each other run side by side; one that fails stops only those that need it, and is never called done."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pam_rollback.core.clock import SystemClock
from pam_rollback.core.errors import ActionFailed, StopRequested
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.step_list import StepList, Telling
from pam_rollback.rollback.steps import Outcome, Step, StepRecord, StepsFailed, run_steps

TOGETHER_WITHIN_S = 5.0


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl")


def done(word: str = "done") -> Callable[[], str]:
    """A step that is done."""
    return lambda: word


def fails(error: BaseException) -> Callable[[], str]:
    """A step that is not."""

    def run() -> str:
        raise error

    return run


def failed_run(steps: list[Step], journal: Journal) -> dict[str, StepRecord]:
    """The records of a run that failed, by step."""
    with pytest.raises(StepsFailed) as found:
        run_steps(steps, journal, SystemClock())
    return {record.name: record for record in found.value.records}


def test_independent_steps_run_side_by_side(journal: Journal) -> None:
    """Each waits until the other has begun: one after the other they would never end."""
    both = threading.Barrier(2, timeout=TOGETHER_WITHIN_S)

    def meets() -> str:
        both.wait()
        return "met"

    records = run_steps([Step("front end", meets), Step("back end", meets)], journal, SystemClock())

    assert [record.result for record in records] == ["met", "met"]
    assert [entry["event"] for entry in journal.entries()].count("step-done") == 2


def test_a_failed_step_stops_only_those_that_need_it(journal: Journal) -> None:
    """The front end goes on although the back end failed; caches wait for both, and say why they were not cleared."""
    steps = [
        Step("back end", fails(ActionFailed("Render: HTTP 503"))),
        Step("front end", done()),
        Step("lock", done(), needs=("front end",)),
        Step("caches", done(), needs=("front end", "back end")),
        Step("tell", done("told"), essential=False, after=("caches",)),
    ]

    found = failed_run(steps, journal)

    assert {name: record.outcome for name, record in found.items()} == {
        "back end": Outcome.FAILED,
        "front end": Outcome.DONE,
        "lock": Outcome.DONE,
        "caches": Outcome.NOT_DONE,
        "tell": Outcome.DONE,
    }
    assert str(found["caches"]) == "caches: not done, it needs 'back end'"
    assert not found["caches"].done
    assert [entry["step"] for entry in journal.entries() if entry["event"] == "step-not-done"] == ["caches"]


def test_a_step_that_does_not_help_users_fails_nothing(journal: Journal) -> None:
    """It is recorded as failed, and the action is done."""
    records = run_steps(
        [Step("switch", done()), Step("tell", fails(ActionFailed("no")), essential=False), Step("look", done())],
        journal,
        SystemClock(),
    )

    assert [record.done for record in records] == [True, False, True]


def test_a_request_to_stop_begins_nothing_new(journal: Journal) -> None:
    """It is no failure of the step: the session was asked to end."""
    steps = [Step("waits", fails(StopRequested("stopping was asked for"))), Step("next", done(), after=("waits",))]

    with pytest.raises(StopRequested):
        run_steps(steps, journal, SystemClock())

    assert [entry["event"] for entry in journal.entries()] == ["step-started", "step-failed", "step-not-done"]


def test_who_narrates_never_stops_a_step(journal: Journal) -> None:
    """A report that cannot be written is no reason to leave users without help."""

    def broken(_name: str) -> AbstractContextManager[object]:
        raise OSError("no space left on device")

    (record,) = run_steps([Step("switch", done())], journal, SystemClock(), broken)

    assert record.done


def test_steps_that_wait_for_each_other_are_not_done(journal: Journal) -> None:
    """It ends, and says so."""
    found = failed_run([Step("a", done(), needs=("b",)), Step("b", done(), needs=("a",))], journal)

    assert {record.outcome for record in found.values()} == {Outcome.NOT_DONE}


def test_what_waits_for_a_step_that_was_left_out_is_done(journal: Journal) -> None:
    """Whatever the order of the list: only that the other is over was asked for."""
    steps = [
        Step("the features are off", done(), after=("the service answers",)),
        Step("run the target", fails(ActionFailed("Render: HTTP 503"))),
        Step("the service answers", done(), needs=("run the target",)),
    ]

    found = failed_run(steps, journal)

    assert found["the features are off"].outcome is Outcome.DONE
    assert found["the service answers"].outcome is Outcome.NOT_DONE


def test_beside_others_whatever_is_raised_ends_its_step(journal: Journal) -> None:
    """A thread that ended without a word would be waited for without end."""
    steps = [Step("one", fails(SystemExit("gone"))), Step("other", done())]

    found = failed_run(steps, journal)

    assert (found["one"].outcome, found["other"].outcome) == (Outcome.FAILED, Outcome.DONE)
    assert [entry["event"] for entry in journal.entries()].count("step-failed") == 1


def test_a_rollback_without_a_step_is_refused(journal: Journal) -> None:
    """It would change nothing, and read as if it had been done."""
    with pytest.raises(ActionFailed, match="no step is listed, so nothing would be done"):
        StepList(journal).carry_out(Telling(None, "", journal, SystemClock()), 0.0)

    assert journal.entries() == []
