"""Each rule of readiness both ways: red by its fault, green on what is healthy, and never green by nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.ops.readiness.rules import (
    Document,
    Finding,
    RealRun,
    Shift,
    cause_found,
    covered,
    finished,
    runbook_kept,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_nothing_known_is_never_ready() -> None:
    """Neither a finding without lines, nor one of which a part is not known."""
    for finding in (Finding("x"), Finding("x", ("a",), unknown=("b: why",))):
        with pytest.raises(MeasurementFailed, match="not known"):
            _ = finding.missing
    assert Finding("x", ("a",), ("b",), ("c",)).missing == ("b",)


@pytest.mark.parametrize(
    ("text", "reviewed_on", "words"),
    [
        ('<a id="a"></a>', date(2026, 11, 1), ""),
        ('<a id="b"></a>', date(2026, 11, 1), "no page for SC-1"),
        ('<a id="a"></a>', date(2026, 10, 27), "due on 2026-11-26"),
        ('<a id="a"></a>', date(2026, 11, 28), "in the future"),
    ],
    ids=["kept", "page missing", "not reviewed", "reviewed tomorrow"],
)
def test_the_runbook_is_kept(text: str, reviewed_on: date, words: str) -> None:
    """PM-11."""
    found = runbook_kept(text, {"SC-1": "a"}, reviewed_on=reviewed_on, review_after_d=30, today=NOW.date())

    assert (not found.missing) == (not words)
    assert words in str(found)


@pytest.mark.parametrize(("text", "known"), [('<a id="a"></a>', False), ("", True)], ids=["kept", "page missing"])
def test_a_runbook_that_nobody_read_is_not_kept(text: str, known: bool) -> None:  # noqa: FBT001 - a table
    """PM-11 stays open, and says what to do; a page that is missing is broken all the same."""
    found = runbook_kept(text, {"SC-1": "a"}, reviewed_on=None, review_after_d=30, today=NOW.date())

    if known:
        assert found.missing
    else:
        with pytest.raises(
            MeasurementFailed, match=r"nobody has written down .* set \[about\] reviewed_on in plan.toml"
        ):
            _ = found.missing


def cover(*shifts: Shift, absent: str = "") -> Finding:
    """PM-12 for one day."""
    return covered(shifts, since=NOW, until=NOW + DAY, absent=absent)


def test_each_hour_has_somebody() -> None:
    """PM-12: a gap at the beginning, between and at the end; nobody at all; and what is left without the absent one."""
    ada, ben = Shift("On call: Ada", NOW - HOUR, NOW + 12 * HOUR), Shift("Ben", NOW + 12 * HOUR, NOW + 2 * DAY)

    assert not cover(ada, ben).missing
    assert cover(ada).missing
    assert cover(ben).missing
    assert cover().missing
    assert "nobody from 2026-11-28 00:00 UTC to 2026-11-28 01:00" in str(
        cover(ada, Shift("Ben", NOW + 13 * HOUR, NOW + 2 * DAY))
    )
    assert cover(ada, ben, absent="ada").missing
    assert not cover(ada, ben, Shift("Eve", NOW, NOW + DAY), absent="ada").missing


def written(text: str, *, ended: datetime, line: str = "finished") -> Finding:
    """PM-13 or RP-1 for one run; two days."""
    judge = finished if line == "finished" else cause_found
    return judge([RealRun("run-1", ended)], [Document("a.md", text)], now=NOW, within=2 * DAY)


@pytest.mark.parametrize(
    ("text", "ready"),
    [
        ("run-1\nFinished (UTC): 2026-11-21 12:00\n", True),
        ("run-1\nFinished (UTC): 2026-11-25 12:00\n", False),
        ("run-2\nFinished (UTC): 2026-11-21 12:00\n", False),
        ("run-1\nFinished (UTC): _For people to fill in._\n", False),
        ("run-1\nFinished (UTC): 2026-11-21 12:00\n## Root cause\n_For people to fill in._\n", False),
    ],
    ids=["in time", "late", "of another run", "a draft", "half filled in"],
)
def test_each_rollback_has_its_postmortem(text: str, *, ready: bool) -> None:
    """PM-13: of a rollback of a week ago; one of an hour ago has time."""
    assert (not written(text, ended=NOW - 7 * DAY).missing) is ready
    assert not written("", ended=NOW - HOUR).missing
    assert not finished([], [], now=NOW, within=DAY).missing


def test_each_root_cause_was_found_in_time() -> None:
    """RP-1: late is red; a moment that is none is not known."""
    assert not written("run-1\nRoot cause found (UTC): 2026-11-21 12:00\n", ended=NOW - 7 * DAY, line="cause").missing
    assert written("run-1\nRoot cause found (UTC): 2026-11-26 12:00\n", ended=NOW - 7 * DAY, line="cause").missing
    with pytest.raises(MeasurementFailed, match=r"a\.md"):
        _ = written("run-1\nRoot cause found (UTC): soon\n", ended=NOW - 7 * DAY, line="cause").missing
