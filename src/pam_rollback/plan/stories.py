"""The stories of ``drills/``: what each needs to be known of here. One from outside comes by the hook ``pytest_pam_stories``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pam_rollback.base.configuration import ConfigurationError, Problem, nearest
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import RecoveryTime, Strategy


@dataclass(frozen=True)
class Planted:
    """The incident of a drill: a fault of the sandbox's catalogue, and on which journeys it is seen."""

    fault: str
    what: str
    """What users notice, in words."""
    parameters: Mapping[str, str | float] = field(default_factory=dict)
    journeys: tuple[str, ...] = ()
    """The journeys whose error rate shows it; none named: all that users make together."""


@dataclass(frozen=True)
class Story:
    """One file of ``drills/``: one way of one strategy."""

    name: str
    strategy: str
    """The strategy's name in plan.toml; several ways of it share one."""
    abilities: tuple[str, ...]
    """What an environment must declare for the action to be possible there at all."""
    planted: Planted
    fixture: str = ""
    """Who brings the situation about; empty: the fixture of its name, in its drill."""
    steps_at: str | tuple[str, ...] = ""
    """Its steps, or where they are: a module of ``rollback``, and the name there of a tuple, or of what makes one of shares."""
    changing_at: str = ""
    """Where the step is, likewise, that brings the plan's flags about."""
    all_checks: bool = True
    """False for a secondary way of a strategy: a drill has health, data and one journey checked after it. A real rollback has all."""

    @property
    def sites(self) -> frozenset[str]:
        """The sites that it may take back to another release."""
        of_ability = {"frontend_host": "frontend", "backend_host": "backend", "emergency_endpoint": "backend"}
        return frozenset(of_ability[ability] for ability in self.abilities if ability in of_ability)

    @property
    def situation(self) -> str:
        """The state of the world after it."""
        return f"after-{self.name}"


def objective_of(plan: Plan, story: Story) -> RecoveryTime:
    """The recovery time objective of the story's strategy.

    The plan gives the emergency call none. It switches flags, as the first strategy does, and is held against that one's objective.
    """
    own = plan.strategy(story.strategy)
    return plan.rto(own.name if own.rto is not None else "feature-flag")


def first_way(strategy: Strategy) -> str:
    """The story to begin with: the way that the plan names first, of those that there is a story of. Empty when there is none."""
    return next((name for name in strategy.ways if name in STORIES), "")


def no_such_story(story: str, plan: Plan) -> str:
    """What to say of a story that is not known: which ways there are, by the plan, and what the nearest does."""
    known = [name for name in plan.ways if name in STORIES]
    near = nearest(story, known)
    meant = f", did you mean {near} ({plan.ways[near].title})?" if near else ";"
    return f"STORY={story}: no such story{meant} There are {', '.join(known)}"


def preferred(plan: Plan) -> str:
    """The story of the strategy that the plan prefers: the first that it names. Its first way, where it has several."""
    return first_way(next(iter(plan.strategies.values())))


ROUTER_FAILS = Planted("router-fails", "errors for a share of the requests while the model router is on")
"""In place of ``ERRORS`` where features are switched by what the contract names."""
ERRORS = Planted("errors", "errors for a share of the requests of users with PAM_ENHANCED_UI")

CODE_ERRORS = Planted("code-errors", "errors for a share of all requests, whatever the flags say", {"share": 0.5})
NO_SITE = Planted("site-missing", "visitors get no page", journeys=("front page",))

STORIES: dict[str, Story] = {
    story.name: story
    for story in (
        Story(
            name="feature-flag",
            strategy="feature-flag",
            fixture="feature_flags_rolled_back",
            abilities=("flag_admin",),
            planted=ERRORS,
            steps_at="feature_flag:STEPS",
            changing_at="feature_flag:SWITCH",
        ),
        Story(
            name="gradual",
            strategy="gradual",
            fixture="features_taken_back",
            abilities=("flag_admin",),
            planted=ERRORS,
            steps_at="gradual:planned_steps",
            changing_at="gradual:LAST",
        ),
        Story(
            name="emergency",
            strategy="emergency",
            fixture="emergency_called",
            abilities=("emergency_endpoint",),
            planted=ERRORS,
            steps_at="emergency:STEPS",
        ),
        Story(
            name="frontend-restore",
            strategy="frontend",
            abilities=("frontend_host",),
            planted=NO_SITE,
        ),
        Story(
            name="frontend-commit",
            strategy="frontend",
            fixture="site_rebuilt",
            abilities=("frontend_host", "git"),
            planted=NO_SITE,
            steps_at="frontend:COMMIT_STEPS",
            all_checks=False,
        ),
        Story(
            name="frontend-revert",
            strategy="frontend",
            fixture="site_reverted",
            abilities=("frontend_host", "git"),
            planted=NO_SITE,
            steps_at="frontend:REVERT_STEPS",
            all_checks=False,
        ),
        Story(
            name="backend-provider",
            strategy="backend",
            fixture="service_rolled_back",
            abilities=("backend_host",),
            planted=CODE_ERRORS,
            steps_at="backend:DEPLOY_STEPS",
        ),
        Story(
            name="backend-commit",
            strategy="backend",
            fixture="service_rebuilt",
            abilities=("backend_host",),
            planted=CODE_ERRORS,
            steps_at="backend:DEPLOY_STEPS",
            all_checks=False,
        ),
        Story(
            name="backend-branch",
            strategy="backend",
            fixture="service_on_emergency_branch",
            abilities=("backend_host", "git"),
            planted=CODE_ERRORS,
            steps_at="backend:BRANCH_STEPS",
            all_checks=False,
        ),
        Story(
            name="full-system",
            strategy="full-system",
            fixture="system_rolled_back",
            abilities=("frontend_host", "backend_host"),
            planted=CODE_ERRORS,
            steps_at="full_system:STEPS",
        ),
    )
}

SITUATIONS: dict[str, Story] = {story.situation: story for story in STORIES.values()}
"""The stories by the situation that they bring about."""

NOT_JUDGED = "recovery from damage not judged"
"""What limits the verdict of a drill in which nothing was planted."""
SHORT_KINDS = frozenset({"health", "integrity"})
SHORT_JOURNEY = "test_pam_answers"
"""What is checked after a secondary way of a strategy in a drill."""


def ways_of(plan: Plan) -> dict[str, dict[str, str]]:
    """Of each strategy its ways: a story's name, under which its steps are journaled, and the situation that it leads to."""
    return {
        strategy.name: {story.name: story.situation for story in STORIES.values() if story.strategy == strategy.name}
        for strategy in plan.strategies.values()
    }


def add(own: Iterable[Story]) -> None:
    """Take those from outside. Raises ConfigurationError for a name that is taken."""
    for story in own:
        if STORIES.setdefault(story.name, story) != story:
            taken = Problem(f"story {story.name}", "there is one of this name; call yours something else")
            raise ConfigurationError("pytest_pam_stories", [taken])
        SITUATIONS.setdefault(story.situation, story)
