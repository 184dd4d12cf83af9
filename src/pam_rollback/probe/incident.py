"""What is wrong now, planted in a drill or declared in a real rollback, when it was acted on, and its complete recovery.

Complete: from the decision until users were well again and had stayed so for the plan's whole window (RTO-5). The window is counted as the
plan has it, however much shorter it was observed: a drill at pace 60 watches 15 s and counts 900. It has to be met: a window that is broken
is no recovery, and one that is not known leaves recovery unknown.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.recovery import Recovery
from pam_rollback.probe.samples import Sample


@dataclass(frozen=True, repr=False)
class ErrorRate(Fact):
    """The share of users' requests without the expected answer, over some seconds."""

    errors: int
    n: int
    over_s: float
    limit_pct: float

    @classmethod
    def of(cls, samples: Iterable[Sample], *, over_s: float, limit_pct: float) -> "ErrorRate":
        """The rate of the measured samples; of none it is not 0 but unknown."""
        measured = [sample for sample in samples if sample.measured()]
        return cls(
            errors=sum(not sample.ok for sample in measured), n=len(measured), over_s=over_s, limit_pct=limit_pct
        )

    @property
    def value_pct(self) -> float:
        """Errors in percent of the samples. Raises MeasurementFailed when there are none."""
        if self.n == 0:
            raise MeasurementFailed(f"no sample in the last {self.over_s:g} s: the error rate is not known")
        return 100 * self.errors / self.n

    @property
    def above_limit(self) -> bool:
        """It is seen to be above; an unknown rate is not."""
        return self.n > 0 and self.value_pct > self.limit_pct

    @property
    def measured(self) -> Measured:
        """Errors in percent of the samples. Raises MeasurementFailed when there are none."""
        return Measured(
            what="error rate of the incident",
            asked=f"above {self.limit_pct:g} %",
            value=self.value_pct,
            unit="%",
            n=self.n,
            margin=self.value_pct - self.limit_pct,
            definition=f"over {self.over_s:g} s",
            sentence=str(self),
        )

    def __str__(self) -> str:
        if self.n == 0:
            return "no samples"
        return f"{self.value_pct:.1f} % errors ({self.errors} of {self.n}, {self.over_s:g} s)"


@dataclass(frozen=True)
class Incident:
    """The incident that the rollback answers. Moments are monotonic seconds.

    ``started_s``, ``detected_s`` and ``seen`` are known in a drill only; ``release`` is what was running when it was seen.
    """

    description: str
    release: str
    started_s: float | None
    seen: ErrorRate
    observed: tuple[str, ...] = ()
    detected_s: float | None = None
    """When a criterion was seen to be broken."""


class Acted(Protocol):
    """What is known of every action against it. Times are monotonic seconds."""

    @property
    def decided_s(self) -> float:
        """When acting was decided: the recovery time counts from here."""

    @property
    def began_s(self) -> float:
        """When the first step began."""

    @property
    def finished_s(self) -> float:
        """When the last step was over."""


ITEM = "RTO-5"
_MINUTE_S = 60.0


@dataclass(frozen=True, repr=False)
class Moment(Fact):
    """One moment of the incident, in monotonic seconds, and how exactly it is known. None: nobody saw it."""

    name: str
    at_s: float | None
    uncertain_s: float
    definition: str
    """What happened then, and how finely it was looked at."""
    decided_s: float

    @property
    def measured(self) -> Measured:
        """How far from the decision: reported, never judged."""
        if self.at_s is None:
            return Measured(self.name, "reported", "not known", definition=self.definition)
        exactly = f"from the decision, ± {self.uncertain_s:.2f} s, {self.definition}"
        return Measured(self.name, "reported", round(self.at_s - self.decided_s, 2), "s", definition=exactly)


@dataclass(frozen=True, repr=False)
class CompleteRecovery(Fact):
    """Recovery and the windows after it, held against the objective, in seconds from the decision."""

    recovery: Recovery
    windows: tuple[Window, ...]
    objective_s: float
    details: tuple[Moment, ...]
    """The moments, in their order."""
    least_s: float = 0.0
    """The plan expects it to take no less; sooner is no fault."""

    @property
    def window_s(self) -> float:
        """How long users have to stay well, as the plan has it."""
        return max(window.asked_s for window in self.windows)

    @property
    def total_s(self) -> float | None:
        """From the decision to the end of the whole window; None when it was not recovered."""
        mitigated_s = self.recovery.from_decision_s
        return None if mitigated_s is None else max(0.0, mitigated_s) + self.window_s

    @property
    def broken(self) -> tuple[Window, ...]:
        """The windows that were not held."""
        return tuple(window for window in self.windows if window.state is WindowState.BROKEN)

    @property
    def took_s(self) -> float:
        """The same, to compare with the objective; infinite where users were not well again, or did not stay so.

        Raises MeasurementFailed when a window, or the end, is not known and it may be in time.
        """
        total_s = math.inf if self.total_s is None or self.broken else self.total_s
        if total_s <= self.objective_s:
            for window in self.windows:
                window.decided(window.observed_s)
            # The whole window has to lie within the objective, so what is left of it is what recovery itself may take.
            left_s = self.objective_s - self.window_s
            return total_s if self.recovery.within(left_s).took_s <= left_s else math.inf
        return total_s

    @property
    def measured(self) -> Measured:
        """From the decision to the end of the whole window."""
        total_s = self.total_s
        done = total_s is not None and not self.broken
        observed_s = min(window.observed_s for window in self.windows)
        return Measured(
            what="complete recovery",
            asked=f"{self.least_s:g} to {self.objective_s:g} s" if self.least_s else f"within {self.objective_s:g} s",
            value=round(total_s, 2) if done and total_s is not None else self._short_of,
            unit="s" if done else "",
            n=self.recovery.n,
            margin=self.objective_s - total_s if done and total_s is not None else None,
            definition=(
                f"from the decision, ± {self.recovery.resolution_s:.2f} s, window of {self.window_s:g} s included, "
                f"{observed_s:.0f} s of it observed"
            ),
            proviso=self._watched if done else "",
            sentence=self._sentence,
        )

    @property
    def _watched(self) -> str:
        shortest = min(self.windows, key=lambda window: window.observed_s)
        if round(shortest.observed_s) >= round(self.window_s):
            return ""
        return f"{shortest.observed_s:.0f} s of its {self.window_s:g} s window watched"

    @property
    def _short_of(self) -> str:
        return "not recovered" if self.total_s is None else "not held"

    @property
    def _sentence(self) -> str:
        windows = "; ".join(map(str, self.broken or self.windows))
        if self.total_s is None or self.broken:
            return f"{self._short_of}, asked within {self.objective_s:g} s of the decision: {self.recovery}; {windows}"
        watched = self._watched or f"window of {self.window_s:g} s included"
        return (
            f"complete recovery after {self.total_s / _MINUTE_S:.1f} min, {watched}, asked within {self.objective_s:g} s of the decision: "
            f"{self.recovery}; {windows}"
        )


def moments(
    recovery: Recovery,
    windows: Sequence[Window],
    *,
    detected_s: float | None,
    looked_every_s: float,
    first_step_s: float | None,
) -> tuple[Moment, ...]:
    """Give the six moments. ``detected_s`` is when a criterion was seen to be broken, looked at every ``looked_every_s``."""
    decided_s, probes_s = recovery.decision_s, recovery.resolution_s
    onset_within_s = next((one.resolution_s for one in recovery.outages if one.started_s == recovery.onset_s), probes_s)
    observed_s = min((window.observed_s for window in windows), default=0.0)
    held = bool(windows) and all(window.state is WindowState.MET for window in windows)
    # As the figure has it: what the probes cannot tell from the decision is not shown before it.
    mitigated_s = None if recovery.from_decision_s is None else decided_s + recovery.from_decision_s
    confirmed_s = mitigated_s + observed_s if held and mitigated_s is not None else None
    looked = f"a criterion was seen to be broken, looked at every {looked_every_s:g} s"
    moment = partial(Moment, decided_s=decided_s)
    return (
        moment("onset", recovery.onset_s, onset_within_s, "the first bad answer to a probe"),
        moment("detection", detected_s, looked_every_s, looked),
        moment("decision", decided_s, 0.0, "when the rollback was decided on"),
        moment("first step", first_step_s, 0.0, "when the first change began"),
        moment("mitigated", mitigated_s, probes_s, "good from then on, by the probes"),
        moment("confirmed", confirmed_s, probes_s, f"held for {observed_s:.0f} s, as far as observed"),
    )
