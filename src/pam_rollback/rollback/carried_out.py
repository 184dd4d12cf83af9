"""What the journal says of a rollback: which steps were begun and done, when, and whether somebody watched meanwhile."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.checklist import Finding
from pam_rollback.plan.plan_items import TimeFrame


@dataclass(frozen=True)
class JournaledStep:
    """One step. ``ended_s`` is None when the journal does not know its end."""

    name: str
    started_s: float
    ended_s: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class CarriedOut:
    """One rollback as journaled; moments are monotonic seconds."""

    strategy: str
    decided_s: float
    steps: tuple[JournaledStep, ...]

    @classmethod
    def of(cls, entries: Iterable[Mapping[str, Any]], strategy: str) -> "CarriedOut":
        """The latest action of that strategy. Raises MeasurementFailed when the journal has none, or none of its steps."""
        action: Mapping[str, Any] | None = None
        steps: list[JournaledStep] = []
        ours = False
        for entry in entries:
            event = entry["event"]
            if event == "action":
                ours = entry["strategy"] == strategy
                if ours:
                    action, steps = entry, []
            elif ours and event == "step-started":
                steps.append(JournaledStep(str(entry["step"]), float(entry["at_s"])))
            elif ours and event == "step-not-done":
                at_s = float(entry["at_s"])
                steps.append(JournaledStep(str(entry["step"]), at_s, at_s, f"never begun, {entry['problem']}"))
            elif ours and event in {"step-done", "step-failed"}:
                _end(steps, entry, problem="" if event == "step-done" else str(entry.get("problem") or "failed"))
        if action is None:
            raise MeasurementFailed(f"the journal of this run has no {strategy or 'rollback'}")
        if not steps:
            raise MeasurementFailed(f"the {strategy} rollback was begun, but the journal has no step of it")
        return cls(strategy, float(action.get("decided_s", action["at_s"])), tuple(steps))

    @property
    def first_step_s(self) -> float:
        """When the first step began."""
        return min(step.started_s for step in self.steps)

    @property
    def last_step_s(self) -> float:
        """When the last step ended. Raises MeasurementFailed when one of them never did."""
        ends = [step.ended_s for step in self.steps if step.ended_s is not None]
        if len(ends) < len(self.steps):
            raise MeasurementFailed(f"step {self._unfinished[0].name!r} has no end in the journal")
        return max(ends)

    @property
    def _unfinished(self) -> list[JournaledStep]:
        return [step for step in self.steps if step.ended_s is None]

    def finding(self, failed: Sequence[str] = ()) -> Finding:
        """Whether all of it was done. ``failed``: why the action as a whole was not."""
        problems = [
            *failed,
            *(f"step {step.name!r} failed: {step.problem}" for step in self.steps if step.problem),
            *(f"step {step.name!r} was begun and never ended" for step in self._unfinished),
        ]
        if problems:
            return Finding(done=False, words=f"{self.strategy}: {'; '.join(dict.fromkeys(problems))}")
        names = ", ".join(step.name for step in self.steps)
        return Finding(done=True, words=f"{self.strategy}: all {len(self.steps)} steps are done ({names})")


def watched(
    moments_s: Iterable[float], *, first_step_s: float, last_step_s: float, until_s: float, hole_s_max: float
) -> Finding:
    """Whether usable probes came from before the first step to ``until_s`` without a hole. None at all is not watched."""
    dues = sorted(moment for moment in moments_s if moment <= until_s)
    if not dues:
        return Finding(done=False, words="not one usable probe")
    if until_s < last_step_s:
        return Finding(done=False, words=f"watched until {last_step_s - until_s:.1f} s before the last step ended")
    if dues[0] > first_step_s:
        return Finding(done=False, words=f"watched only from {dues[0] - first_step_s:.1f} s after the first step on")
    hole_s, since_s = max((later - earlier, earlier) for earlier, later in pairwise([*dues, until_s]))
    n = f"{len(dues)} usable probes, the longest time without one {hole_s:.1f} s (at most {hole_s_max:g} s)"
    if hole_s > hole_s_max:
        return Finding(
            done=False, words=f"not watched for a while, {since_s - first_step_s:.1f} s after the first step: {n}"
        )
    return Finding(done=True, words=f"from {first_step_s - dues[0]:.1f} s before the first step on: {n}")


def in_time(took_s: float, frame: TimeFrame, what: str, since: str) -> Finding:
    """Whether a section of a checklist was over in the time that the plan gives it. Early is no fault."""
    done = took_s <= frame.until_s
    asked = f"the plan: {frame.from_s:g} to {frame.until_s:g} s"
    return Finding(done, f"{what} {'in time' if done else 'late'}, {took_s:.1f} s from {since} ({asked})")


def _end(steps: list[JournaledStep], entry: Mapping[str, Any], *, problem: str) -> None:
    for place in reversed(range(len(steps))):
        step = steps[place]
        if step.name == entry["step"] and step.ended_s is None:
            steps[place] = JournaledStep(step.name, step.started_s, float(entry["at_s"]), problem)
            return
