"""Records count when our own requests are among them; what is broken is broken in any case."""

from dataclasses import replace

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation.window_state import WindowState
from pam_rollback.records.series_window import RecordedWindow, SeriesSpec, SeriesWindow
from pam_rollback.stats.series import Answers, Quantity

MET = SeriesWindow(
    spec=SeriesSpec(quantity=Quantity.ERROR_RATE_PCT, limit=2, duration_s=900, gap_max_s=180),
    state=WindowState.MET,
    reason="",
    where="Render, srv-x",
    value=0.1,
    bounds="",
    definition="errors over all counted answers",
    n=1000,
    points=14,
    unknown=0,
    restarts=0,
    gone=(),
    observed_s=900,
)


def test_records_with_our_requests_are_believed() -> None:
    """A few at the edges of their steps may be missing. Both figures are told."""
    found = RecordedWindow(MET, Answers(1250, 0))

    assert found.held
    assert str(found).endswith("14 of 14 points known, observed 900 s); the prober saw 0.00 %, n=1250")
    assert found.figures.definition.endswith("; the prober saw 0.00 %, n=1250")
    assert repr(found) == str(found)


def test_records_without_our_requests_are_about_something_else() -> None:
    """A quiet service of another environment looks healthy."""
    with pytest.raises(
        MeasurementFailed, match=r"expected our own 1251 requests .* are these the records of this service\?"
    ):
        assert RecordedWindow(MET, Answers(1251, 0)).held


def test_requests_that_were_not_answered_need_not_be_on_record() -> None:
    """They may never have arrived."""
    assert RecordedWindow(MET, Answers(2000, 750)).held


def test_what_is_broken_is_broken() -> None:
    """Also when not all of our requests are there: they may be what was lost."""
    assert not RecordedWindow(replace(MET, state=WindowState.BROKEN), Answers(9999, 0)).held


def test_what_was_not_waited_for_is_unknown_and_says_why() -> None:
    """Another measure was broken."""
    cut = RecordedWindow(replace(MET, state=WindowState.HOLDING))

    assert str(cut).endswith("not waited for: another measure is broken")
    with pytest.raises(MeasurementFailed, match=r"error rate .* so far, .*; not waited for: another measure is broken"):
        assert cut.held


def test_where_our_requests_are_not_counted_nothing_is_compared() -> None:
    """Memory, and counters that leave out all that a prober without an account can ask."""
    assert RecordedWindow(MET).held
    memory = replace(MET, spec=replace(MET.spec, quantity=Quantity.LATENCY_P95_MS))
    assert str(RecordedWindow(memory, Answers(7, 0))).endswith("; 7 requests were the prober's")
