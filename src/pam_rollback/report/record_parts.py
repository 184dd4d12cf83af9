"""The parts of the run record that one phase writes: a decision, a preflight, and how users fared around a rollback."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final, Literal, dataclass_transform

from pydantic import ConfigDict, TypeAdapter

from pam_rollback.report.verdict import ExitCode


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Recorded:
    """A part of the record: each is a frozen dataclass.

    What a later version adds is left alone; the strings below fields describe them in the JSON schema.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="ignore", use_attribute_docstrings=True)

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)


class Recommendation(StrEnum):
    """What to do."""

    NOW = "ROLL BACK NOW"
    CONSIDER = "CONSIDER A ROLLBACK"
    WATCH = "WATCH"
    NOT_KNOWN = "NOT KNOWN"
    NO = "NO ROLLBACK"

    @property
    def exit_code(self) -> ExitCode:
        """0, 10 or 11: the codes of a decision session."""
        return {Recommendation.NOW: ExitCode.NO_GO, Recommendation.NO: ExitCode.GO}.get(self, ExitCode.INCONCLUSIVE)


class CriterionFound(Recorded):
    """What is known of one criterion."""

    id: str
    """Plan item."""
    title: str
    """The criterion, a few words."""
    asks_for: Literal["roll back now", "consider"]
    """Which list of the plan it stands on."""
    state: str
    """``holds``, ``does not hold``, ``not known``, or what is recommended of a gap between the criteria."""
    words: str
    """What was found, with figures and for how long."""
    evidence: str
    """Who says so: ``measured``, or a person."""
    runbook: str
    """Where the runbook goes on."""

    @property
    def person_says(self) -> bool:
        """The state rests on somebody's word."""
        return "person" in self.evidence


class StrategyAdvised(Recorded):
    """A strategy, and what there is to know before it is chosen."""

    id: str
    """Plan item."""
    name: str
    """Its name."""
    title: str
    """What it does."""
    when_to_use: tuple[str, ...]
    """What the plan uses it for."""
    objective: str
    """The plan's recovery time objective."""
    past: str
    """The recovery times that past drills measured."""
    readiness: str
    """Whether it could be started right now."""
    command: str
    """What starts it; empty when there is no story for it."""
    runbook: str
    """Its section of the runbook."""
    way: str = ""
    """What the way that is started does, where a strategy has several."""


class DecisionRecord(Recorded):
    """The recommendation and all that it rests on."""

    recommendation: str
    """What to do."""
    criteria: tuple[CriterionFound, ...]
    """Every criterion of both lists, in the plan's order."""
    why: tuple[str, ...]
    """Ids of the criteria that decided, the gravest first."""
    unknown: tuple[str, ...]
    """Ids of those of which nothing is known."""
    answer_with: str
    """The command line that the answers of a person are added to."""
    strategy: StrategyAdvised | None = None
    """With which to begin; null when none is recommended."""
    chosen_because: str = ""
    """Why that one."""
    next: tuple[StrategyAdvised, ...] = ()
    """With what to go on when it does not help."""
    caution: str = ""
    """What has to be done or known before it; empty when nothing has."""

    @property
    def exit_code(self) -> ExitCode:
        """The recommendation's. Words that the suite does not know are never a GO."""
        return next((one.exit_code for one in Recommendation if one == self.recommendation), ExitCode.INCONCLUSIVE)

    def found(self, identifier: str) -> CriterionFound:
        """What is known of that criterion."""
        return next(criterion for criterion in self.criteria if criterion.id == identifier)


class WayFound(Recorded):
    """One way of rolling back, on whom it stands, and whether it could be taken."""

    name: str
    """The file of ``drills/`` without ``test_``."""
    stands_on: tuple[str, ...]
    """Everybody that it needs; nobody else keeps it from being done."""
    state: str
    """``ready``, ``not ready`` or ``not checked``."""
    words: str
    """What stands in the way; empty when nothing does."""


class RemainingWays(Recorded):
    """What could still be done if somebody were down."""

    party: str
    """Who."""
    remaining: tuple[str, ...]
    """The ways that are ready and do not stand on it."""
    note: str = ""
    """What else there is to know."""


class StandingAlone(Recorded):
    """What each way stands on, and what remains without it."""

    ways: tuple[WayFound, ...]
    """Every way of the plan."""
    without: tuple[RemainingWays, ...]
    """One entry for each on whom a way stands."""


class StrategyReadiness(Recorded):
    """Whether a strategy could be started when it was asked."""

    name: str
    """The strategy; or what several stand on: ``by-git``, ``verification``, ``message``."""
    state: str
    """``ready``, ``not ready`` or ``not checked``."""
    words: str
    """What was found, or what stands in the way."""


class PreflightFound(Recorded):
    """What a preflight leaves in the folder of its run, for the record."""

    readiness: tuple[StrategyReadiness, ...] = ()
    standing: StandingAlone | None = None


PREFLIGHT_FILE: Final = "preflight.json"
"""In the run's folder."""


def read_preflight(folder: Path) -> PreflightFound:
    """What the preflight of this run left in its folder; nothing when it was none."""
    file = folder / PREFLIGHT_FILE
    return TypeAdapter(PreflightFound).validate_json(file.read_bytes()) if file.is_file() else PreflightFound()


class TimelineBin(Recorded):
    """A short time as the prober saw it."""

    at_s: float
    """When it begins, seconds after the start of the session."""
    n: int
    """Probes that say something of the service."""
    bad: int
    """Of these, how many got a wrong answer or none."""
    p95_ms: float | None = None
    """95th percentile of the response times, nearest rank; null where there are too few."""


class ActionMoment(Recorded):
    """One of the six moments of an incident: onset, detection, decision, first step, mitigated, confirmed."""

    name: str
    """Which."""
    at_s: float
    """Seconds after the start of the session."""
    uncertain_s: float
    """What it can be wrong by, seconds."""
    definition: str
    """What happened then."""


class FeatureShare(Recorded):
    """For how many users a feature was on from a moment on, as the flag service said when it was read back."""

    at_s: float
    """Seconds after the start of the session."""
    feature: str
    """The flag's name."""
    share_pct: float
    """Per cent of the users."""


class NoticeSent(Recorded):
    """A message to people, by the escalation matrix or at a turn of the rollback."""

    at_s: float
    """When it was accepted, seconds after the start of the session."""
    occasion: str
    """A level of the escalation (``EM-1``), or a turn of the rollback (``done``, ``over``)."""
    means: str
    """How: ``slack``, ``pagerduty``, ``smtp``…"""
    by_hand: bool = False
    """A person has to send it: the suite only showed the text."""


class Watched(Recorded):
    """How the service was before, during and after a rollback, and who was told."""

    situation: str
    """The situation that the rollback brought about."""
    moments: tuple[ActionMoment, ...] = ()
    """What is known of the incident's six moments, in their order."""
    bin_s: float = 1
    """Length of a bin, seconds."""
    bins: tuple[TimelineBin, ...] = ()
    """The prober's record, in order; a bin without a usable probe is not there."""
    error_rate_pct_max: float | None = None
    """What SC-1 asks for in this run."""
    p95_ms_max: float | None = None
    """What SC-2 asks for in this run."""
    shares: tuple[FeatureShare, ...] = ()
    """Users per feature, in order of time."""
    notices: tuple[NoticeSent, ...] = ()
    """Who was told, in order."""
