"""Outages and recovery from samples whose truth is written out by hand."""

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.recovery import OutageRule, UndamagedRollback, find_outages, recovery
from pam_rollback.probe.samples import Sample

RULE = OutageRule(limit_pct=10)


def good(due_s: float) -> Sample:
    """Make a good sample."""
    return Sample(due_s=due_s, latency_ms=2, journey="health", ok=True)


def error(due_s: float) -> Sample:
    """Make a sample that failed at once."""
    return Sample(due_s=due_s, latency_ms=1, journey="health", ok=False, why="HTTP 503 instead of 200")


def history(
    seconds: float, *bad: tuple[float, float], rate_hz: float = 50.0, make: Callable[[float], Sample] = error
) -> list[Sample]:
    """Make samples from moment 0 on, bad when due within one of the given stretches."""
    moments = [tick / rate_hz for tick in range(round(seconds * rate_hz))]
    return [make(moment) if any(a <= moment < b for a, b in bad) else good(moment) for moment in moments]


def test_one_outage() -> None:
    """2.0 s of errors are found within one period, with bounds that hold the truth."""
    (outage,), blips = find_outages(history(20, (5.01, 7.01)), RULE)

    assert outage.started_s == pytest.approx(5.01, abs=0.02)
    assert outage.ended_s == pytest.approx(7.01, abs=0.02)
    assert outage.at_most_s >= 2.0
    assert outage.resolution_s == pytest.approx(0.02)
    assert (outage.bad, outage.n, outage.why) == (100, 100, "HTTP 503 instead of 200")
    assert blips == ()


def test_recovery_counts_from_both_moments() -> None:
    """What users suffered counts from the incident, what the plan promises counts from the decision."""
    found = recovery(history(20, (5, 9)), incident_s=5.0, decision_s=7.5, rule=RULE)

    assert found.onset_s == pytest.approx(5, abs=0.02)
    assert found.from_incident_s == pytest.approx(4, abs=0.02)
    assert found.from_decision_s == pytest.approx(1.5, abs=0.02)
    assert found.good_for_s == pytest.approx(11, abs=0.05)


def test_recovered_means_for_good() -> None:
    """A service that comes back and falls again has recovered only the second time."""
    found = recovery(history(30, (5, 7), (12, 13)), incident_s=5.0, decision_s=6.0, rule=RULE)

    assert len(found.outages) == 2
    assert found.recovered_s == pytest.approx(13, abs=0.02)


def test_flapping_is_one_outage() -> None:
    """With at most 3 s of good answers between them, bad times belong together; with more they do not."""
    assert len(find_outages(history(20, (5, 6), (8.5, 9)), RULE)[0]) == 1
    assert len(find_outages(history(20, (5, 6), (9.5, 10)), RULE)[0]) == 2


def test_a_single_bad_sample_is_a_blip() -> None:
    """One failure that stands alone is reported, but it is no outage, at any rate."""
    for rate_hz in (1.0, 50.0):
        outages, blips = find_outages(history(20, (5, 5.02), rate_hz=rate_hz), RULE)
        assert (outages, [blip.due_s for blip in blips]) == ((), [5.0])


def test_two_bad_samples_in_a_row_are_an_outage_at_one_a_second() -> None:
    """At 1 Hz an outage shows as few samples; its bounds say how little is known."""
    (outage,), _ = find_outages(history(20, (5, 7), rate_hz=1.0), RULE)

    assert (outage.length_s, outage.resolution_s) == (2.0, 1.0)
    assert outage.at_most_s == pytest.approx(3.0, abs=0.01)


def test_a_share_of_errors_is_an_outage() -> None:
    """Three in ten requests fail for four seconds: bad seconds, although most answers are good."""
    samples = [error(s.due_s) if 5 <= s.due_s < 9 and i % 10 in {0, 3, 7} else s for i, s in enumerate(history(20))]
    (outage,), _ = find_outages(samples, RULE)

    assert outage.started_s == pytest.approx(5, abs=0.1)
    assert outage.ended_s == pytest.approx(9, abs=0.1)


def partly(seconds: float, from_s: float, until_s: float, *, share: float, rate_hz: float, seed: int) -> list[Sample]:
    """In that time a share of the requests fails, by luck."""
    luck = random.Random(seed)
    return [
        error(sample.due_s) if from_s <= sample.due_s < until_s and luck.random() < share else sample
        for sample in history(seconds, rate_hz=rate_hz)
    ]


@pytest.mark.long_matrix(first=2)
@pytest.mark.parametrize(("share", "rate_hz"), [(0.15, 50.0), (0.6, 10.0), (0.3, 50.0), (0.6, 50.0), (0.9, 50.0)])
def test_what_failed_in_part_ends_when_luck_does_not_explain_the_good(share: float, rate_hz: float) -> None:
    """In 120 incidents that end at 20 s, the end lies within what is said in nine of ten and more."""
    said = 0
    for seed in range(120):
        found = find_outages(partly(40, 10, 20, share=share, rate_hz=rate_hz, seed=seed), RULE)[0][-1]
        assert found.ended_s is not None
        assert found.ended_by_s is not None
        said += found.ended_by_s >= 20 - 1 / rate_hz
        assert found.ended_s + found.resolution_s >= found.ended_by_s - 1e-9

    assert said >= 0.9 * 120


def test_recovery_from_what_failed_in_part_is_believed_later() -> None:
    """One request in three fails, one probe a second: a few good ones in a row are nothing yet."""
    hit = [error(s.due_s) if 10 <= s.due_s < 40 and s.due_s % 3 == 0 else s for s in history(60, rate_hz=1.0)]

    assert recovery(hit[:50], incident_s=10.0, decision_s=30.0, rule=RULE).recovered_s is None
    found = recovery(hit, incident_s=10.0, decision_s=30.0, rule=RULE)
    assert (found.recovered_s, found.recovered_by_s) == (40.0, 51.0)
    assert found.within(22).took_s <= 22
    assert found.within(9).took_s > 9
    with pytest.raises(MeasurementFailed, match=r"it may have ended as late as 21\.0 s after the decision"):
        found.within(15).took_s  # noqa: B018 - it raises


def test_before_the_decision_by_less_than_can_be_told_is_at_it() -> None:
    """The last request that failed was not the last that would have: nobody recovered before anything was done."""
    found = recovery(partly(40, 10, 20, share=0.6, rate_hz=50.0, seed=5), incident_s=10.0, decision_s=20.05, rule=RULE)

    assert found.recovered_s is not None
    assert 20.05 - found.resolution_s < found.recovered_s < 20.05
    assert found.from_decision_s == 0


def test_a_recovery_from_before_the_decision_is_not_by_this_rollback() -> None:
    """Users were well 16 s before anybody acted, or no probe saw them ill: before, that was "ok, in time"."""
    for samples in (history(60, (10, 14)), history(60)):
        found = recovery(samples, incident_s=10.0, decision_s=30.08, rule=RULE)
        with pytest.raises(MeasurementFailed, match=r"users were well \d\d\.\d+ s before it was decided"):
            found.within(30).took_s  # noqa: B018 - it raises


def test_slow_answers_are_an_outage() -> None:
    """An answer after 700 ms is no answer to a user."""
    (outage,), _ = find_outages(history(20, (5, 6.2), make=lambda due_s: replace(good(due_s), latency_ms=700)), RULE)

    assert outage.length_s == pytest.approx(1.2, abs=0.02)
    assert outage.why == "slow"


def test_the_end_of_a_hang_is_when_answers_came_again() -> None:
    """Requests that a hanging service held and then answered within the limit must not date its end back."""
    samples = [replace(s, latency_ms=(8.5 - s.due_s) * 1000) if 5 <= s.due_s < 8.5 else s for s in history(20)]
    (outage,), _ = find_outages(samples, RULE)

    assert outage.started_s == pytest.approx(5, abs=0.02)
    assert outage.ended_s == pytest.approx(8.5, abs=0.02)
    assert outage.at_most_s >= 3.5


def test_usual_latency_is_no_outage() -> None:
    """With answers that always take 300 ms the end is not late by 300 ms."""
    samples = [replace(s, latency_ms=300) if s.ok else s for s in history(20, (5, 7))]
    (outage,), _ = find_outages(samples, RULE)

    assert outage.ended_s == pytest.approx(7, abs=0.02)


def test_never_recovered() -> None:
    """Bad to the end: no figure at all, rather than a small one."""
    found = recovery(history(20, (5, 20)), incident_s=5.0, decision_s=6.0, rule=RULE)

    assert (found.recovered_s, found.from_decision_s, found.outages[-1].ended_s) == (None, None, None)
    assert str(found).startswith("not recovered")


def test_recovery_needs_time_to_be_believed() -> None:
    """Two good seconds at the end may still be flapping."""
    assert recovery(history(9, (5, 7)), incident_s=5.0, decision_s=6.0, rule=RULE).recovered_s is None


def test_nothing_seen_by_users() -> None:
    """Without an outage there is no onset; the service was good all along, which is not a fast recovery."""
    found = recovery(history(20), incident_s=5.0, decision_s=6.0, rule=RULE)

    assert (found.onset_s, found.recovered_s, found.from_decision_s) == (None, 5.0, -1.0)


def test_an_outage_before_the_incident_does_not_count() -> None:
    """What was over before is reported, and no part of this recovery."""
    found = recovery(history(30, (2, 4), (15, 16)), incident_s=15.0, decision_s=15.5, rule=RULE)

    assert found.onset_s == pytest.approx(15, abs=0.02)
    assert len(found.outages) == 2


def test_incident_of_unknown_start() -> None:
    """In a real rollback nobody knows when it began: counted from the decision only."""
    found = recovery(history(20, (0, 9)), incident_s=None, decision_s=7.0, rule=RULE)

    assert found.from_incident_s is None
    assert found.from_decision_s == pytest.approx(2, abs=0.02)


def test_probes_that_left_late_say_nothing() -> None:
    """A prober that stalled must not look like a service that failed."""
    samples = [replace(s, lag_ms=900, latency_ms=902) if 5 <= s.due_s < 7 else s for s in history(20)]

    assert find_outages(samples, RULE) == ((), ())


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], "not one usable sample"),
        (history(5), "older than the decision"),
        ([s for s in history(30) if s.due_s > 20], "younger than the decision"),
        ([s for s in history(30) if not 9 < s.due_s < 16], "in this hole would not be seen"),
    ],
    ids=["nothing", "ends too early", "begins too late", "hole"],
)
def test_what_was_not_observed_is_unknown(samples: list[Sample], expected: str) -> None:
    """Without samples where they matter there is no recovery time, not even a good one."""
    with pytest.raises(MeasurementFailed, match=expected):
        recovery(samples, incident_s=7.0, decision_s=8.0, rule=RULE)


def test_a_prober_as_late_as_the_first_step_misses_nothing() -> None:
    """As a machine that is slow to begin: users were well at its first sample at the latest, counted from the decision."""
    late = [s for s in history(40) if s.due_s > 20]

    found = recovery(late, incident_s=None, decision_s=8.0, rule=RULE, acted_s=16.0)

    assert found.from_decision_s == pytest.approx(12, abs=0.1)
    assert found.within(13).took_s == found.from_decision_s
    with pytest.raises(MeasurementFailed, match="may have been well before it"):
        _ = found.within(11).took_s
    with pytest.raises(MeasurementFailed, match="younger than the decision"):
        recovery(late, incident_s=None, decision_s=8.0, rule=RULE, acted_s=14.0)


@given(st.floats(2, 10), st.floats(0.1, 6), st.sampled_from([10.0, 50.0]))
@settings(deadline=None)
def test_the_truth_lies_within_the_bounds(start_s: float, length_s: float, rate_hz: float) -> None:
    """Whatever the phase between outage and ticks: off by one period at most, and the bounds hold the truth."""
    samples = history(25, (start_s, start_s + length_s), rate_hz=rate_hz)
    outages, _ = find_outages(samples, RULE)
    if not outages:
        assert length_s <= max(0.1, 2 / rate_hz) + 1e-9, "fewer bad samples than make a bad second, or one alone"
        return

    (outage,) = outages
    assert outage.length_s is not None
    assert abs(outage.length_s - length_s) <= 1 / rate_hz + 1e-9
    assert length_s <= outage.at_most_s + 1e-9


OBJECTIVE_S = 60
DECIDED_S = 10


def rolled_back(done_s: float, *, bad_s: tuple[float, float] = (0, 0)) -> UndamagedRollback:
    """Done so long after the decision; users were unwell from and until these seconds after it. Ten probes a second."""
    moments = [number / 10 for number in range(900)]
    first_s, last_s = (DECIDED_S + moment for moment in bad_s)
    samples = [Sample(at_s, 5, "front page", ok=not first_s <= at_s < last_s) for at_s in moments]
    found = recovery(samples, incident_s=None, decision_s=DECIDED_S, rule=OutageRule(limit_pct=10))
    return UndamagedRollback(found, done_s, OBJECTIVE_S)


@pytest.mark.parametrize(("done_s", "in_time"), [(59.0, True), (60.0, True), (60.1, False)])
def test_the_rollback_itself_has_to_be_done_in_time(done_s: float, *, in_time: bool) -> None:
    """Users who were well all the time do not make it quick."""
    found = rolled_back(done_s)

    assert (found.took_s <= OBJECTIVE_S) is in_time
    assert found.measured.value == done_s
    assert "users unwell for 0.0 s of it; recovery from damage not judged" in found.measured.definition


def test_what_it_costs_users_counts() -> None:
    """Done in two seconds, and users were unwell from the fifth to the twentieth: that is how long it took."""
    found = rolled_back(2, bad_s=(5, 20))

    assert found.measured.value == pytest.approx(20, abs=0.2)
    assert found.exposure_s == pytest.approx(15, abs=0.3)
    assert found.took_s <= OBJECTIVE_S


def test_users_who_stay_unwell_are_no_success() -> None:
    """However soon it was done."""
    found = rolled_back(2, bad_s=(5, 200))

    assert (found.took_s, found.measured.value) == (math.inf, "users not well")
    assert "asked within 60 s, measured users not well" in str(found)
