"""The states of the world in which tests run: as it is, baseline, after each story's rollback.

``situation`` is a session-scoped parameter, so pytest enters a state once, runs the story, then the checks, then leaves it. A story file
``drills/test_feature_flag.py`` makes the situation ``after-feature-flag``; naming it adds ``checks/`` in that situation.
"""

import inspect
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.configuration import suggestion
from pam_rollback.plan.stories import SITUATIONS
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.markers import PHASES, asks_for, kinds_of, phase_of
from pam_rollback.plugin.needs import fixtures_with, needs_of
from pam_rollback.plugin.runbook import Runbook, named_paths

AS_IS = "as-is"
BASELINE = "baseline"
AFTER_EACH = "after-each"
_AFTER = "after-"

_ANSWERS_LATER_BELOW_HZ = 10.0
"""At a rate below this they are waited for while journeys are walked, not before: the 600 answers of SC-5 take a minute at it."""
KINDS_IN_ORDER = (
    "health",
    "security",
    "integrity",
    "communication",
    "performance",
    "journey",
    "accessibility",
    "load",
    "checklist",
    "window",
)
"""The checks after a rollback: what takes a second, and what most rollbacks are judged by, comes first."""
VERDICT_FIXTURE = "first_verdict"
"""Tests that ask for it judge when others came, so they come after all of them."""


@dataclass(frozen=True)
class Selection:
    """Which situations this session is about, and which story files were named."""

    situations: tuple[str, ...]
    stories: tuple[str, ...]


SITUATIONS_KEY = pytest.StashKey[Selection]()


def decide(config: pytest.Config, runbook: Runbook) -> None:
    """Decide on the situations by the command line, and add the folders that they need."""
    known = _stories_on_disk(config.rootpath)
    # Nobody named the folders of pyproject.toml: with --situation they are where to look, and no wish for every story.
    by_default = bool(runbook.options.situation) and config.args_source is not pytest.Config.ArgsSource.ARGS
    named = () if by_default else _named_stories(config, known)
    recording = (BASELINE,) if asks_for(config.option.markexpr, BASELINE) else ()
    situations = (
        _asked(runbook.options.situation, known) or tuple(_AFTER + story for story in named) or recording or (AS_IS,)
    )
    _refuse_half_a_baseline(situations, runbook, recording=bool(recording))
    stories = tuple(story for story in known if _AFTER + story in situations)
    config.stash[SITUATIONS_KEY] = Selection(situations, tuple(dict.fromkeys([*named, *stories])))
    _add_folder(config, "checks", wanted=bool(named))
    _add_folder(config, "drills", wanted=bool(stories))
    for story in stories:
        _show_everybody(config, story)


def _show_everybody(config: pytest.Config, story: str) -> None:
    """Have checks see the fixture of a drill that carries the rollback out: as a plug-in's, since those of a file are its own."""
    if "drills" not in sys.modules:
        pytest.register_assert_rewrite("drills")
    with suppress(ImportError):  # pytest tells of it when it collects the file
        config.pluginmanager.import_plugin(f"drills.test_{story.replace('-', '_')}")


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its situations: a story has its own, everything else those of the session."""
    if "situation" not in metafunc.fixturenames:
        return
    selection = metafunc.config.stash.get(SITUATIONS_KEY, Selection((AS_IS,), ()))
    path = metafunc.definition.path
    situations: Iterable[str] = selection.situations
    if path.parent.name == "drills":
        situations = [_AFTER + story_name(path)]
    given = [_with_its_objective(metafunc, situation) for situation in situations]
    metafunc.parametrize("situation", given, ids=list(situations), scope="session", indirect=True)


def _with_its_objective(metafunc: pytest.Metafunc, situation: str) -> Any:
    """A test that asks whether users recovered in time serves the plan item of the story's strategy: each story has its own."""
    runbook, story = runbook_module.of(metafunc.config), SITUATIONS.get(situation)
    if runbook is None or story is None:
        return situation
    asked_for = inspect.signature(metafunc.function).parameters
    if not fixtures_with(metafunc, lambda one: one.objective) & {*asked_for}:
        return situation
    strategy = runbook.plan.strategy(story.strategy)
    return pytest.param(situation, marks=pytest.mark.criterion(strategy.rto or strategy.id))


def put_in_order(config: pytest.Config, runbook: Runbook, items: list[pytest.Item]) -> None:
    """Order by situation, then phase, then what is known soonest; windows last, time frames and checklists after them. Stable."""
    # Those that wait for a window share one wait.
    late = {"window"} | ({"answers"} if runbook.environment.probing.rate_hz < _ANSWERS_LATER_BELOW_HZ else set())
    selection = config.stash[SITUATIONS_KEY]
    order = {name: index for index, name in enumerate(_each_once(selection))}
    phases = {name: index for index, name in enumerate(PHASES)}

    def position(item: pytest.Item) -> tuple[int, bool, bool, bool, int, int, bool, bool, int]:
        phase, stands_on = phase_of(item), needs_of(item, account=False)
        # A story is told in its own order.
        # What has no kind, such as circuit breakers that are given ten seconds to close, comes behind health, which takes one.
        kind = (
            min((2 * KINDS_IN_ORDER.index(name) for name in kinds_of(item)), default=1)
            if phase == "post_rollback"
            else 0
        )
        return (
            order.get(situation_of(item), len(order)),
            item.get_closest_marker("checklist") is not None,  # they tell what all others said
            VERDICT_FIXTURE in getattr(item, "fixturenames", ()),
            any(one.waits in late for one in stands_on),
            phases.get(phase, len(phases)),
            kind,
            item.path.suffix == ".sql",  # rows that are lost break invariants: the loss comes before its symptoms
            # As many answers as a baseline has take 14 s at 50 a second: pages are loaded meanwhile.
            any(one.waits == "answers" and one.baseline for one in stands_on),
            _line_of_shared(item),
        )

    items.sort(key=position)


def _line_of_shared(item: pytest.Item) -> int:
    """What drills share comes first, in the order in which it is written, and not in that of its imports."""
    code = getattr(getattr(item, "function", None), "__code__", None)
    if code is None or item.path.parent.name != "drills":
        return 0
    return int(code.co_firstlineno) if Path(code.co_filename) != item.path else sys.maxsize


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a situation on one worker: the action happens once, whatever files its tests stand in."""
    if runbook_module.of(config) is None:
        return None
    from pam_rollback.plugin.scheduling import BySituation  # noqa: PLC0415 - xdist costs 30 ms, and most sessions do without

    return BySituation(config, log)


def situation_of(item: pytest.Item) -> str:
    """The item's situation; as-is when it has none."""
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("situation", AS_IS)) if callspec else AS_IS


def stories_of(items: Iterable[pytest.Item]) -> tuple[str, ...]:
    """The stories whose action the items need: their own, and those of checks in an after-situation."""
    found = (situation_of(item) for item in items)
    return tuple(dict.fromkeys(name.removeprefix(_AFTER) for name in found if name.startswith(_AFTER)))


def _each_once(selection: Selection) -> dict[str, None]:
    """Every situation that tests may be in, in order: one that is left and entered again would be acted in twice."""
    return dict.fromkeys([AS_IS, BASELINE, *selection.situations, *(_AFTER + story for story in selection.stories)])


def story_of(situation: str) -> str:
    """The story whose action a situation comes after; empty when it comes after none."""
    return situation.removeprefix(_AFTER) if situation.startswith(_AFTER) else ""


def story_name(path: Path) -> str:
    """``drills/test_feature_flag.py`` is the story ``feature-flag``."""
    return path.stem.removeprefix("test_").replace("_", "-")


def _stories_on_disk(root: Path) -> tuple[str, ...]:
    return tuple(story_name(path) for path in sorted((root / "drills").glob("test_*.py")))


def _named_stories(config: pytest.Config, known: tuple[str, ...]) -> tuple[str, ...]:
    drills = config.rootpath / "drills"
    named: list[str] = []
    for path in named_paths(config):
        if path == drills:
            named += known
        elif path.parent == drills:
            named.append(story_name(path))
    return tuple(dict.fromkeys(named))


def _refuse_half_a_baseline(situations: tuple[str, ...], runbook: Runbook, *, recording: bool) -> None:
    """A baseline is recorded whole, by one command, and by nothing else."""
    if BASELINE in situations and not recording:
        raise pytest.UsageError("--situation baseline: a baseline is recorded whole, by `pytest -m baseline`")
    if recording and situations != (BASELINE,):
        raise pytest.UsageError(
            f"-m baseline records how it is, not {', '.join(situations)}: leave --situation and the story out"
        )
    if recording and runbook.options.baseline is not None:
        raise pytest.UsageError("-m baseline records a baseline of its own: leave --baseline out")


def _asked(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    possible = [AS_IS, BASELINE, *(_AFTER + story for story in known)]
    asked: list[str] = []
    for name in names:
        if name == AFTER_EACH:
            asked += [_AFTER + story for story in known]
        elif name in possible:
            asked.append(name)
        else:
            raise pytest.UsageError(
                f"--situation {name}: no situation {name!r}, {suggestion(name, [*possible, AFTER_EACH])}"
            )
    return tuple(dict.fromkeys(asked))


def _add_folder(config: pytest.Config, name: str, *, wanted: bool) -> None:
    folder = config.rootpath / name
    if not wanted or not folder.is_dir():
        return
    # A story that was named stays alone: adding its whole folder would select the other stories too.
    if not any(folder in {path, path.parent} for path in named_paths(config)):
        config.args.append(str(folder))
