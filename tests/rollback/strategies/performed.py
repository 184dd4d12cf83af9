"""Every strategy as its story performs it, on whatever stage: hosts in memory, or the real clients against a running range."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from drills import test_frontend_restore
from pam_rollback.base.errors import ActionFailed
from pam_rollback.journal.journal import Journal
from pam_rollback.product.served_release import Served
from pam_rollback.report.verdict import ExitCode, classify
from pam_rollback.rollback.backend import (
    EmergencyBranch,
    deploy_commit,
    deploy_emergency_branch,
    roll_back_to_deploy,
)
from pam_rollback.rollback.backend_host import BackendTools
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.emergency import EmergencyTools, roll_back_in_an_emergency
from pam_rollback.rollback.frontend import Sources, revert_commit
from pam_rollback.rollback.frontend import deploy_commit as build_and_publish
from pam_rollback.rollback.frontend_host import Frontend, FrontendTools
from pam_rollback.rollback.full_system import FullSystemTarget, FullSystemTools, roll_back_everything
from pam_rollback.rollback.repository import Repository
from pam_rollback.rollback.step_list import StepList
from pam_rollback.rollback.steps import StepRecord, StepsFailed


class Stage(Protocol):
    """What a strategy is performed on."""

    @property
    def journal(self) -> Journal:
        """Where it is written down."""

    @property
    def frontend(self) -> FrontendTools:
        """For the front end."""

    @property
    def backend(self) -> BackendTools:
        """For the back end."""

    @property
    def full_system(self) -> FullSystemTools:
        """For everything."""

    @property
    def emergency(self) -> EmergencyTools:
        """For the emergency call."""

    @property
    def sources(self) -> Sources:
        """The history and how it is built."""

    @property
    def repository(self) -> Repository:
        """The history."""

    @property
    def targets(self) -> FullSystemTarget:
        """The stable deploys."""

    @property
    def commits(self) -> Mapping[str, str]:
        """The commits of ``stable`` and ``candidate``."""

    @property
    def bad(self) -> str:
        """The commit that is to be taken back."""

    @property
    def branch(self) -> str:
        """The name of the emergency branch."""

    @property
    def why(self) -> str:
        """The reason that is given."""


@dataclass(frozen=True)
class Ended:
    """What came of one strategy: its facts, or what it raised; and every step."""

    facts: Any
    error: Exception | None
    steps: tuple[StepRecord, ...]

    @property
    def exit_code(self) -> ExitCode:
        """What a session would end with, as far as the action decides."""
        return classify(self.error, in_test_body=False).exit_code if self.error else ExitCode.GO

    def named(self, outcome: str) -> set[str]:
        """The steps with this outcome."""
        return {step.name for step in self.steps if step.outcome.value == outcome}


@dataclass(frozen=True)
class PastTheProduct:
    """By the back end's provider, as the fixture does it."""

    stage: Stage

    def roll_back(self, reason: str) -> Served:
        """Without telling the team a second time."""
        assert reason
        tools = self.stage.backend
        return roll_back_to_deploy(
            replace(tools, telling=replace(tools.telling, notice=None)),
            _deploy(self.stage.targets.backend),
            decided_s=0,
        ).served


def perform(stage: Stage, strategy: str) -> Ended:
    """Do it. Whatever it raises is a value here."""
    began = len(stage.journal.entries())
    try:
        facts = _STRATEGIES[strategy](stage)
    except StepsFailed as error:
        return Ended(None, error, error.records)
    except ActionFailed as error:
        return Ended(None, error, ())
    assert len(stage.journal.entries()) > began
    return Ended(facts, None, facts.steps)


def open_steps(journal: Journal) -> Mapping[str, int]:
    """Steps that began and have no end, or more than one."""
    ends = {"step-started": 1, "step-done": -1, "step-failed": -1}
    steps: dict[str, int] = {}
    for entry in journal.entries():
        if entry["event"] in ends:
            steps[entry["step"]] = steps.get(entry["step"], 0) + ends[entry["event"]]
    return {step: count for step, count in steps.items() if count}


def _deploy(target: Deploy | ActionFailed) -> Deploy:
    assert isinstance(target, Deploy)
    return target


class OnStage(StepList):
    """The run that a drill is given, and its action: nobody is told of its beginning, and nothing is put back at its end."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.journal)
        self._stage = stage

    @contextmanager
    def rollback(self, name: str) -> Iterator["OnStage"]:
        """List the steps in the block, and carry them out at its end."""
        assert name
        yield self
        self.carry_out(self._stage.frontend.telling, 0)

    def target(self, find: Callable[[], Mapping[str, Any]], *, part: str = "") -> Mapping[str, Any]:
        """As it is found."""
        assert isinstance(part, str)
        return find()


def as_drilled(drill: Any, stage: Stage, *given: Any) -> Any:
    """The very fixture of the drill, with what it asks for."""
    return drill.rollback._get_wrapped_function()(OnStage(stage), Frontend(stage.frontend), *given)


def facts_of(target: Deploy | ActionFailed) -> Mapping[str, str]:
    """A target as the journal keeps it."""
    deploy = _deploy(target)
    return {"deploy": deploy.id, "commit": deploy.commit}


def _emergency_branch(stage: Stage) -> Any:
    branch = EmergencyBranch(stage.repository, stage.bad, "main", stage.branch, stage.why)
    return deploy_emergency_branch(stage.backend, branch, decided_s=0)


def _in_an_emergency(stage: Stage) -> Any:
    return roll_back_in_an_emergency(
        stage.emergency, reason=stage.why, initiated_by="tests", users=[], message="rolled back", decided_s=0
    )


_STRATEGIES: Mapping[str, Callable[[Stage], Any]] = {
    "frontend-restore": lambda it: as_drilled(test_frontend_restore, it, lambda: facts_of(it.targets.frontend)),
    "frontend-commit": lambda it: build_and_publish(it.frontend, it.sources, it.commits["stable"], decided_s=0),
    "frontend-revert": lambda it: revert_commit(it.frontend, it.sources, it.bad, reason=it.why, decided_s=0),
    "backend-provider": lambda it: roll_back_to_deploy(it.backend, _deploy(it.targets.backend), decided_s=0),
    "backend-commit": lambda it: deploy_commit(it.backend, it.commits["stable"], decided_s=0),
    "backend-branch": _emergency_branch,
    "full-system": lambda it: roll_back_everything(it.full_system, it.targets, decided_s=0),
    "emergency": _in_an_emergency,
}
STRATEGIES = tuple(_STRATEGIES)
