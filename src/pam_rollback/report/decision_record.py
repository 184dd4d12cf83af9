"""What a decision session recommends, as data: a part of the run record."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, Literal

from pydantic import ConfigDict

from pam_rollback.report.verdict import ExitCode

_STRICT: Final = ConfigDict(extra="ignore", use_attribute_docstrings=True)


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


@dataclass(frozen=True)
class CriterionFound:
    """What is known of one criterion."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

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


@dataclass(frozen=True)
class StrategyAdvised:
    """A strategy, and what there is to know before it is chosen."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

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


@dataclass(frozen=True)
class DecisionRecord:
    """The recommendation and all that it rests on."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

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
