"""Asks whoever listens to the suite's own hooks. One that fails is named: it keeps no verdict from being told, and makes none a GO."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from pam_rollback.environment.environment import Environment
from pam_rollback.report.run_record import ActionStep, RunRecord
from pam_rollback.report.shown_record import shown
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.report.wording import Paragraph
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.selection import LeftOut

T = TypeVar("T")


def run_notes(config: pytest.Config, folder: Path) -> list[str]:
    """Lines for the notes of a real run."""
    return _heard(lambda: config.hook.pytest_pam_run_notes(run_folder=folder), _failed)


def run_ended(config: pytest.Config, folder: Path, environment: Environment) -> list[str]:
    """Lines for the terminal when a real run is over."""
    return _heard(lambda: config.hook.pytest_pam_run_ended(run_folder=folder, environment=environment), _failed)


def undone(config: pytest.Config, folder: Path, environment: Environment, words: str) -> list[str]:
    """Lines for the terminal when a real run was put back, or could not be."""
    ask = config.hook.pytest_pam_undone
    return _heard(lambda: ask(config=config, run_folder=folder, environment=environment, undone=words), _failed)


def notes(config: pytest.Config, folder: Path) -> list[str]:
    """Lines for the notes of any session."""
    found = _heard(lambda: config.hook.pytest_pam_notes(run_folder=folder), lambda problem: [_failed(problem)])
    return [line for lines in found for line in lines]


def planned(config: pytest.Config, runbook: Runbook, phases: Collection[str]) -> list[ActionStep]:
    """What a session would do beside its stories."""
    ask = config.hook.pytest_pam_planned
    found = _heard(
        lambda: ask(plan=runbook.plan, environment=runbook.environment, phases=phases),
        lambda problem: [ActionStep("not known", _failed(problem), "planned", 0.0, 0.0)],
    )
    return [step for steps in found for step in steps]


def incomplete(config: pytest.Config, left_out: LeftOut, answered: Collection[str]) -> list[str]:
    """Why the session did not ask all that it should have. One that cannot tell leaves that unknown."""
    ask = config.hook.pytest_pam_incomplete
    found = _heard(
        lambda: ask(config=config, left_out=left_out, answered=answered),
        lambda problem: [f"whether all was asked is not known: {_failed(problem)}"],
    )
    return [reason for reasons in found for reason in reasons]


def report(config: pytest.Config, record: RunRecord) -> list[Paragraph]:
    """Paragraphs for the scorecard and the job summary."""
    found = _heard(
        lambda: config.hook.pytest_pam_report(record=shown(record)),
        lambda problem: [("Not told", (_failed(problem),))],
    )
    return [paragraph for paragraphs in found for paragraph in paragraphs]


def names_of(config: pytest.Config, hook: str) -> list[str]:
    """Who listens to a hook, in the order in which they are called."""
    found = getattr(config.hook, hook).get_hookimpls()
    return [listener.plugin_name for listener in reversed(found)]


def tell_one(config: pytest.Config, hook: str, listener: str, incident: WatchedIncident) -> str:
    """Tell one listener of an incident, and nobody else; gives its reference, or nothing. Raises whatever it raises."""
    plugins = config.pluginmanager
    others = [plugin for plugin in plugins.get_plugins() if plugins.get_name(plugin) != listener]
    answers = plugins.subset_hook_caller(hook, others)(config=config, incident=incident)
    return next((str(answer) for answer in answers if answer), "")


def _heard(ask: Callable[[], Sequence[T]], failed: Callable[[Exception], T]) -> list[T]:
    try:
        return list(ask())
    except Exception as problem:  # noqa: BLE001 - whatever it is, the session did what it did
        return [failed(problem)]


def _failed(problem: Exception) -> str:
    return f"a hook failed: {type(problem).__name__}: {problem}"
