"""From what is known of each decision criterion to one recommendation: roll back now, consider it, watch, no, or not known.

Rules, in this order (docs/decisions/decision.md):

1. A criterion of the list "immediate" holds, measured or seen by a person: **roll back now**.
2. One of the list "consider" holds, or a gap between the criteria says so: **consider**.
3. A gap says so: **watch**.
4. Any criterion of either list is unknown: **not known**. Unknown never becomes no.
5. Every criterion is measured or answered for, and none holds: **no**.

Whatever the recommendation, all that is unknown is named. A person's word counts where nothing was measured and where it says that a
criterion holds; it never talks a measurement away.

With which strategy to begin follows the parts on which users' answers fail, and within them the plan. What this environment refuses is
never advised, and where no rollback lifts the cause, that comes first.

In one module: a finding, the recommendation and the advice stand on each other.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from pam_rollback.core.figures import Fact, Measured
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import NoticeableSlowdownTrigger, SlowdownTrigger, Strategy
from pam_rollback.plan.stories import STORIES, first_way
from pam_rollback.probe.parts import FRONT_END, ROWS
from pam_rollback.report.record_parts import Recommendation


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
BROWSERS: Final = "CR-2"
CHAT = "chat"
"""A part beside those of ``probe/parts.py``, where nothing but PAM's answers fails."""
EDGE, HOSTS, MODEL, DATABASE_DEAD = "edge", "hosts", "model", "database"
"""Causes outside the releases."""
LIFTED_BY_NOTHING: Mapping[str, str] = {
    EDGE: "users are refused on every path (HTTP 403 or 429) by a ban or a limit before the product: lift that, docs/runbook.md#blocked",
    HOSTS: "neither front end nor back end can be connected to, so their hosts or names are down: docs/runbook.md#service-down",
    MODEL: "PAM apologises and all else is good, so the model is out of its reach: docs/runbook.md#pam-unhealthy",
    DATABASE_DEAD: "the database gives no rows (or Supabase before it), and a back end ends when it starts without its database: "
    "docs/runbook.md#database-unhealthy, before any back end goes back",
}
"""What is said first of each."""
_NO_DATABASE = "docs/runbook.md#database-unhealthy"
"""Where whoever cannot ask the database is sent."""
_SLOW = (SlowdownTrigger, NoticeableSlowdownTrigger)
_DAMAGED = (
    "old code brings no rows back: stop what writes, keep a copy of the database as it is, and find the copy that has the rows: "
    "docs/runbook.md#data-corrupted"
)


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
    """The parts of the product on which users' answers fail (``probe/parts.py``); none: not known."""
    outside: tuple[str, ...] = ()
    """What explains all that failed, and is no matter of a release (``LIFTED_BY_NOTHING``)."""
    old: bool = False
    """It was so before, and no waiver answers for it: it counts, and comes after what is new."""

    def as_data(self) -> dict[str, str]:
        """Plain text, which travels between processes."""
        named = {"parts": ", ".join(self.parts), "outside": ", ".join(self.outside)}
        return {"state": self.state.value, "words": self.words, **{name: text for name, text in named.items() if text}}

    @classmethod
    def of_data(cls, criterion: str, data: Mapping[str, str]) -> "Finding":
        """Read it back; what an older process wrote names no parts."""
        parts, outside = (tuple(filter(None, data.get(name, "").split(", "))) for name in ("parts", "outside"))
        return cls(criterion, State(data["state"]), data["words"], parts=parts, outside=outside)

    @classmethod
    def together(cls, criterion: str, state: State, words: str, alike: "Sequence[Finding]") -> "Finding":
        """One of several: the parts are known where each names some, and a cause from outside explains it only if it explains each."""
        named = all(one.parts for one in alike)
        parts = tuple(dict.fromkeys(part for one in alike for part in one.parts)) if named else ()
        outside = tuple(cause for cause in alike[0].outside if all(cause in one.outside for one in alike))
        return cls(criterion, state, words, alike[0].evidence, parts, outside, all(one.old for one in alike))


@dataclass(frozen=True, repr=False)
class Judged(Fact):
    """A measurement held against a criterion of the plan for a rollback, with what its test compares."""

    finding: Finding
    row: Measured

    @property
    def measured(self) -> Measured:
        """Its row, in the words of what was found."""
        return replace(self.row, sentence=self.finding.words)


@dataclass(frozen=True, repr=False, kw_only=True)
class Lasting(Judged):
    """A criterion that is met when it lasts for ``duration_s``, which the pace made of the plan's time."""

    met_s: float
    """For how long it has been met without a break."""
    duration_s: float


@dataclass(frozen=True, repr=False, kw_only=True)
class Affected(Judged):
    """A criterion that counts records."""

    affected: int
    affected_max: int = 0


AnyJudged = TypeVar("AnyJudged", bound=Judged)


class EnterJudged(Protocol):
    """Enters what was found of a criterion into the decision and gives it back. Raises MeasurementFailed where that is not known."""

    def __call__(self, fact: AnyJudged, /) -> AnyJudged:
        """Enter it."""


@dataclass(frozen=True)
class Advice:
    """A strategy, why this one, and which come next when it does not help."""

    strategy: Strategy | None
    """None: no rollback lifts the cause, or none that fits can be carried out from here."""
    why: str
    next: tuple[Strategy, ...]
    first: str = ""
    """What has to be known or done before it; empty when nothing has."""


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
        return tuple(sorted(found, key=lambda finding: (WORST_FIRST.index(finding.state), finding.old)))

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
    refused: Mapping[str, str] | None = None,
) -> Decision:
    """Decide by what was measured, and by what people say.

    ``observed``: criteria that a person saw met (``--observed``); ``vouched``: criteria of which a person says that they are not met
    (``--ack``). ``refused``: the strategies (ids) that cannot be carried out there, and why. Several findings of one criterion count as the
    worst of them; a criterion without any is unknown.
    """
    measured = tuple(measured)
    criteria = (*plan.immediate_criteria, *plan.consider_criteria)
    findings = tuple(
        _with_people(_worst(criterion, measured), observed.get(criterion), vouched.get(criterion))
        for criterion in criteria
    )
    recommendation = _recommend(plan, findings)
    advice = (
        _advise(plan, findings, refused or {})
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
    return Finding.together(criterion, state, words, worst)


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


def _advise(plan: Plan, findings: Sequence[Finding], refused: Mapping[str, str]) -> Advice:
    """The strategy to begin with. Raises nothing: the plan's rules name one for every criterion (plan/plan.py sees to it)."""
    held = [one for one in findings if one.state is State.HOLDS and one.criterion in plan.immediate_criteria]
    deciding = held or [one for one in findings if one.state in {State.HOLDS, State.CONSIDER}]
    causes = _causes(plan, [one.criterion for one in deciding])
    own = [one for one in deciding if one.criterion in causes]
    # Whoever fails is slow, too: where something fails, what is only slow adds no part.
    failing = [one for one in deciding if one in own or not isinstance(plan.item(one.criterion), _SLOW)]
    parts = {part for one in failing for part in one.parts} if all(one.parts for one in own) else set()
    outside = _outside(findings, own, parts)
    if parts:
        ids, why = _of_parts(plan, causes, parts)
    elif held and len(causes) > 1:
        ids, why = plan.decision.several, f"several critical problems at once ({', '.join(causes)})"
    elif len(causes) > 1:
        ids, why = _shared(plan, causes), f"what answers {', '.join(causes)}, the preferred strategy first"
    else:
        ids, why = strategies_for(plan, causes[0]), f"what the rules name for {causes[0]}"
    if held and "IR-1" in causes:
        ids = tuple(name for name in ids if not plan.strategies[name].flags)
        why += "; flags alone leave a security hole in the code"
    meanwhile = DATABASE_DEAD in outside and FRONT_END in parts
    if meanwhile:
        ids = tuple(name for name in ids if not _starts_a_back_end(plan.strategies[name]))
    possible = [plan.strategies[name] for name in ids if name not in refused]
    why += "".join(f"; not {name}: {refused[name]}" for name in ids if name in refused)
    first = [f"no rollback lifts this: {LIFTED_BY_NOTHING[cause]}" for cause in outside]
    if any(one.criterion == "IR-3" and one.state is State.HOLDS for one in own):
        first.append(_DAMAGED)
    if ids and not possible:
        by_hand = plan.strategies[ids[0]]
        first.append(f"nothing that fits can be carried out from here: by hand, {by_hand.title}: {by_hand.runbook}")
    begin = possible[0] if possible and (meanwhile or not outside) else None
    return Advice(begin, why, tuple(one for one in possible if one is not begin), "; ".join(first))


def _outside(findings: Sequence[Finding], own: Sequence[Finding], parts: Collection[str]) -> tuple[str, ...]:
    """What is the cause, and no matter of a release: only what explains every criterion that decides."""
    common = tuple(cause for cause in own[0].outside if all(cause in one.outside for one in own))
    unreachable = any(_NO_DATABASE in one.words for one in findings)
    answers = all(one.criterion in {"IR-2", "IR-5"} for one in own)
    behind = bool({*parts} - {FRONT_END}) if parts else answers
    dead = ROWS in parts or (answers and behind and unreachable)
    return (*common, DATABASE_DEAD) if dead and not common else common


def _of_parts(plan: Plan, causes: Sequence[str], parts: Collection[str]) -> tuple[tuple[str, ...], str]:
    """The strategies that bring back what fails, and the reason in words."""
    of, behind = plan.decision.parts, {*parts} - {FRONT_END, ROWS}
    where = f"what brings back the parts on which users' answers fail ({', '.join(sorted(parts))})"
    if not behind:
        return (of.front_end, where) if FRONT_END in parts else ((), where)
    if FRONT_END in parts:
        return of.both, where
    if behind == {CHAT}:
        return of.feature, f"{where}, a feature alone"
    if {*causes} <= {*plan.decision.features}:
        named = dict.fromkeys(name for cause in causes for name in strategies_for(plan, cause))
        return tuple(name for name in named if name in of.feature) or of.feature, f"{where}, of which some are good"
    return of.back_end, where


def _starts_a_back_end(strategy: Strategy) -> bool:
    story = STORIES.get(first_way(strategy))
    return story is not None and "backend" in story.sites


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
