"""What a drill would do, for ``--dry-run``: its own fixture lists the steps, for this environment, and nothing is carried out or sent."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module

from pam_rollback.base.errors import ActionFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import Strategy
from pam_rollback.plan.stories import STORIES, Story
from pam_rollback.report.run_record import ActionStep
from pam_rollback.rollback.step_list import TELL, StepList


def planned_steps(plan: Plan, stories: Iterable[str], environment: Environment) -> Iterable[ActionStep]:
    """Every step of the stories' actions, with what it would change."""
    for story in stories:
        known = STORIES[story]
        for step, detail in _listed(plan, known, environment).items():
            yield ActionStep(action=story, step=step, outcome="planned", started_s=0.0, duration_s=0.0, detail=detail)


def steps_of_drill(plan: Plan, story: str, environment: Environment) -> Sequence[str]:
    """The steps of one drill, in order."""
    return [planned.step for planned in planned_steps(plan, [story], environment)]


class _Listed(BaseException):
    """The steps are listed: what the drill makes of them is left out."""


class _Unasked:
    """Stands for a host, or for what one would say: it answers everything, and nothing is sent."""

    def __getattr__(self, _name: str) -> "_Unasked":
        return self

    def __call__(self, *_args: object, **_named: object) -> "_Unasked":
        return self

    def __getitem__(self, _key: object) -> "_Unasked":
        return self


class _Listing(StepList):
    """A rollback that is listed only. What depends on the plan and on the environment is theirs."""

    def __init__(self, strategy: Strategy, environment: Environment) -> None:
        super().__init__()
        self.strategy = strategy
        self.environment = environment

    @contextmanager
    def rollback(self, _name: str) -> Iterator["_Listing"]:
        """List the steps in the block, and stop there."""
        yield self
        raise _Listed

    def __getattr__(self, _name: str) -> _Unasked:
        return _Unasked()


def _listed(plan: Plan, story: Story, environment: Environment) -> dict[str, str]:
    act = getattr(import_module(f"drills.test_{story.name.replace('-', '_')}"), "rollback")._get_wrapped_function()  # noqa: B009, SLF001 - the function below @pytest.fixture
    run = _Listing(plan.strategy(story.strategy), environment)
    with suppress(_Listed):
        act(**{name: run if name == "run" else _Unasked() for name in inspect.signature(act).parameters})
    if not run.steps:
        raise ActionFailed(f"{story.name} lists no step: list them in the block of run.rollback")
    told = [TELL] if "slack" in environment.abilities else []
    return {**run.plans, **dict.fromkeys(told, "")}
