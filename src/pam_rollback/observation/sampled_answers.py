"""The monitoring figures after a rollback, by a sample of the users' answers: large enough for what it is to show.

Source: the plan's performance verification (MT-1, MT-2). The rules are those of ``observation/window.py``; what differs is that the
length is not given in seconds but in answers. An error rate below 2 % cannot be shown by 50 good answers: among n answers without one
error, the true share lies, with 95 % confidence, below 2 % from n = 149 on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.observation.samples import Sample
from pam_rollback.observation.window import Measure, WindowSpec, WindowVerdict, judge_without_prober_lag

ANSWERS_FOR_ERRORS = 150
"""So many without an error show less than 2 %, with 95 % confidence."""
ANSWERS_FOR_P95 = 100
"""Five of them may be slower; with fewer, one slow answer would decide."""
ANSWERS_ITEMS: Mapping[str, Measure] = {
    "MT-1": Measure.LATENCY_P95_MS,
    "SC-2": Measure.LATENCY_P95_MS,
    "MT-2": Measure.ERROR_RATE_PCT,
    "SC-1": Measure.ERROR_RATE_PCT,
}
"""What of them each plan item is about."""
_SPARE = 1.1
"""Five of a hundred probes may have left late, and the rate is a mean: so many more are waited for."""


@dataclass(frozen=True, repr=False)
class SampledAnswers(Sentence):
    """One measure over a sample of answers, judged against the plan's limit."""

    verdict: WindowVerdict

    @property
    def good(self) -> bool:
        """Whether the measure is below its limit. Raises MeasurementFailed when the sample does not say: unknown is neither."""
        return self.verdict.met

    @property
    def figures(self) -> Figures:
        """For the table of criteria: how many answers are asked for, in place of a time."""
        spec = self.verdict.spec
        return replace(self.verdict.figures, asked=f"< {spec.limit:g} {spec.unit}, n >= {spec.samples_min}")

    def __str__(self) -> str:
        return str(self.verdict)


def sample_spec(
    measure: Measure, limit: float, rate_hz: float, *, answer_max_s: float, slowest_hz: float | None = None
) -> WindowSpec:
    """What a sample of users' answers has to be like, when ``rate_hz`` of them come a second, ``slowest_hz`` of the part asked least."""
    samples_min = ANSWERS_FOR_P95 if measure is Measure.LATENCY_P95_MS else ANSWERS_FOR_ERRORS
    return WindowSpec(
        measure=measure,
        limit=limit,
        duration_s=_SPARE * samples_min / (slowest_hz or rate_hz),
        samples_min=samples_min,
        answer_max_s=answer_max_s,
        gap_max_s=max(5.0, 5 / rate_hz),
        # Where probes are rare, two bad ones in a row are no outage yet: the share says what they are.
        bad_run_max_s=max(2.0, 3 / rate_hz),
    )


def judge_sample(
    samples: Iterable[Sample], spec: WindowSpec, *, start_s: float, now_s: float, rate_hz: float, settled_s: float
) -> WindowVerdict:
    """Judge all answers from ``start_s`` on: at least as long as the spec wants, longer when more is there already."""
    spec = replace(spec, duration_s=max(spec.duration_s, settled_s - start_s))
    return judge_without_prober_lag(samples, spec, start_s=start_s, now_s=now_s, rate_hz=rate_hz, settled_s=settled_s)
