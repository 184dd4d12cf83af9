"""Where a rollback of code can be killed: at each line of its journal."""

from collections.abc import Iterator
from pathlib import Path

from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES
from pam_rollback.rollback import backend, frontend, full_system
from pam_rollback.rollback.full_system import BACK, FRONT
from pam_rollback.rollback.planned import steps_of

PLAN = load_plan(Path(__file__).resolve().parents[3] / "plan.toml")
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


def boundaries(strategy: str) -> Iterator[str]:
    """The middle of it first: what is under way there is the hardest."""
    changing = CHANGING[strategy]
    yield f"step-done {changing[-1]}"
    yield from (f"undo-owed {kind}" for kind in OWED[strategy])
    yield from (f"step-started {step}" for step in steps_of(PLAN, STORIES[strategy]))
    yield from (f"step-done {step}" for step in changing[:-1])
