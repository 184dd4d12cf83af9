"""Where a rollback of code can be killed: at each line of its journal."""

from collections.abc import Iterator, Sequence

from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.rollback.step_list import planned_steps
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.rollback.strategies.titles import BACK, FRONT, backend, frontend, full_system
from tests.sessions import ROOT

PLAN = load_plan(ROOT / "plan.toml")
SANDBOX = load_environment("sandbox", ROOT / "environments", {})
STRATEGIES = ("frontend-restore", "backend-provider", "full-system")
CHANGING = {
    "frontend-restore": (frontend.RESTORE, frontend.LOCK),
    "backend-provider": (backend.OFF, backend.DEPLOY),
    "full-system": (full_system.FLAGS, FRONT + frontend.RESTORE, BACK + backend.OFF, BACK + backend.DEPLOY),
}
OWED = {
    "frontend-restore": ("publish-deploy",),
    "backend-provider": ("run-deploy",),
    "full-system": ("set-flags", "publish-deploy", "run-deploy"),
}


def steps_of_drill(plan: Plan, story: str, environment: Environment) -> Sequence[str]:
    """The steps of one drill, in order."""
    return [planned.step for planned in planned_steps(plan, [story], environment)]


def boundaries(strategy: str) -> Iterator[str]:
    """The middle of it first: what is under way there is the hardest."""
    changing = CHANGING[strategy]
    yield f"step-done {changing[-1]}"
    yield from (f"undo-owed {kind}" for kind in OWED[strategy])
    yield from (f"step-started {step}" for step in steps_of_drill(PLAN, strategy, SANDBOX))
    yield from (f"step-done {step}" for step in changing[:-1])
