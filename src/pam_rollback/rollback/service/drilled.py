"""Which drills measured the recovery time of each strategy."""

from pam_rollback.plan.plan import Plan
from pam_rollback.report.past_drills import Sought
from pam_rollback.rollback.service.stories import STORIES, Story


def sought(plan: Plan) -> dict[str, Sought]:
    """By strategy, which drills measured its recovery time: those of all its ways."""
    ways: dict[str, list[Story]] = {}
    for story in STORIES.values():
        ways.setdefault(story.strategy, []).append(story)
    found: dict[str, Sought] = {}
    for name, stories in ways.items():
        strategy = plan.strategy(name)
        found[name] = Sought(strategy.rto or strategy.id, [story.situation for story in stories])
    return found
