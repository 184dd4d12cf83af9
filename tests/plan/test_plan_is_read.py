"""Every figure of ``plan.toml`` is read by what acts or judges: another value of it, and a verdict, a step or a message is another one.

A table says which of the readers (``plan_decided.py``, ``plan_judged.py``, ``plan_redeployed.py``) reads which figures. A figure that
stands in no line of it fails by its name: it has to be read by something, or to be taken out of the plan. Titles and anchors are words for
people; one test sees that they are shown.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.plan.plan import Plan, plan_of
from tests.plan import plan_decided as decided
from tests.plan import plan_judged as judged
from tests.plan import plan_redeployed as redeployed
from tests.plan.plan_scene import ROOT

Reader = Callable[[Plan], object]

READ_BY: Mapping[Reader, tuple[str, ...]] = {
    judged.review: ("about.review_after_d",),
    redeployed.document: ("about.title", "about.version", "about.source"),
    decided.manual: ("*.judged_by",),
    # the decision
    decided.watch: ("*_criteria.IR-*.duration_s", "*_criteria.IR-[45].*_pct_max", "*.CR-5.*_pct_min", "decision.slowdown_*"),
    decided.gaps_of_answers: ("decision.gaps.not_yet", "decision.gaps.over", "decision.gaps.partial_*", "decision.gaps.errors_*"),
    decided.memory_criterion: ("decision.gaps.memory_*", "monitoring.MT-3.memory_mb_max"),
    decided.user_data: ("decision.gaps.schema_damaged", "*.affected_records_max"),
    decided.affected_users: ("*.affected_users_pct_max",),
    decided.decisions: ("decision.several", "decision.features", "decision.strategies.*", "decision.[fp]*.*", "*.mitigation"),
    # strategies
    decided.advice: ("strategies.*.rto", "strategies.*.when_to_use", "recovery_times.RTO-[1-4].min_s", "strategies.*.methods.0.title"),
    decided.drill_files: ("strategies.*.name", "strategies.*.methods.*.way", "about.review_after_d"),
    decided.dry_run: ("strategies.*.flags.*", "strategies.*.rollout_steps_pct", "ramp_terms.rollback"),
    decided.way_down: ("strategies.*.rollout_hold_s",),
    decided.messages: ("strategies.*.team_message",),
    # checks
    judged.monitored: ("monitoring.MT-1.*_max", "monitoring.MT-2.*_max"),
    judged.first_verdicts: ("time_frames.TF-[123].section", "time_frames.TF-[123].*_s"),
    judged.checklists: ("time_frames.TF-[456].section", "time_frames.TF-[456].*_s", "post_rollback.*.stable_s_min"),
    # objectives
    judged.held_window: ("success_criteria.SC-[123].*_max", "success_criteria.SC-[123].*_s", "*.samples_min", "*.IR-6.*_max"),
    judged.row_loss: ("success_criteria.SC-4.*_max",),
    judged.as_before: ("success_criteria.SC-5.*_max", "success_criteria.SC-5.*_ms"),
    judged.recovery_time: ("recovery_times.RTO-[1-4].max_s",),
    judged.complete_recovery: ("recovery_times.RTO-5.*_s",),
    judged.lost_writes: ("recovery_points.RPO-1.*",),
    judged.settings_loss: ("recovery_points.RPO-2.*",),
    judged.sessions: ("recovery_points.RPO-3.*",),
    # people
    decided.ladder: ("escalation.*.from_s", "escalation.*.who", "escalation.*.contacts", "channels.*.audience"),
    decided.posts: ("channels.*.address",),
    decided.mail: ("contacts.*.email",),
    decided.to_do: ("recovery.*.min_s", "recovery.*.max_s", "recovery.*.steps"),
    decided.addresses: ("quick_reference.*.url",),
    # the way back: gate, load, ramp, and what is compared with
    redeployed.ramp: ("ramp.*.rollout_pct", "ramp.*.hold_s_min", "ramp_terms.*_s", "ramp_terms.*_s_max", "ramp_terms.*_s_min"),
    redeployed.stages: ("gate.*.command", "gate.*.deadline_s"),
    redeployed.deadlines: ("redeployment.*",),
    redeployed.load_verdicts: ("load_gate.LG-[1-6].*",),
    redeployed.two_releases: ("load_gate.LG-[78].*",),
    redeployed.load_asked: ("load.*",),
    redeployed.baseline_terms: ("baseline.*",),
}  # fmt: skip

WORDS = ("consider", "watch", "no", "ST-2", "ST-4", "soak", "suite")
"""For texts that allow a few words only, where no other figure of the same name has another one."""
NO_OTHER = {"ramp.RA-4.rollout_pct"}
"""A ramp that does not end with everybody is refused: the refusal is what reads it."""
FOR_PEOPLE = ("title", "anchor")
GIVEN: dict[str, Any] = tomllib.loads((ROOT / "plan.toml").read_text(encoding="utf-8"))


def leaves(table: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every value of a file, by its dotted name; tables within a list are counted from 0."""
    if isinstance(table, list) and table and isinstance(table[0], dict):
        table = dict(enumerate(table))
    if not isinstance(table, dict):
        yield ".".join(path), table
        return
    for key, value in table.items():
        yield from leaves(value, (*path, str(key)))


FIGURES = {name: value for name, value in leaves(GIVEN) if name.rpartition(".")[2] not in FOR_PEOPLE}
FIGURES["about.title"] = GIVEN["about"]["title"]


def readers_of(name: str) -> list[Reader]:
    """By the table above."""
    return [reader for reader, patterns in READ_BY.items() if any(fnmatchcase(name, pattern) for pattern in patterns)]


def plan_with(name: str, value: object) -> Plan:
    """The plan with that one value changed. Raises ConfigurationError when it cannot be that."""
    changed: Any = deepcopy(GIVEN)
    *way, key = name.split(".")
    table = changed
    for step in way:
        table = table[int(step)] if isinstance(table, list) else table[step]
    table[key] = value
    return plan_of(changed, source="plan.toml")


def others(name: str, value: Any) -> Iterator[object]:
    """Other values that it might have, the likeliest first."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, date):
        yield value - timedelta(days=366)
    elif isinstance(value, int | float):
        yield from (value * 2, value + 1, value // 2, value - 1)
    key = name.rpartition(".")[2]
    alike = [other for path, other in FIGURES.items() if path.rpartition(".")[2] == key and type(other) is type(value)]
    if isinstance(value, list):
        yield from (value[:-1], value[1:])
        yield from (other for path, other in FIGURES.items() if path.rpartition(".")[0] == name.rpartition(".")[0])
    if isinstance(value, str):
        yield f"{value}-other"
    yield from alike
    yield from ([word] if isinstance(value, list) else word for word in WORDS)


def another(name: str) -> tuple[object, Plan | ConfigurationError]:
    """The first other value with which the plan can be loaded; where there is none, the last one that was refused, and how."""
    refused: tuple[object, Plan | ConfigurationError] = (None, ConfigurationError(name, []))
    for value in others(name, FIGURES[name]):
        if type(value) is type(FIGURES[name]) and value != FIGURES[name]:
            try:
                return value, plan_with(name, value)
            except ConfigurationError as error:
                refused = value, error
    return refused


@cache
def as_planned(reader: Reader) -> str:
    """What the reader gives of the plan as it is."""
    return repr(reader(plan_of(GIVEN, source="plan.toml")))


def test_every_figure_has_a_reader() -> None:
    """A figure that nothing reads has no place in the plan; a line of the table that fits no figure is about one that is gone."""
    unread = [name for name in FIGURES if not readers_of(name)]
    patterns = [pattern for read in READ_BY.values() for pattern in read]
    idle = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name, _ in leaves(GIVEN))]

    assert unread == [], "no reader in READ_BY: let something act or judge by it, or take it out of plan.toml"
    assert idle == []


@pytest.mark.parametrize("name", FIGURES)
def test_another_figure_is_noticed(name: str) -> None:
    """A verdict, a step or a message changes with it. One that can have no other value is refused by its name."""
    value, plan = another(name)
    if isinstance(plan, ConfigurationError):
        assert name in NO_OTHER, f"no other value of {name} can be loaded, the last one tried is {value!r}: {plan}"
        assert name.rpartition(".")[2] in str(plan)
        return
    for reader in readers_of(name):
        assert repr(reader(plan)) != as_planned(reader), (
            f"{name} = {value!r} changes nothing that {reader.__name__} gives"
        )


def test_the_same_plan_is_read_the_same() -> None:
    """Nothing else than the figure changes what a reader gives: not the time, not chance."""
    again = plan_of(deepcopy(GIVEN), source="plan.toml")

    assert [reader.__name__ for reader in READ_BY if repr(reader(again)) != as_planned(reader)] == []


def test_titles_and_sections_are_shown() -> None:
    """Every item's words stand in the report of its test, a red one leads to its section of the runbook; the ways' words are told, too."""
    plan = plan_of(GIVEN, source="plan.toml")
    shown, ways = dict(redeployed.shown(plan)), decided.ways_in_words(plan)

    assert [item.id for item in plan.items() if item.title not in shown[item.id][0]] == []
    assert [item.id for item in plan.items() if not shown[item.id][1].endswith(f"#{item.anchor}")] == []
    assert [way.title for way in plan.ways.values() if way.title not in ways] == []
