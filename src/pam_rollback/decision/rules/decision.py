"""From what is known of each decision criterion to one recommendation: roll back now, consider it, watch, no, or not known.

Rules, in this order (docs/decisions/0010):

1. A criterion of the list "immediate" holds, measured or seen by a person: **roll back now**.
2. One of the list "consider" holds, or a gap between the criteria says so: **consider**.
3. A gap says so: **watch**.
4. Any criterion of either list is unknown: **not known**. Unknown never becomes no.
5. Every criterion is measured or answered for, and none holds: **no**.

Whatever the recommendation, all that is unknown is named. A person's word counts where nothing was measured and where it says that a
criterion holds; it never talks a measurement away.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import Strategy
from pam_rollback.report.decision_record import Recommendation


class State(StrEnum):
    """What is known of one criterion."""

    HOLDS = "holds"
    CONSIDER = "between the criteria: consider"
    WATCH = "between the criteria: watch"
    UNKNOWN = "not known"
    CLEAR = "does not hold"


WORST_FIRST = (State.HOLDS, State.CONSIDER, State.WATCH, State.UNKNOWN, State.CLEAR)
"""Of several tests that serve one criterion."""

OF_GAP: Mapping[str, State] = {"consider": State.CONSIDER, "watch": State.WATCH, "no": State.CLEAR}
"""What a word of ``[decision.gaps]`` makes of a criterion."""


FINDING = "pam-finding"
"""The property of a test's report that holds what it found of a criterion (``Finding.as_data``)."""
WITHOUT_FLAGS = "frontend"
"""The strategy that takes features back where flags are constants of the site's bundle."""


class Evidence(StrEnum):
    """Who says so."""

    MEASURED = "measured"
    OBSERVED = "seen by a person"
    VOUCHED = "vouched for by a person"
    NONE = "nobody"


@dataclass(frozen=True)
class Finding:
    """What is known of one criterion, in a sentence with figures."""

    criterion: str
    state: State
    words: str
    evidence: Evidence = Evidence.MEASURED
    parts: tuple[str, ...] = ()
    """The parts of the product on which users' answers fail, where that is known (``observation/rules/parts.py``)."""

    def as_data(self) -> dict[str, str]:
        """Plain text, which travels between processes."""
        return {"state": self.state.value, "words": self.words}


@dataclass(frozen=True, repr=False)
class Judged(Sentence):
    """A measurement held against a criterion. ``holds`` means: the plan's criterion for a rollback is met."""

    finding: Finding
    figures: Figures
    unproven: str = ""
    """What the measurement would not notice."""

    @property
    def holds(self) -> bool:
        """The criterion is met. Raises MeasurementFailed when that is not known: unknown is neither."""
        if self.finding.state is State.UNKNOWN:
            raise MeasurementFailed(self.finding.words)
        return self.finding.state is State.HOLDS

    def __str__(self) -> str:
        return self.finding.words


@dataclass(frozen=True)
class Advice:
    """A strategy, why this one, and which come next when it does not help."""

    strategy: Strategy
    why: str
    next: tuple[Strategy, ...]


@dataclass(frozen=True)
class Decision:
    """The recommendation and all that it rests on."""

    recommendation: Recommendation
    findings: tuple[Finding, ...]
    """One for each criterion of both lists, in the plan's order."""
    advice: Advice | None

    @property
    def why(self) -> tuple[Finding, ...]:
        """What decided, the gravest first; empty for "no"."""
        deciding = {
            Recommendation.NOW: (State.HOLDS,),
            Recommendation.CONSIDER: (State.HOLDS, State.CONSIDER),
            Recommendation.WATCH: (State.WATCH,),
            Recommendation.NOT_KNOWN: (State.UNKNOWN,),
            Recommendation.NO: (),
        }[self.recommendation]
        found = [finding for finding in self.findings if finding.state in deciding]
        return tuple(sorted(found, key=lambda finding: WORST_FIRST.index(finding.state)))

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """What nobody knows, and what a person has to be asked for."""
        return tuple(finding for finding in self.findings if finding.state is State.UNKNOWN)


def decide(
    plan: Plan,
    measured: Iterable[Finding],
    *,
    observed: Mapping[str, str],
    vouched: Mapping[str, str],
    constant_flags: str = "",
) -> Decision:
    """Decide by what was measured, and by what people say.

    ``observed``: criteria that a person saw met (``--observed``); ``vouched``: criteria of which a person says that they are not met
    (``--ack``). ``constant_flags``: why nobody can switch a flag there, so that another strategy has to do what flags would. Several
    findings of one criterion count as the worst of them; a criterion without any is unknown.
    """
    measured = tuple(measured)
    criteria = (*plan.immediate_criteria, *plan.consider_criteria)
    findings = tuple(
        _with_people(_worst(criterion, measured), observed.get(criterion), vouched.get(criterion))
        for criterion in criteria
    )
    recommendation = _recommend(plan, findings)
    advice = (
        _advise(plan, findings, constant_flags)
        if recommendation in {Recommendation.NOW, Recommendation.CONSIDER}
        else None
    )
    return Decision(recommendation, findings, advice)


def _worst(criterion: str, measured: Sequence[Finding]) -> Finding:
    own = [finding for finding in measured if finding.criterion == criterion]
    if not own:
        return Finding(criterion, State.UNKNOWN, "no test that ran judges it", Evidence.NONE)
    state = next(state for state in WORST_FIRST if any(finding.state is state for finding in own))
    worst = [finding for finding in own if finding.state is state]
    words = "; ".join(dict.fromkeys(finding.words for finding in worst))
    blind = [finding.words for finding in own if finding.state is State.UNKNOWN]
    if blind and state not in {State.UNKNOWN, State.CLEAR}:
        words += f"; not known besides: {'; '.join(dict.fromkeys(blind))}"
    return Finding(criterion, state, words, worst[0].evidence)


def _with_people(finding: Finding, observed: str | None, vouched: str | None) -> Finding:
    if observed is not None and finding.state is not State.HOLDS:
        return Finding(finding.criterion, State.HOLDS, observed, Evidence.OBSERVED)
    if vouched is not None and observed is None and finding.state is State.UNKNOWN:
        return Finding(finding.criterion, State.CLEAR, vouched, Evidence.VOUCHED)
    if vouched is not None and finding.state is State.HOLDS:
        return replace(
            finding, words=f"{finding.words} (a person vouches for the contrary, which does not outweigh it: {vouched})"
        )
    return finding


def _recommend(plan: Plan, findings: Sequence[Finding]) -> Recommendation:
    states = {finding.state for finding in findings}
    if any(finding.state is State.HOLDS and finding.criterion in plan.immediate_criteria for finding in findings):
        return Recommendation.NOW
    if states & {State.HOLDS, State.CONSIDER}:
        return Recommendation.CONSIDER
    if State.WATCH in states:
        return Recommendation.WATCH
    return Recommendation.NOT_KNOWN if State.UNKNOWN in states else Recommendation.NO


def _advise(plan: Plan, findings: Sequence[Finding], constant_flags: str) -> Advice:
    """The strategy to begin with. Raises nothing: the plan's rules name one for every criterion (plan/plan.py sees to it)."""
    immediate = [
        finding.criterion
        for finding in findings
        if finding.state is State.HOLDS and finding.criterion in plan.immediate_criteria
    ]
    others = [finding.criterion for finding in findings if finding.state in {State.HOLDS, State.CONSIDER}]
    causes = _causes(plan, immediate or others)
    if immediate and len(causes) > 1:
        ids, why = plan.decision.several, f"several critical problems at once ({', '.join(causes)})"
    elif len(causes) > 1:
        ids, why = _shared(plan, causes), f"what answers {', '.join(causes)}, the preferred strategy first"
    else:
        ids, why = strategies_for(plan, causes[0]), f"what the rules name for {causes[0]}"
    if "IR-1" in immediate:
        ids = tuple(name for name in ids if not plan.strategies[name].flags)
        why += "; flags alone leave a security hole in the code"
    if constant_flags and any(plan.strategies[name].flags for name in ids):
        instead = plan.strategy(WITHOUT_FLAGS).id
        ids = tuple(dict.fromkeys(instead if plan.strategies[name].flags else name for name in ids))
        why += f"; nobody can switch a flag here ({constant_flags}), and features go back with the front end"
    first, *rest = (plan.strategies[name] for name in ids)
    return Advice(first, why, tuple(rest))


def _causes(plan: Plan, criteria: Sequence[str]) -> list[str]:
    """The criteria without those that follow from another of them."""
    implied = {other for criterion in criteria for other in plan.decision.follows.get(criterion, ())}
    return [criterion for criterion in criteria if criterion not in implied] or list(criteria[:1])


def strategies_for(plan: Plan, criterion: str) -> tuple[str, ...]:
    """The strategies (ids) of a criterion; what the plan calls its mitigation comes first."""
    mitigation = getattr(plan.item(criterion), "mitigation", None)
    named = plan.decision.strategies[criterion]
    return tuple(dict.fromkeys([mitigation, *named])) if mitigation else named


def _shared(plan: Plan, causes: Sequence[str]) -> tuple[str, ...]:
    """What answers all of them, else the first of each; in the plan's order, which puts the preferred strategy first."""
    lists = [strategies_for(plan, cause) for cause in causes]
    common = [name for name in plan.strategies if all(name in ids for ids in lists)]
    return tuple(common or [name for name in plan.strategies if any(name == ids[0] for ids in lists)])
