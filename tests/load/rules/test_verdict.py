"""Every rule of the load gate over written-out records: what breaks it, what is not known, and whose fault it is."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.load.facts import LoadFinding
from pam_rollback.redeploy.load.record import LoadRecord, LoadRequest, LoadWorker
from pam_rollback.redeploy.load.verdict import LoadVerdict, judge
from tests.load.records import BEGAN_S, LIMITS, as_usual, both, failed, is_kept, never_sent, steady, steps


def verdict(record: LoadRecord) -> LoadVerdict:
    """By the plan's own figures."""
    return judge(record, LIMITS)


def facts(record: LoadRecord) -> dict[str, LoadFinding]:
    """All of them, by their ids."""
    found = verdict(record)
    names = ("p95", "p99", "errors", "outage", "steps", "reached")
    return {f"LG-{number}": getattr(found, name) for number, name in enumerate(names, start=1)}


def standings(record: LoadRecord) -> dict[str, str]:
    """Good, broken or unknown, by id."""
    found = {}
    for name, fact in facts(record).items():
        try:
            found[name] = "good" if is_kept(fact) else "broken"
        except MeasurementFailed:
            found[name] = "unknown"
    return found


def test_a_healthy_run_is_good() -> None:
    """Every threshold is kept, and each says its figure with n and definition."""
    record = steps()

    assert set(standings(record).values()) == {"good"}
    found = verdict(record)
    assert str(found.p95) == (
        "p95 under load from the due time: 50 ms (n=1125, nearest rank), expected below 500 ms; with 95 % confidence below 50 ms"
    )
    assert "error rate under load 0.00 % (0 of 1125), expected below 2 %" in str(found.errors)
    assert "100 % of the load (40/s) at +45 s: p95 50 ms, p99 50 ms, 0.00 % errors, n=600" in str(found.steps)
    assert found.reached.number == 100


def test_a_run_that_two_releases_answered_is_not_good() -> None:
    """Nothing is green, whatever the servers counted; what is bad was asked as it should be, and stands."""
    mixed = replace(steps(), not_one="the API served release 1.42.0 when the load began and 1.41.3 when it was over")

    assert set(standings(mixed).values()) == {"unknown"}
    with pytest.raises(MeasurementFailed, match=r"served release 1\.42\.0 when the load began and 1\.41\.3"):
        is_kept(verdict(mixed).p95)
    assert standings(replace(steps(lambda _: failed()), not_one="two releases"))["LG-3"] == "broken"


# ---------------------------------------------------------------- the service


def test_three_seconds_of_outage_are_a_breach_although_few_failed() -> None:
    """A 3 s total outage in 60 s under a threshold of 10 %: the whole error rate keeps it, the streak does not."""

    def down(at_s: float) -> Mapping[str, object]:
        return failed() if 30.4 <= at_s < 33.4 else {}

    lenient = {**LIMITS, "LG-3": LIMITS["LG-3"].model_copy(update={"error_rate_pct_max": 10.0})}
    found = judge(steady(down), lenient)  # type: ignore[arg-type]

    assert is_kept(found.errors)
    assert found.errors.number == pytest.approx(5)
    assert not is_kept(found.outage)
    assert "3 s of all answers from +30 s on" in str(found.outage)


@pytest.mark.parametrize("begins_s", [30 + tenth / 10 for tenth in range(10)])
def test_three_seconds_are_seen_wherever_they_begin(begins_s: float) -> None:
    """Seconds are counted by the clock, not by the outage: no alignment hides it."""
    record = steady(lambda at_s: failed() if begins_s <= at_s < begins_s + 3 else {})

    assert not is_kept(verdict(record).outage)


def test_one_bad_second_is_tolerated() -> None:
    """What the plan's figure allows is no outage; its share of errors is judged elsewhere."""
    assert is_kept(verdict(steady(lambda at_s: failed() if 30 <= at_s < 31 else {})).outage)


def test_a_pause_is_an_outage_though_nothing_failed() -> None:
    """A process that stands still for four seconds answers everything well, later: counted from the due time that is bad."""
    record = steady(lambda at_s: {"ms": 1000 * (34.5 - at_s)} if 30 <= at_s < 34 else {})

    assert not is_kept(verdict(record).outage)


def test_an_outage_of_one_journey_is_one() -> None:
    """Where most requests go on well, one journey that answers nothing for three seconds is found and named."""

    def answer(at_s: float) -> Mapping[str, object]:
        is_login = round(at_s * 20) % 5 == 0
        differs = failed() if is_login and 20 <= at_s < 24 else {}
        return {**differs, "journey": "login" if is_login else "chat"}

    assert "of login from +20 s on" in str(verdict(steady(answer)).outage)
    assert not is_kept(verdict(steady(answer)).outage)


def test_slow_answers_break_p95_and_name_the_step() -> None:
    """From 20 requests a second on it is slow: the steps below are borne, the message says at which load it broke."""
    record = steps(lambda at_s: {"ms": 700.0} if at_s >= 30 else {})

    assert standings(record) == {
        "LG-1": "broken",
        "LG-2": "good",
        "LG-3": "good",
        "LG-4": "good",
        "LG-5": "broken",
        "LG-6": "good",
    }
    assert "the load broke it at 50 % of the load (20/s), 30 s after the start: p95" in str(verdict(record).steps)


def test_the_highest_step_is_judged_by_itself() -> None:
    """A step that is bad for certain breaks the gate although the whole run keeps each threshold."""
    # An eighth of the last step's answers are slow; of all answers it is 2.5 %.
    record = steps(
        lambda at_s: {"ms": 900.0} if at_s >= 30 and round(at_s * 40) % 16 == 0 else {}, rates_hz=(40, 40, 20)
    )
    found = verdict(record)

    assert is_kept(found.p95)
    assert found.steps.broken
    assert "50 % of the load (20/s)" in str(found.steps)


def test_errors_break_and_are_named() -> None:
    """5 % of wrong answers break error rate and reached load, with what was wrong."""
    found = verdict(steady(lambda at_s: failed("HTTP 500") if round(at_s * 20) % 20 == 0 else {}))

    assert not is_kept(found.errors)
    assert "most of all chat: HTTP 500 (60)" in str(found.errors)


def test_errors_near_the_limit_are_not_known() -> None:
    """1.5 % of 1,200 is below 2 %, but the truth may be above: neither green nor red."""
    found = verdict(steady(lambda at_s: failed() if round(at_s * 20) % 67 == 0 else {}))

    assert not found.errors.broken
    with pytest.raises(MeasurementFailed, match=r"the true share may be 2\.\d\d %: ask more"):
        assert is_kept(found.errors)


def test_fast_errors_do_not_make_it_fast() -> None:
    """A service that fails at once is not fast: its speed is not known, its errors are."""
    record = steady(lambda _: failed())

    assert standings(record)["LG-1"] == "unknown"
    assert standings(record)["LG-3"] == "broken"


def test_slow_failures_are_slow() -> None:
    """Answers that were given up after five seconds count as slow."""
    found = verdict(steady(lambda at_s: failed("timeout", 5000.0) if round(at_s * 20) % 10 == 0 else {}))

    assert not is_kept(found.p95)


# ---------------------------------------------------------------- the generator


def test_no_request_is_not_green() -> None:
    """A run that asked for nothing shows nothing."""
    empty = replace(steady(), requests=())

    assert set(standings(empty).values()) == {"unknown"}
    with pytest.raises(MeasurementFailed, match="no request was sent: nothing was measured"):
        assert is_kept(verdict(empty).errors)


def test_too_few_are_not_green() -> None:
    """50 good answers show neither p99 nor an error rate below 2 %."""
    found = standings(steady(rate_hz=2, duration_s=25))

    assert (found["LG-1"], found["LG-2"], found["LG-3"]) == ("unknown", "unknown", "unknown")


def test_a_generator_that_cannot_keep_up_is_not_the_service() -> None:
    """A fifth never left: inconclusive with what to do, and not red."""
    record = steady(lambda at_s: never_sent() if round(at_s * 20) % 5 == 0 else {})

    assert set(standings(record).values()) == {"unknown"}
    with pytest.raises(
        MeasurementFailed, match=r"the generator sent 960 of 1200 requests at 20/s .* more processors or workers"
    ):
        assert is_kept(verdict(record).p95)


def test_a_late_generator_is_not_the_service() -> None:
    """Latency counts from the due time; where only the generator's own lag makes it slow, nothing is known."""
    record = steady(lambda at_s: {"lag_ms": 900.0} if round(at_s * 20) % 5 == 0 else {})

    assert standings(record)["LG-1"] == "unknown"
    with pytest.raises(MeasurementFailed, match="the generator was late: 240 of 1200"):
        assert is_kept(verdict(record).p95)


def test_a_burst_after_a_standstill_is_not_the_service() -> None:
    """The generator stood still and sent what it owed in one burst: the answers are really slow, and it is not the service's fault."""
    record = steady(lambda at_s: {"lag_ms": 1000 * (40 - at_s) + 1, "ms": 1500.0} if 34 <= at_s < 40 else {})

    assert "broken" not in standings(record).values()


def test_slow_answers_of_an_incomplete_run_stand() -> None:
    """A run that was cut short asked as it should until then: that it was slow is known."""
    record = steady(lambda _: {"ms": 800.0}, cut_short="Ctrl-C")

    assert standings(record)["LG-1"] == "broken"


def test_a_failing_service_stands_whatever_the_generator_did() -> None:
    """A late generator does not excuse that every second answer is an error."""
    record = steady(lambda at_s: {"lag_ms": 900.0, **(failed() if round(at_s * 20) % 2 else {})})

    assert standings(record)["LG-3"] == "broken"


def test_a_lost_worker_makes_green_unknown_and_leaves_red() -> None:
    """What the lost worker had to ask was not asked: no verdict, unless what was asked is bad enough."""
    gone = LoadWorker("w2", 300, lost_s=BEGAN_S + 20)
    workers = (LoadWorker("w1", 900), gone)
    good = replace(steady(), workers=workers, workers_expected=2)
    bad = replace(steady(lambda _: failed()), workers=workers, workers_expected=2)

    assert set(standings(good).values()) == {"unknown"}
    with pytest.raises(MeasurementFailed, match=r"1 of 2 generators went away \(w2 at \+20 s\)"):
        assert is_kept(verdict(good).errors)
    assert standings(bad)["LG-3"] == "broken"


def test_what_a_lost_worker_owes_is_no_lag_of_the_others() -> None:
    """The engine records what it owed as never sent. The other one kept up: its slow answers stand, and the message names the loss."""
    gone = LoadWorker("w2", 300, lost_s=BEGAN_S + 30)
    workers = (LoadWorker("w1", 900), gone)

    def answer(at_s: float) -> Mapping[str, object]:
        is_second = round(at_s * 20) % 2 == 1
        owed = never_sent() if is_second and at_s >= 30 else {"ms": 800.0}
        return {**owed, "worker": "w2" if is_second else "w1"}

    record = steady(answer, workers=workers, workers_expected=2)
    found = standings(record)

    assert (found["LG-1"], found["LG-3"], found["LG-6"]) == ("broken", "unknown", "unknown")
    with pytest.raises(MeasurementFailed, match=r"not known: 1 of 2 generators went away \(w2 at \+30 s\)"):
        assert is_kept(verdict(record).errors)


def test_a_worker_that_never_came_is_missed() -> None:
    """Two were expected and one took part."""
    with pytest.raises(MeasurementFailed, match="1 of 2 generators took part"):
        assert is_kept(verdict(steady(workers_expected=2)).errors)


def test_a_run_that_was_cut_short_is_not_green() -> None:
    """Half a run shows half of it."""
    with pytest.raises(MeasurementFailed, match="cut short: Ctrl-C"):
        assert is_kept(verdict(steady(cut_short="Ctrl-C")).errors)


def test_moments_that_cannot_be_are_not_green() -> None:
    """Requests that lie outside the run: nothing is known."""
    ahead = replace(steady(), requests=tuple(_later(one, 3600) for one in steady().requests))

    with pytest.raises(MeasurementFailed, match="a clock was set during the run"):
        assert is_kept(verdict(ahead).errors)


# ---------------------------------------------------------------- two releases


def test_the_candidate_is_judged_where_two_were_asked() -> None:
    """A stable release that fails is not the candidate's fault, and half of the load was the candidate's."""
    found = verdict(both(stable=lambda _: failed()))

    assert is_kept(found.errors)
    assert found.errors.n == 1200
    assert is_kept(found.reached)
    assert not is_kept(verdict(both(candidate=lambda _: failed())).errors)


def test_a_candidate_that_was_never_asked_is_not_green() -> None:
    """Only the stable release answered: nothing is known of the candidate."""
    record = both()
    only_stable = replace(record, requests=tuple(one for one in record.requests if one.target == "stable"))

    assert "good" not in standings(only_stable).values()


def test_a_single_error_decides_nothing() -> None:
    """One among the 45 answers of the first step is 2.2 % there and 0.1 % of all."""
    record = steps(lambda at_s: failed() if at_s == 0 else as_usual(at_s), rates_hz=(3, 10, 20, 40))

    assert set(standings(record).values()) == {"good"}


def test_a_single_slow_answer_decides_nothing() -> None:
    """One request of one and a half seconds among the first few is no breach of a step, and no reason to know nothing."""
    record = steps(lambda at_s: {"ms": 1500.0} if at_s == 0 else as_usual(at_s))

    assert set(standings(record).values()) == {"good"}


def test_a_short_step_that_may_have_been_too_much_is_not_known() -> None:
    """Of 75 answers 5 were slow: p95 reaches the limit, and chance could have done that."""
    record = steps(lambda at_s: {"ms": 700.0} if at_s < 1 else as_usual(at_s))

    assert standings(record)["LG-5"] == "unknown"
    with pytest.raises(MeasurementFailed, match=r"at 12 % of the load \(5/s\) too few answers came to be sure: p95"):
        assert is_kept(verdict(record).steps)


def _later(one: LoadRequest, seconds: float) -> LoadRequest:
    return replace(one, due_s=one.due_s + seconds)
