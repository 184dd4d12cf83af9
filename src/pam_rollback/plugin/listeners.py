"""Asks whoever listens to the suite's own hooks. One that fails is named: it keeps no verdict from being told, and makes none a GO."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pam_rollback.plugin.baseline_files import BaselinePart
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_record import ActionStep, RunRecord
from pam_rollback.report.wording import Paragraph
from pam_rollback.target.environment import Environment

if TYPE_CHECKING:
    from pam_rollback.plugin.selection import LeftOut
    from pam_rollback.report.watched_incident import IncidentNews, WatchedIncident
    from pam_rollback.rollback.undoing import UndoKind, UndoKinds

T = TypeVar("T")
FAILURES = (Exception, SystemExit)
"""Nor may a listener end the session, with a code of its own."""
PARAGRAPHS = pytest.StashKey[Callable[[RunRecord], list[Paragraph]]]()
"""What a leaf adds to the report of a session that is about it. The record that it gets is without secrets."""


def run_ended(config: pytest.Config, folder: Path, environment: Environment, undone: str = "") -> list[str]:
    """Lines for the terminal when a real run is over, or was put back, or could not be."""
    hook = config.hook.pytest_pam_run_ended
    return _asked(hook, _failed, config=config, run_folder=folder, environment=environment, undone=undone)


def notes(config: pytest.Config, runbook: Runbook) -> list[str]:
    """Lines for the notes of any session."""
    hook = config.hook.pytest_pam_notes
    return _all(_asked(hook, lambda problem: [_failed(problem)], run_folder=runbook.folder, runbook=runbook))


def planned(
    config: pytest.Config, runbook: Runbook, phases: Collection[str], stories: Sequence[str]
) -> list[ActionStep]:
    """What a session would do, its stories first."""
    found = _asked(
        config.hook.pytest_pam_planned,
        lambda problem: [ActionStep("not known", _failed(problem), "planned", 0.0, 0.0)],
        plan=runbook.plan,
        environment=runbook.environment,
        phases=phases,
        stories=stories,
    )
    return _all(found)


def incomplete(config: pytest.Config, left_out: "LeftOut", answered: Collection[str]) -> list[str]:
    """Why the session did not ask all that it should have. One that cannot tell leaves that unknown."""
    found = _asked(
        config.hook.pytest_pam_incomplete,
        lambda problem: [f"whether all was asked is not known: {_failed(problem)}"],
        config=config,
        left_out=left_out,
        answered=answered,
    )
    return _all(found)


def report(config: pytest.Config, record: RunRecord) -> list[Paragraph]:
    """Paragraphs for the scorecard and the job summary, of those who take part in this session (``PARAGRAPHS``)."""
    give = config.stash.get(PARAGRAPHS, None)
    try:
        return [] if give is None else give(shown(record))
    except FAILURES as problem:
        return [("Not told", (_failed(problem),))]


def undo_kinds(config: pytest.Config) -> "dict[str, UndoKind]":
    """How changes are put back, by their kind. Whoever fails knows none."""
    found: dict[str, UndoKind] = {}
    kinds: UndoKinds
    for kinds in _asked(config.hook.pytest_pam_undo_kinds, lambda _: {}):
        found |= kinds
    return found


def baseline_parts(config: pytest.Config) -> list[BaselinePart]:
    """What a baseline has, part by part. Whoever fails is a part of which nothing is known."""

    def failed(problem: BaseException) -> list[BaselinePart]:
        needs = "listeners to pytest_pam_baseline_parts that do not fail"
        return [BaselinePart("parts of a listener", fixture="", needs=needs, quick=True, problem=_failed(problem))]

    return _all(_asked(config.hook.pytest_pam_baseline_parts, failed))


def of_incidents(config: pytest.Config) -> dict[str, str]:
    """Who is told of an incident that a watch finds, in the order in which they are called, and what people call them.

    A plugin that has a function ``listener(config)`` is called what that gives; empty: it has nobody to tell in this session.
    """
    found: dict[str, str] = {}
    for one in reversed(config.hook.pytest_pam_incident.get_hookimpls()):
        named = getattr(one.plugin, "listener", None)
        shown = named(config) if callable(named) else one.plugin_name
        if shown:
            found[one.plugin_name] = shown
    return found


def tell_one(config: pytest.Config, what: "IncidentNews", listener: str, incident: "WatchedIncident") -> str:
    """Tell one listener of an incident, and nobody else; gives its reference, or nothing. Raises whatever it raises."""
    plugins = config.pluginmanager
    others = [plugin for plugin in plugins.get_plugins() if plugins.get_name(plugin) != listener]
    answers = plugins.subset_hook_caller("pytest_pam_incident", others)(config=config, incident=incident, what=what)
    return next((str(answer) for answer in answers if answer), "")


def _asked(hook: Any, failed: Callable[[BaseException], T], **given: object) -> list[T]:
    """What each listener answers, but for None. One that fails takes nobody else's answer along, as a call of the hook would."""
    found: list[T] = []
    for listener in reversed(hook.get_hookimpls()):
        try:
            answer = listener.function(*(given[name] for name in listener.argnames))
        except FAILURES as problem:  # whatever it is, the session did what it did
            answer = failed(problem)
        if answer is not None:
            found.append(answer)
    return found


def _all(several: Iterable[Iterable[T]]) -> list[T]:
    return [one for found in several for one in found]


def _failed(problem: BaseException) -> str:
    return f"a hook failed: {type(problem).__name__}: {problem}"
