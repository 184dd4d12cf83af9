"""What is left out and why, and whether what remains is complete enough for a GO."""

from dataclasses import dataclass, field

import pytest

from pam_rollback.core.configuration import suggestion
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import NOT_JUDGED, SHORT_JOURNEY, SHORT_KINDS, SITUATIONS
from pam_rollback.plugin import browser_gate, listeners, markers, pytest_options
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.baseline_files import has
from pam_rollback.plugin.needs import INDEX, Needs, needs_of
from pam_rollback.plugin.options import Detail, detail
from pam_rollback.plugin.runbook import Runbook, named_paths
from pam_rollback.plugin.situations import AS_IS, BASELINE, SITUATIONS_KEY, situation_of, story_name
from pam_rollback.plugin.sql_files import invariant_of, why_not_asked
from pam_rollback.target.contract import undescribed
from pam_rollback.target.environment import Environment


@dataclass
class LeftOut:
    """Tests that were deselected by rule, each with the reason, and why the rest is not complete."""

    tests: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    unnamed: set[str] = field(default_factory=set)
    """Phases with tests here that run only when ``-m`` names them. Nothing is missing without them."""
    by_rule: list[pytest.Item] = field(default_factory=list)
    """All that the suite's own rules leave out, whether it is named or not."""


KEY = pytest.StashKey[LeftOut]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the criterion ids, then leave out what this mode or environment rules out."""
    runbook = runbook_module.of(config)
    if runbook is None:
        return
    _refuse_unknown_criteria(runbook.plan, items)
    left_out = LeftOut(partial=partial_by_options(config))
    config.stash[KEY] = left_out
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    expression = config.option.markexpr.strip()
    for item in items:
        if markers.waits_to_be_named(markers.names_of(item), expression):
            dropped.append(item)
            left_out.unnamed.add(markers.phase_of(item))
            continue
        if _is_of_another_story(item, config) or _judges_something_else(item, runbook):
            dropped.append(item)
            continue
        if not markers.is_selected(item, expression):
            kept.append(item)  # nobody asked for it: pytest leaves it out in a moment, and nothing is missing
            continue
        reason = why_left_out(item, runbook)
        if not expression and _is_for_the_main_way(item, runbook):
            dropped.append(item)  # nothing is missing here: they run after the strategy's main way
        elif _is_of_other_tables(item, runbook) and item.path not in named_paths(config):
            dropped.append(item)  # nothing is missing here: this database has no such tables
        elif reason:
            left_out.tests.append((item.nodeid, reason, markers.criterion_ids(item)))
            dropped.append(item)
        else:
            kept.append(item)
    left_out.by_rule = dropped
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def _is_of_another_story(item: pytest.Item, config: pytest.Config) -> bool:
    """Than those that were asked for."""
    return item.path.parent.name == "drills" and story_name(item.path) not in config.stash[SITUATIONS_KEY].stories


def _judges_something_else(item: pytest.Item, runbook: Runbook) -> bool:
    """Than the plan items that were asked for."""
    wanted = runbook.options.item
    return bool(wanted) and set(wanted).isdisjoint(markers.criterion_ids(item))


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name what was left out before anything runs, in a list and where all of it is wanted."""
    if not config.option.collectonly and detail(config) is not Detail.ALL:
        return []
    left_out = config.stash.get(KEY, LeftOut())
    by_reason: dict[str, list[str]] = {}
    for nodeid, reason, _ in left_out.tests:
        by_reason.setdefault(reason, []).append(nodeid.rpartition("::")[2])
    return [f"{reason}: {', '.join(names)}" for reason, names in by_reason.items()]


def _refuse_unknown_criteria(plan: Plan, items: list[pytest.Item]) -> None:
    known = plan.ids()
    problems = [
        f"{item.nodeid}: criterion {identifier!r} is not an item of plan.toml, {suggestion(identifier, known)}"
        for item in items
        for identifier in markers.criterion_ids(item)
        if identifier not in known
    ]
    if problems:
        raise pytest.UsageError("\n".join(problems))


def missing_abilities(item: pytest.Item, environment: Environment) -> list[str]:
    """The abilities that a test stands on and that the environment does not declare, in order."""
    needed = {ability for one in _needs(item, environment) for ability in one.abilities}
    return sorted((needed | {_source_of(item)} - {""}) - set(environment.abilities))


def not_in_contract(item: pytest.Item, environment: Environment) -> str:
    """What the test is about and the product, by its contract, does not have; empty when it has all of it."""
    return _nothing_there(item, environment) or _undescribed_elements(item, environment)


def why_left_out(item: pytest.Item, runbook: Runbook) -> str:
    """Why a test would tell nothing in this session, in words; empty when it would."""
    environment = runbook.environment
    if other_kind := _of_another_rollback(item, runbook):
        return other_kind
    missing = missing_abilities(item, environment)
    if missing:
        return f"{environment.name} declares no {', '.join(missing)}"
    if situation_of(item) in {AS_IS, BASELINE} and any(one.rollback for one in _needs(item, environment)):
        return _no_rollback(item, runbook)
    undeclared = not_in_contract(item, environment) or _undeclared_part(item, environment)
    if undeclared:
        return undeclared
    if (
        environment.kind == "production"
        and item.get_closest_marker("writes")
        and "test_account" not in environment.abilities
    ):
        return f"{environment.name} declares no test_account to write as"
    return _data_problem(item, runbook)


def _data_problem(item: pytest.Item, runbook: Runbook) -> str:
    """Why nothing can be said of the data: other tables, or nothing to compare with; empty when something can."""
    if _is_of_other_tables(item, runbook):
        environment = runbook.environment
        return f"about tables that {environment.name} does not have ([sql] dialect {environment.sql.dialect!r})"
    invariant = invariant_of(item)
    if invariant is not None and (why := runbook.environment.contract.tables.left_out.get(invariant.id)):
        return f"the contract of {runbook.environment.product} leaves it out: {why}"
    if invariant is not None and (why := why_not_asked(invariant, runbook.environment)):
        return why
    if not _records_its_own(item, runbook):
        wanted = {one.baseline for one in _needs(item, runbook.environment)} - {""}
        for part in listeners.baseline_parts(item.config) if wanted else ():
            if part.file in wanted and not has(runbook, part.file):
                return f"no {part.what} {part.happened} before; {_where_from(runbook, part.what)}"
        if INDEX in wanted and runbook.stored is None:
            return "there is no baseline to compare with, see --baseline"
    return item.config.hook.pytest_pam_why_left_out(item=item) or ""


def _where_from(runbook: Runbook, part: str) -> str:
    """What would let it be compared: a baseline, or what its own record says that this one lacked."""
    why = "" if runbook.stored is None else runbook.stored.not_recorded.get(part, "")
    return f"the baseline lacks them: {why}" if why else "a baseline has them, see --baseline"


def _is_for_the_main_way(item: pytest.Item, runbook: Runbook) -> bool:
    """Whether a drill does without it after a secondary way of a strategy."""
    story = SITUATIONS.get(situation_of(item))
    if story is None or story.all_checks or runbook.options.real or item.path.parent.name == "drills":
        return False
    return SHORT_KINDS.isdisjoint(markers.kinds_of(item)) and getattr(item, "originalname", "") != SHORT_JOURNEY


def _is_of_other_tables(item: pytest.Item, runbook: Runbook) -> bool:
    invariant = invariant_of(item)
    return invariant is not None and runbook.environment.sql.dialect not in invariant.dialects


def _of_another_rollback(item: pytest.Item, runbook: Runbook) -> str:
    """Why it is not part of this kind of rollback: a real one, or a drill without damage; empty when it is."""
    proves_damage = item.get_closest_marker("drill") is not None
    if runbook.options.real and proves_damage:
        return "not part of a real rollback"
    recovers = proves_damage or any(one.damage for one in _needs(item, runbook.environment))
    if runbook.undamaged and recovers and situation_of(item) not in {AS_IS, BASELINE}:
        return f"nothing is planted on {runbook.environment.name}: {NOT_JUDGED}"
    return ""


def _records_its_own(item: pytest.Item, runbook: Runbook) -> bool:
    """Before its drill's incident this session records how it is. A real rollback is not delayed by that."""
    return situation_of(item) not in {AS_IS, BASELINE} and runbook.records_before


def _nothing_there(item: pytest.Item, environment: Environment) -> str:
    said = (one.lacking(item, environment) for one in _needs(item, environment) if one.lacking is not None)
    return next(filter(None, said), "")


def _undescribed_elements(item: pytest.Item, environment: Environment) -> str:
    needed = (element for one in _needs(item, environment) for element in one.elements)
    lost = undescribed(environment.contract.elements, (*needed, *markers.elements_of(item)))
    return f"the contract of {environment.product} describes no {', '.join(lost)} ([elements])" if lost else ""


def _needs(item: pytest.Item, environment: Environment) -> tuple[Needs, ...]:
    return needs_of(item, account="test_account" in environment.abilities)


def _undeclared_part(item: pytest.Item, environment: Environment) -> str:
    """Which part of an ability that is declared the environment leaves out; empty when there is none."""
    browser = _undeclared_browser(item, environment)
    if browser:
        return browser_gate.of_another_browser(environment.name, browser)
    series = _unnamed_series(item, environment) if _source_of(item) == "prometheus" else ""
    return f"{environment.name} names no {series} in [prometheus]" if series else ""


def _source_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("source", "")) if callspec else ""


def _unnamed_series(item: pytest.Item, environment: Environment) -> str:
    for one in _needs(item, environment):
        if one.series and not any(getattr(environment.prometheus, name, "") for name in one.series):
            return " or ".join(one.series)
    return ""


def _undeclared_browser(item: pytest.Item, environment: Environment) -> str:
    needed: list[str] = [one.browser for one in _needs(item, environment) if one.browser]
    callspec = getattr(item, "callspec", None)
    parameter = callspec.params.get("browser_name") if callspec else None
    if parameter and parameter not in item.config.option.browser:
        needed.append(str(parameter))
    return next((name for name in needed if name not in environment.browsers), "")


def _no_rollback(item: pytest.Item, runbook: Runbook) -> str:
    ids = markers.criterion_ids(item)
    if runbook.options.acked.intersection(ids):
        return "no rollback was done in this session, and a person vouches for it (--ack)"
    return f'no rollback was done in this session; a person may vouch for it: --ack {ids[0]}="who: evidence"'


def partial_by_options(config: pytest.Config) -> list[str]:
    """Every option that makes less run, or say less, without a rule of the suite."""
    option = config.option
    found = pytest_options.partial_reasons(option, config.args)
    runbook = runbook_module.of(config)
    if runbook is not None and browser_gate.is_loaded(config):
        left_out = [name for name in runbook.environment.browsers if name not in option.browser]
        if left_out:
            found.append(f"--browser leaves out {', '.join(left_out)}")
    return found
