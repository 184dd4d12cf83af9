"""The rollback plan as data: sections of items with permanent ids, loaded from ``plan.toml``.

In one module: the sections of the file, and what has to fit between them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import PrivateAttr, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from typing_extensions import TypedDict

from pam_rollback.core.configuration import (
    ConfigurationError,
    Problem,
    Table,
    nearest,
    problems_of,
    read_toml,
    shown,
    suggestion,
)
from pam_rollback.plan.plan_items import (
    Channel,
    ChecklistItem,
    ConfigurationLossLimit,
    Contact,
    CorruptionLimit,
    DowntimeTrigger,
    ErrorRateGoal,
    ErrorRateLimit,
    ErrorRateTrigger,
    Escalation,
    ExperienceGoal,
    FlagSetting,
    GateCommand,
    HealthCheck,
    Item,
    LoadErrorIncreaseLimit,
    LoadErrorLimit,
    LoadLatencyLimit,
    LoadOutageLimit,
    LoadReachedLimit,
    LoadSlowdownLimit,
    LoadStepLimit,
    MemoryGoal,
    MemoryLimit,
    MemoryTrigger,
    Method,
    MitigatedTrigger,
    NoticeableSlowdownTrigger,
    OwnTrigger,
    P95Goal,
    QuickReference,
    RampStage,
    RecordLossTrigger,
    RecoveryStage,
    RecoveryTime,
    Relaxed,
    ResponseTimeLimit,
    SessionLoss,
    SlowdownTrigger,
    Strategy,
    TimeFrame,
    UserShareTrigger,
    WriteLossLimit,
)
from pam_rollback.plan.plan_terms import (
    About,
    BaselineTerms,
    DecisionRules,
    LoadTerms,
    RampTerms,
    RedeploymentTerms,
    problems_of_ramp,
)

ImmediateCriteria = TypedDict(
    "ImmediateCriteria",
    {
        "IR-1": Item,
        "IR-2": DowntimeTrigger,
        "IR-3": RecordLossTrigger,
        "IR-4": SlowdownTrigger,
        "IR-5": ErrorRateTrigger,
        "IR-6": MemoryTrigger,
    },
)
ConsiderCriteria = TypedDict(
    "ConsiderCriteria",
    {
        "CR-1": UserShareTrigger,
        "CR-2": MitigatedTrigger,
        "CR-3": MitigatedTrigger,
        "CR-4": MitigatedTrigger,
        "CR-5": NoticeableSlowdownTrigger,
    },
)
_OPEN: Mapping[str, frozenset[str]] = {
    "immediate_criteria": frozenset(ImmediateCriteria.__annotations__),
    "consider_criteria": frozenset(ConsiderCriteria.__annotations__),
}
"""Where a team may add criteria of its own, beside those that the plan has."""
Monitoring = TypedDict(
    "Monitoring",
    {"MT-1": ResponseTimeLimit, "MT-2": ErrorRateLimit, "MT-3": MemoryLimit, "MT-4": Item},
)
LoadGate = TypedDict(
    "LoadGate",
    {
        "LG-1": LoadLatencyLimit,
        "LG-2": LoadLatencyLimit,
        "LG-3": LoadErrorLimit,
        "LG-4": LoadOutageLimit,
        "LG-5": LoadStepLimit,
        "LG-6": LoadReachedLimit,
        "LG-7": LoadSlowdownLimit,
        "LG-8": LoadErrorIncreaseLimit,
        "LG-9": Item,
    },
)
SuccessCriteria = TypedDict(
    "SuccessCriteria",
    {
        "SC-1": ErrorRateGoal,
        "SC-2": P95Goal,
        "SC-3": MemoryGoal,
        "SC-4": CorruptionLimit,
        "SC-5": ExperienceGoal,
        "SC-6": Item,
    },
)
RecoveryPoints = TypedDict(
    "RecoveryPoints",
    {"RPO-1": WriteLossLimit, "RPO-2": ConfigurationLossLimit, "RPO-3": SessionLoss},
)

_PREFIXES = {
    "immediate_criteria": "IR",
    "consider_criteria": "CR",
    "strategies": "ST",
    "health_checks": "HC",
    "monitoring": "MT",
    "integrity": "DI",
    "time_frames": "TF",
    "contacts": "EC",
    "escalation": "EM",
    "channels": "CH",
    "pre_rollback": "PRE",
    "during_rollback": "DUR",
    "post_rollback": "POST",
    "recovery": "RP",
    "ramp": "RA",
    "gate": "GA",
    "load_gate": "LG",
    "success_criteria": "SC",
    "recovery_times": "RTO",
    "recovery_points": "RPO",
    "prevention": "PM",
    "quick_reference": "QR",
}


_Kind = TypeVar("_Kind", bound=Item)


class UnknownPlanItem(LookupError):  # noqa: N818 - named by what happened
    """The plan has no item or strategy of that name."""


@dataclass(frozen=True)
class Override:
    """One figure that an environment sets otherwise than the plan."""

    item: str
    key: str
    planned: float
    used: float
    relaxed: bool
    """True when it is easier to be green than the plan says; False when it is harder."""

    def __str__(self) -> str:
        """For the list of what makes a run partial."""
        direction = "relaxed" if self.relaxed else "tightened"
        return f"{self.item} {self.key} {self.used:g} instead of {self.planned:g} ({direction})"


def _beside_own(content: Any, known: ValidatorFunctionWrapHandler) -> Any:
    """The plan's criteria are validated; own ones were made already."""
    if not isinstance(content, Mapping):
        return known(content)
    own = {name: item for name, item in content.items() if isinstance(item, OwnTrigger)}
    return {**known({name: item for name, item in content.items() if name not in own}), **own}


class Plan(Table):
    """The whole plan. Sections map ids to items; ``item`` finds one in whatever section it is."""

    about: About
    baseline: BaselineTerms
    load: LoadTerms
    redeployment: RedeploymentTerms
    immediate_criteria: Annotated[ImmediateCriteria, WrapValidator(_beside_own)]
    consider_criteria: Annotated[ConsiderCriteria, WrapValidator(_beside_own)]
    decision: DecisionRules
    strategies: Mapping[str, Strategy]
    health_checks: Mapping[str, HealthCheck]
    monitoring: Monitoring
    integrity: Mapping[str, Item]
    time_frames: Mapping[str, TimeFrame]
    contacts: Mapping[str, Contact]
    escalation: Mapping[str, Escalation]
    channels: Mapping[str, Channel]
    pre_rollback: Mapping[str, ChecklistItem]
    during_rollback: Mapping[str, ChecklistItem]
    post_rollback: Mapping[str, ChecklistItem]
    recovery: Mapping[str, RecoveryStage]
    ramp: Mapping[str, RampStage]
    ramp_terms: RampTerms
    gate: Mapping[str, GateCommand]
    load_gate: LoadGate
    success_criteria: SuccessCriteria
    recovery_times: Mapping[str, RecoveryTime]
    recovery_points: RecoveryPoints
    prevention: Mapping[str, Item]
    quick_reference: Mapping[str, QuickReference]

    _overrides: tuple[Override, ...] = PrivateAttr(default=())

    def model_post_init(self, context: Any, /) -> None:
        """Keep the overrides that ``with_overrides`` hands over beside the data."""
        self._overrides = tuple(context) if context else ()

    def items(self) -> Iterator[Item]:
        """Give every item, in the order of the sections."""
        for section in _PREFIXES:
            yield from self._section(section).values()

    def ids(self) -> tuple[str, ...]:
        """Give the id of every item, in the order of the sections."""
        return tuple(item.id for item in self.items())

    def item(self, item_id: str) -> Item:
        """Find an item by its id. Raises UnknownPlanItem with the nearest id."""
        section = next((name for name in _PREFIXES if item_id in self._section(name)), None)
        if section is None:
            near = nearest(item_id, self.ids())
            raise UnknownPlanItem(f"the plan has no item {item_id!r}{f', did you mean {near!r}?' if near else ''}")
        return self._section(section)[item_id]

    def the(self, kind: type[_Kind]) -> _Kind:
        """Give the item of a kind of which every plan has one, whatever its id: ``plan.the(MemoryGoal)``."""
        [found] = (item for item in self.items() if isinstance(item, kind))
        return found

    def strategy(self, name: str) -> Strategy:
        """Find a strategy by its name. Raises UnknownPlanItem with the nearest name."""
        by_name = {strategy.name: strategy for strategy in self.strategies.values()}
        if name not in by_name:
            raise UnknownPlanItem(f"the plan has no strategy {name!r}, {suggestion(name, by_name)}")
        return by_name[name]

    def rto(self, strategy_name: str) -> RecoveryTime:
        """Give the recovery time objective of a strategy. Raises UnknownPlanItem when the plan names none."""
        strategy = self.strategy(strategy_name)
        if strategy.rto is None:
            raise UnknownPlanItem(f"the plan gives strategy {strategy_name!r} ({strategy.id}) no recovery time")
        return self.recovery_times[strategy.rto]

    def time_frame(self, section: str) -> TimeFrame:
        """When the checks or items of a section are due. Raises UnknownPlanItem when the plan gives it no time."""
        found = next((frame for frame in self.time_frames.values() if frame.section == section), None)
        if found is None:
            raise UnknownPlanItem(f"the plan gives section {section!r} no time")
        return found

    @property
    def emails(self) -> dict[str, str]:
        """The addresses of the contacts, by their ids."""
        return {contact.id: contact.email for contact in self.contacts.values()}

    @property
    def ways(self) -> dict[str, Method]:
        """Every way of every strategy by the name of its file in ``drills/``, the preferred ones first."""
        return {name: way for strategy in self.strategies.values() for name, way in strategy.ways.items()}

    @property
    def overrides(self) -> tuple[Override, ...]:
        """Every figure that differs from the plan's file."""
        return self._overrides

    @property
    def relaxed(self) -> tuple[Override, ...]:
        """The overrides that make a criterion easier than the plan says: without a dated waiver the run is partial."""
        return tuple(override for override in self._overrides if override.relaxed)

    def with_overrides(self, thresholds: Mapping[str, Mapping[str, float]], *, source: str = "environment") -> "Plan":
        """Give the plan with an environment's figures.

        ``thresholds`` maps item ids to figures by the item's own keys. Raises ConfigurationError, in the name of
        ``source``, with every unknown id, every key that is no figure of its item, and every impossible value.
        """
        problems: list[Problem] = []
        overrides: list[Override] = []
        sections: dict[str, dict[str, Item]] = {}
        for item_id, figures in thresholds.items():
            section = next((name for name in _PREFIXES if item_id in self._section(name)), None)
            if section is None:
                where = _new_place(("thresholds", item_id)) or suggestion(item_id, self.ids())
                problems.append(Problem(f"[thresholds] {item_id}", f"no such plan item, {where}"))
                continue
            item = self._section(section)[item_id]
            known = {key: (value, note) for key, value, note in item.figures()}
            problems += [_no_figure(section, item_id, key, known) for key in figures if key not in known]
            wanted = {key: _like(known[key][0], value) for key, value in figures.items() if key in known}
            try:
                changed = type(item).model_validate({**dict(item), **wanted})
            except ValidationError as error:
                problems += problems_of(error, type(item), within=("thresholds", item_id))
                continue
            sections.setdefault(section, dict(self._section(section)))[item_id] = changed
            overrides += [
                Override(item_id, key, known[key][0], value, _is_relaxed(known[key], value))
                for key, value in wanted.items()
                if value != known[key][0]
            ]
        if problems:
            raise ConfigurationError(source, problems)
        return Plan.model_validate({**dict(self), **sections}, context=(*self._overrides, *overrides))

    def with_switches(self, names: Iterable[str]) -> "Plan":
        """Give the plan with these switched off in place of its own flags, in each strategy that has flags; none: as it is."""
        flags = dict.fromkeys(names, FlagSetting(enabled=False, rollout_pct=0))
        told = f"PAM rollback (switches): {', '.join(flags)} switched off for all users. Recovery is being watched."
        changes = {"flags": flags, "team_message": told}
        found = {
            key: one.model_copy(update=changes) if one.flags and flags else one for key, one in self.strategies.items()
        }
        return self.model_copy(update={"strategies": found})

    def _section(self, name: str) -> Mapping[str, Item]:
        section: Mapping[str, Item] = getattr(self, name)
        return section


def load_plan(path: Path) -> Plan:
    """Load a plan. Raises ConfigurationError with every problem of the file."""
    file = read_toml(path)
    return plan_of(file.content, source=file.source)


def plan_of(given: Mapping[str, Any], *, source: str) -> Plan:
    """Make a plan of what a file holds. Raises ConfigurationError, in the name of ``source``, with every problem."""
    content, problems = _with_ids(given)
    refused = {problem.place for problem in problems}
    try:
        plan = Plan.model_validate(content)
    except ValidationError as error:
        problems += [problem for problem in problems_of(error, Plan) if problem.place not in refused]
        raise ConfigurationError(source, problems) from None
    problems += _broken_references(plan)
    if problems:
        raise ConfigurationError(source, problems)
    return plan


def _no_figure(section: str, item_id: str, key: str, known: Iterable[str]) -> Problem:
    where = _new_place((section, item_id, key)) or suggestion(key, known)
    return Problem(f"[thresholds.{item_id}] {key}", f"no figure of this item, {where}")


def _new_place(location: tuple[str, ...]) -> str | None:
    from pam_rollback.core.configuration import new_place  # noqa: PLC0415 - for whoever has such a key

    return new_place(location)


def _like(planned: float, used: float) -> float:
    """Give the figure as a count where the plan has a count: an environment's figures come without that difference."""
    return int(used) if isinstance(planned, int) and used == int(used) else used


def _is_relaxed(planned: tuple[float, Relaxed], used: float) -> bool:
    value, note = planned
    return used > value if note is Relaxed.BY_RAISING else used < value


def _with_ids(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Give each item its id (the name of its table) and report ids that are malformed, misplaced or used twice."""
    problems: list[Problem] = []
    filled: dict[str, Any] = dict(content)
    tables = {section: content[section] for section in _PREFIXES if isinstance(content.get(section), dict)}
    for section, items in tables.items():
        for item_id, item in items.items():
            elsewhere = [other for other in tables if other != section and item_id in tables[other]]
            problems += _problems_of_id(section, item_id, elsewhere)
            if isinstance(item, dict) and "id" in item:
                problems.append(Problem(f"[{section}.{item_id}] id", "unknown key, the name of the table is the id"))
        filled[section] = {
            item_id: {**item, "id": item_id} if isinstance(item, dict) else item for item_id, item in items.items()
        }
    for section, planned in _OPEN.items():
        for item_id, item in filled[section].items() if section in tables else ():
            if item_id not in planned:
                try:
                    filled[section][item_id] = OwnTrigger.model_validate(item)
                except ValidationError as error:
                    problems += problems_of(error, OwnTrigger, within=(section, item_id))
    return filled, problems


def _problems_of_id(section: str, item_id: str, elsewhere: list[str]) -> list[Problem]:
    """Report an id without its section's prefix. Prefixes differ, so an id that is used twice is wrong in one place."""
    prefix = _PREFIXES[section]
    number = item_id.removeprefix(f"{prefix}-")
    if number != item_id and number.isascii() and number.isdecimal() and not number.startswith("0"):
        return []
    used_twice = f"used twice, also in [{elsewhere[0]}]" if elsewhere else "not an id of this section"
    return [Problem(f"[{section}] {item_id}", f"{used_twice}; expected {prefix}- and a number from 1 on")]


def _broken_references(plan: Plan) -> list[Problem]:
    """Report what is well-formed but points to nothing, or is there twice."""
    problems: list[Problem] = []
    owner: dict[str, str] = {}
    for item_id, strategy in plan.strategies.items():
        if strategy.rto is not None and strategy.rto not in plan.recovery_times:
            what = f"{shown(strategy.rto)} is not in [recovery_times], {suggestion(strategy.rto, plan.recovery_times)}"
            problems.append(Problem(f"[strategies.{item_id}] rto", what))
        if owner.setdefault(strategy.name, item_id) != item_id:
            what = f"{shown(strategy.name)} is the name of {owner[strategy.name]} too"
            problems.append(Problem(f"[strategies.{item_id}] name", what))
    for item_id, frame in plan.time_frames.items():
        if frame.section not in _PREFIXES:
            what = f"{shown(frame.section)} is no section, {suggestion(frame.section, _PREFIXES)}"
            problems.append(Problem(f"[time_frames.{item_id}] section", what))
    for item_id, level in plan.escalation.items():
        problems += [
            Problem(
                f"[escalation.{item_id}] contacts",
                f"{shown(contact)} is not in [contacts], {suggestion(contact, plan.contacts)}",
            )
            for contact in level.contacts
            if contact not in plan.contacts
        ]
    for item_id, criterion in plan.consider_criteria.items():
        mitigation = getattr(criterion, "mitigation", None)
        if mitigation is not None and mitigation not in plan.strategies:
            what = f"{shown(mitigation)} is not in [strategies], {suggestion(mitigation, plan.strategies)}"
            problems.append(Problem(f"[consider_criteria.{item_id}] mitigation", what))
    return problems + _broken_rules(plan) + problems_of_ramp(plan.ramp, plan.ramp_terms, plan.strategies)


def _broken_rules(plan: Plan) -> list[Problem]:
    """Report rules of the decision that name what is not there, leave a criterion out, or answer a security hole with flags."""
    rules = plan.decision
    criteria = {**plan.immediate_criteria, **plan.consider_criteria}
    named = {
        **{f"[decision.strategies] {criterion}": ids for criterion, ids in rules.strategies.items()},
        "[decision] several": rules.several,
        **{f"[decision.parts] {part}": ids for part, ids in rules.parts},
    }
    problems = [
        Problem(place, f"{shown(strategy)} is not in [strategies], {suggestion(strategy, plan.strategies)}")
        for place, ids in named.items()
        for strategy in ids
        if strategy not in plan.strategies
    ]
    problems += [
        Problem(f"[decision.strategies] {criterion}", "expected the strategies for this criterion, found nothing")
        for criterion in criteria
        if criterion not in rules.strategies
    ]
    problems += [
        Problem(place, f"{shown(criterion)} is no decision criterion, {suggestion(criterion, criteria)}")
        for place, found in (
            ("[decision.strategies]", [*rules.strategies]),
            ("[decision.follows]", [name for key, ids in rules.follows.items() for name in (key, *ids)]),
            ("[decision] features", rules.features),
        )
        for criterion in found
        if criterion not in criteria
    ]
    several = [plan.strategies[name] for name in rules.several if name in plan.strategies]
    if several and all(strategy.flags for strategy in several):
        what = "a security hole is not answered by flags; expected a strategy among them that is none of flags"
        problems.append(Problem("[decision] several", what))
    flags = [plan.strategies[name] for name in rules.strategies.get("IR-1", ()) if name in plan.strategies]
    if any(strategy.flags for strategy in flags):
        problems.append(
            Problem("[decision.strategies] IR-1", "a security hole is not answered by flags; expected a code rollback")
        )
    return problems
