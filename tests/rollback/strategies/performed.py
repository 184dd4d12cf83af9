"""Every drill as it is written, on whatever stage: hosts in memory, or the real clients against a running range."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Protocol

from pam_rollback.core.errors import ActionFailed
from pam_rollback.report.verdict import ExitCode, classify
from pam_rollback.rollback.backend import ApiService
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.emergency import Emergency
from pam_rollback.rollback.flags import AllFeatures
from pam_rollback.rollback.frontend import Frontend, Sources
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.step_list import StepList, Telling
from pam_rollback.rollback.steps import StepRecord, StepsFailed

STRATEGIES = (
    *("frontend-restore", "frontend-commit", "frontend-revert"),
    *("backend-provider", "backend-commit", "backend-branch"),
    *("full-system", "emergency"),
)
ABILITIES = {"frontend_host", "backend_host", "flag_admin", "cache_admin"}
USERS = tuple(f"user-{number}" for number in range(20))
BRANCH = "emergency-rollback-"


@dataclass(frozen=True)
class Targets:
    """The stable deploys, or why one is not known."""

    frontend: Deploy | ActionFailed
    backend: Deploy | ActionFailed


class Stage(Protocol):
    """What a drill is performed on."""

    @property
    def journal(self) -> Journal:
        """Where it is written down."""

    @property
    def telling(self) -> Telling:
        """Who is told of the end."""

    @property
    def frontend(self) -> Frontend:
        """The front end."""

    @property
    def backend(self) -> ApiService:
        """The back end."""

    @property
    def features(self) -> AllFeatures:
        """Every feature."""

    @property
    def emergency(self) -> Emergency:
        """The emergency call."""

    @property
    def sources(self) -> Sources:
        """The history and how it is built."""

    @property
    def repository(self) -> Any:
        """The history."""

    @property
    def targets(self) -> Targets:
        """The stable deploys."""

    @property
    def bad(self) -> str:
        """The commit that is to be taken back."""

    @property
    def branch(self) -> str:
        """The name of the emergency branch."""

    @property
    def why(self) -> str:
        """The reason that is given."""

    def empty_site_cache(self) -> str:
        """Empty the cache of the site's host."""

    def empty_api_cache(self) -> str:
        """Empty the API's cache."""


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


class OnStage(StepList):
    """The run that a drill is given, and its action: nobody is told of its beginning, and nothing is put back at its end."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.journal)
        self.telling = stage.telling
        self.reason, self.initiated_by, self.users = stage.why, "tests", USERS
        self.run_id = stage.branch.removeprefix(BRANCH)
        flags = stage.emergency.flags
        evaluates = flags is not None and flags.evaluation is not None
        self.environment = SimpleNamespace(
            abilities=ABILITIES | ({"flag_evaluation"} if evaluates else set()),
            github=stage.sources.by_pull_request,
            workers=stage.backend.workers,
        )

    @contextmanager
    def rollback(self, name: str) -> Iterator["OnStage"]:
        """List the steps in the block, and carry them out at its end."""
        assert name in STRATEGIES
        yield self
        self.carry_out(self.telling, 0)

    @contextmanager
    def apart(self) -> Iterator[StepList]:
        """Without telling the team a second time."""
        steps = StepList(self.telling.journal)
        yield steps
        steps.carry_out(replace(self.telling, notice=None), 0)

    def target(self, find: Callable[[], Mapping[str, Any]], *, part: str = "") -> Mapping[str, Any]:
        """As it is found."""
        assert isinstance(part, str)
        return find()


@dataclass(frozen=True)
class Known:
    """Hands on a site whose target is known: its host is not asked for it."""

    hands: Any
    target: Deploy | ActionFailed

    def deploy(self, _: str) -> Deploy:
        """The target."""
        return _deploy(self.target)

    def __getattr__(self, name: str) -> Any:
        """All else."""
        return getattr(self.hands, name)


def as_drilled(strategy: str, stage: Stage, **own: Any) -> Any:
    """What the very fixture of the drill gives, with what it asks for; ``own`` stands for what is another one."""
    module = import_module(f"drills.test_{strategy.replace('-', '_')}")
    api = Known(stage.backend, stage.targets.backend)
    given: Mapping[str, Callable[[], Any]] = {
        "run": lambda: OnStage(stage),
        "written_before": lambda: None,
        "site": lambda: Known(stage.frontend, stage.targets.frontend),
        "api": lambda: api,
        "sources": lambda: stage.sources,
        "repository": lambda: stage.repository,
        "git_settings": lambda: SimpleNamespace(branch="main"),
        "features": lambda: stage.features,
        "emergency_call": lambda: stage.emergency,
        "past_the_product": lambda: lambda: (api, lambda: facts_of(stage.targets.backend)),
        "last_stable_deploy": lambda: lambda: facts_of(stage.targets.frontend),
        "last_stable_api_deploy": lambda: lambda: facts_of(stage.targets.backend),
        "what_visitors_have": lambda: lambda: {"deploy": "", "commit": stage.bad},
        "what_users_have": lambda: lambda: {"deploy": "", "commit": stage.bad},
        "empty_site_cache": lambda: stage.empty_site_cache,
        "empty_api_cache": lambda: stage.empty_api_cache,
    }
    act = module.rollback._get_wrapped_function()
    return act(**{name: own.get(name) or given[name]() for name in inspect.signature(act).parameters})


def perform(stage: Stage, strategy: str) -> Ended:
    """Do it. Whatever it raises is a value here."""
    began = len(stage.journal.entries())
    try:
        facts = as_drilled(strategy, stage)
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


def facts_of(target: Deploy | ActionFailed) -> Mapping[str, str]:
    """A target as the journal keeps it."""
    deploy = _deploy(target)
    return {"deploy": deploy.id, "commit": deploy.commit}


def _deploy(target: Deploy | ActionFailed) -> Deploy:
    if isinstance(target, ActionFailed):
        raise target
    return target
