"""The stories of ``drills/``: what each needs to be known of here. A conftest.py may ``add`` its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pam_rollback.core.configuration import ConfigurationError, Problem, nearest
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
    """One file of ``drills/``: one way of one strategy, which a fixture of its name carries out there."""

    name: str
    strategy: str
    """The strategy's name in plan.toml; several ways of it share one."""
    abilities: tuple[str, ...]
    """What an environment must declare for the action to be possible there at all."""
    planted: Planted
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

_OWN = (
    Story("feature-flag", "feature-flag", ("flag_admin",), ERRORS),
    Story("gradual", "gradual", ("flag_admin",), ERRORS),
    Story("emergency", "emergency", ("emergency_endpoint",), ERRORS),
    Story("frontend-restore", "frontend", ("frontend_host",), NO_SITE),
    Story("frontend-commit", "frontend", ("frontend_host", "git"), NO_SITE, all_checks=False),
    Story("frontend-revert", "frontend", ("frontend_host", "git"), NO_SITE, all_checks=False),
    Story("backend-provider", "backend", ("backend_host",), CODE_ERRORS),
    Story("backend-commit", "backend", ("backend_host",), CODE_ERRORS, all_checks=False),
    Story("backend-branch", "backend", ("backend_host", "git"), CODE_ERRORS, all_checks=False),
    Story("full-system", "full-system", ("frontend_host", "backend_host"), CODE_ERRORS),
)
STORIES: dict[str, Story] = {story.name: story for story in _OWN}
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
    """Add ways of a strategy that are yours, when your conftest.py is read: each has its file in ``drills/`` and its way in the plan.

    Raises ConfigurationError for a name that is taken.
    """
    for story in own:
        if STORIES.setdefault(story.name, story) != story:
            taken = Problem(f"story {story.name}", "there is one of this name; call yours something else")
            raise ConfigurationError("stories of a conftest.py", [taken])
        SITUATIONS.setdefault(story.situation, story)
