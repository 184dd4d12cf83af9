"""The monitoring figures by a sample of answers: enough of them, and unknown when there are not."""

import dataclasses
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.window import (
    WindowSpec,
    answers_spec,
    judge_sample,
    judge_without_prober_lag,
    sample_spec,
)
from pam_rollback.stats.series import Quantity
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment

RATE_HZ = 40.0
ERRORS = sample_spec(Quantity.ERROR_RATE_PCT, 2, rate_hz=RATE_HZ, answer_max_s=5)
P95 = sample_spec(Quantity.LATENCY_P95_MS, 500, rate_hz=RATE_HZ, answer_max_s=5)


def answers(n: int, *, bad: int = 0, slow: int = 0, late: int = 0) -> list[Sample]:
    """So many answers, evenly spread; the wrong, slow and late ones spread evenly too, at different places."""
    found = [Sample(due_s=index / RATE_HZ, latency_ms=20, journey="history", ok=True) for index in range(n)]
    for kind, (many, changes) in enumerate(
        [(bad, {"ok": False, "why": "HTTP 500"}), (slow, {"latency_ms": 800.0}), (late, {"lag_ms": 900.0})]
    ):
        for turn in range(many):
            place = (turn * n // max(many, 1) + kind) % n
            found[place] = dataclasses.replace(found[place], **changes)  # type: ignore[arg-type]
    return found


def judged(samples: list[Sample], measure: Quantity) -> Window:
    """The verdict once all of them have settled."""
    settled_s = max(sample.due_s for sample in samples) + 1 / RATE_HZ
    spec = ERRORS if measure is Quantity.ERROR_RATE_PCT else P95
    return judge_sample(samples, spec, start_s=0, now_s=settled_s, rate_hz=RATE_HZ, settled_s=settled_s)


def test_enough_good_answers_are_good() -> None:
    """Both figures, with their n and their definitions."""
    errors, p95 = judged(answers(170), Quantity.ERROR_RATE_PCT), judged(answers(170), Quantity.LATENCY_P95_MS)

    assert errors.met
    assert (errors.measured.asked, errors.measured.n) == ("< 2 %, n >= 150", 170)
    assert p95.met
    assert (p95.measured.asked, p95.measured.value) == ("< 500 ms, n >= 100", 20)


@pytest.mark.parametrize(("bad", "good"), [(3, True), (4, False)])
def test_the_limit_is_the_plans(bad: int, good: bool) -> None:  # noqa: FBT001 - a parameter
    """Two of a hundred are not below 2 %."""
    assert judged(answers(200, bad=bad), Quantity.ERROR_RATE_PCT).met is good


@pytest.mark.parametrize(("slow", "good"), [(10, True), (11, False)])
def test_five_of_a_hundred_may_be_slow(slow: int, good: bool) -> None:  # noqa: FBT001 - a parameter
    """95 of 100 is what the percentile says."""
    assert judged(answers(200, slow=slow), Quantity.LATENCY_P95_MS).met is good


def test_errors_do_not_hide_what_is_fast() -> None:
    """A fifth fails quickly: that is an error rate, and says nothing of the speed of the others."""
    samples = answers(170, bad=34)

    assert not judged(samples, Quantity.ERROR_RATE_PCT).met
    assert judged(samples, Quantity.LATENCY_P95_MS).met


def test_too_few_answers_are_unknown() -> None:
    """Every sixth was never recorded, and all others are good: nobody knows whether it was 2 %."""
    few = [sample for index, sample in enumerate(answers(170)) if index % 6]

    with pytest.raises(MeasurementFailed, match="141 usable samples at most, 150 are needed"):
        assert judged(few, Quantity.ERROR_RATE_PCT).met


def test_it_is_lost_early() -> None:
    """Four errors of 165 answers are too many, whatever comes: no reason to wait for the rest."""
    samples = [dataclasses.replace(sample, ok=False) for sample in answers(4)]
    verdict = judge_sample(samples, ERRORS, start_s=0, now_s=0.1, rate_hz=RATE_HZ, settled_s=0.1)

    assert verdict.final
    assert not verdict.met


def test_more_answers_than_asked_for_all_count() -> None:
    """After a rollback there are more already: an error long after the first 150 is not cut off."""
    samples = answers(800)
    samples[-30:] = [dataclasses.replace(sample, ok=False) for sample in samples[-30:]]

    found = judged(samples, Quantity.ERROR_RATE_PCT)
    assert (found.n, found.met) == (800, False)


def test_where_probes_are_rare_two_in_a_row_are_no_outage() -> None:
    """At one answer in two seconds: 2 bad of 200 is 1 %, in a row or not."""
    spec = sample_spec(Quantity.ERROR_RATE_PCT, 2, rate_hz=0.5, answer_max_s=5)
    samples = [Sample(due_s=2.0 * index, latency_ms=20, journey="front page", ok=True) for index in range(200)]
    samples[50:52] = [dataclasses.replace(sample, ok=False) for sample in samples[50:52]]

    verdict = judge_sample(samples, spec, start_s=0, now_s=400, rate_hz=0.5, settled_s=400)
    assert spec.duration_s == pytest.approx(330)
    assert verdict.met


LAGGED = WindowSpec(measure=Quantity.LATENCY_P95_MS, limit=500, duration_s=15)


def lagging(latency_ms: float, lag_ms: float) -> Window:
    """Fifteen seconds of such answers, ten a second."""
    answer = Sample(due_s=0, latency_ms=latency_ms, journey="chat", ok=True, lag_ms=lag_ms)
    samples = [dataclasses.replace(answer, due_s=at / 10) for at in range(150)]
    samples.append(dataclasses.replace(answer, due_s=15, lag_ms=None))  # one that never left
    return judge_without_prober_lag(samples, LAGGED, start_s=0, now_s=20, rate_hz=10, settled_s=20)


@pytest.mark.parametrize(
    ("latency_ms", "lag_ms", "state"),
    [
        pytest.param(400, 200, WindowState.MET, id="fast in spite of the lag"),
        pytest.param(600, 200, WindowState.UNKNOWN, id="slow only because of the lag"),
        pytest.param(600, 0, WindowState.BROKEN, id="slow without any lag"),
        pytest.param(800, 200, WindowState.BROKEN, id="slow even without the lag"),
        pytest.param(400, 300, WindowState.UNKNOWN, id="too late to be measured at all"),
    ],
)
def test_only_the_service_is_judged(latency_ms: float, lag_ms: float, state: WindowState) -> None:
    """What the lag alone broke is unknown, and never met."""
    assert lagging(latency_ms, lag_ms).state is state


def test_the_reason_names_the_prober() -> None:
    """Whoever reads it looks at this machine first."""
    assert lagging(600, 200).reason.startswith(
        "the prober was not fit to judge: without its own lag it would not be so"
    )


ROOT = Path(__file__).resolve().parents[3]
PLAN = load_plan(ROOT / "plan.toml")


@pytest.fixture(scope="module")
def sandbox() -> Environment:
    """Any environment will do."""
    return load_environment("sandbox", ROOT / "environments", {})


@pytest.mark.parametrize(
    ("pace", "rate_hz", "lasts_s"),
    [
        pytest.param(1, 1, 900, id="as the plan has it"),
        pytest.param(60, 50, 15, id="enough answers come in the shorter time"),
        pytest.param(60, 1, 165, id="150 answers and some to spare"),
        pytest.param(60, 0.1, 900, id="never longer than the plan's, which then says too few"),
    ],
)
def test_a_shortened_window_lasts_until_its_answers_can_be_there(
    sandbox: Environment, pace: float, rate_hz: float, lasts_s: float
) -> None:
    """A window of 15 s with one answer a second could only ever say that it had too few."""
    spec = answers_spec(PLAN.success_criteria["SC-1"], 2, rate_hz, environment=sandbox, pace=pace)

    assert spec.duration_s == pytest.approx(lasts_s)
    assert spec.asked_s == 900
