"""Two machines' accounts of one record become one: nothing of either is lost, and the order in which they met does not matter."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.state.rules.merging import lacking, lines_of_both, merged


def line(second: int, word: str) -> str:
    """An event."""
    return json.dumps({"at": f"2026-11-27T10:00:{second:02}+00:00", "event": word}) + "\n"


def record(second: int, verdict: str) -> str:
    """A run's record."""
    return json.dumps({"verdict": verdict, "finished": {"iso": f"2026-11-27T10:00:{second:02}+00:00"}})


LINES = st.lists(st.builds(line, st.integers(0, 59), st.sampled_from("abc")), max_size=6).map("".join)


@given(LINES, LINES)
def test_no_line_is_lost(theirs: str, ours: str) -> None:
    """And none is there that nobody wrote."""
    assert {*lines_of_both(theirs, ours).splitlines()} == {*theirs.splitlines(), *ours.splitlines()}


@given(LINES, LINES, LINES)
def test_both_went_on_from_the_same(before: str, here: str, there: str) -> None:
    """Whoever comes first, the same lines are there; merged again nothing changes."""
    one = lines_of_both(before + there, before + here)

    assert {*one.splitlines()} == {*lines_of_both(before + here, before + there).splitlines()}
    assert lines_of_both(one, before + here) == one


@given(LINES, LINES)
def test_what_is_lacking_makes_it_whole(known: str, more: str) -> None:
    """Appended, and nothing twice."""
    assert lacking(known, known + more) == more
    assert lacking(known + more, known) == ""


def test_an_account_that_goes_on_is_taken_as_it_is() -> None:
    """Also where a line was cut short, and where two lines are the same."""
    torn = line(1, "a") + line(1, "a") + '{"at": "20'

    assert lines_of_both(line(1, "a"), torn) == torn
    assert lines_of_both(torn, line(1, "a")) == torn


def test_accounts_that_parted_are_put_in_order() -> None:
    """By time; a line that does not say when stays behind the one before it."""
    theirs = line(1, "begun") + line(5, "undoing")
    ours = line(1, "begun") + line(3, "done") + "half a li\n"

    assert lines_of_both(theirs, ours) == line(1, "begun") + line(3, "done") + "half a li\n" + line(5, "undoing")


def test_the_record_that_was_finished_later_counts() -> None:
    """Whoever has it; half a file never wins."""
    for theirs, ours in [(1, 2), (2, 1)]:
        both = merged({"run.json": record(theirs, f"{theirs}")}, {"run.json": record(ours, f"{ours}")})
        assert json.loads(both["run.json"])["verdict"] == "2"
    assert merged({"run.json": record(1, "GO")}, {"run.json": "{"})["run.json"] == record(1, "GO")


def test_all_files_of_both_are_there() -> None:
    """What was recorded once stays as it was recorded first."""
    both = merged({"baseline/a.json": "1", "b": "2"}, {"baseline/a.json": "other", "c": "3"})

    assert both == {"baseline/a.json": "1", "b": "2", "c": "3"}
