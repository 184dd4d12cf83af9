"""Answers tell how it was before from the moment on at which they are waited for, whatever else is done in between."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pam_rollback.observation.fixtures.experience import answers_from_s, baseline_answers
from pam_rollback.plan.plan import load_plan
from tests.plan.plan_scene import Waits, Watched, asked, call, environment, quiet

PLAN = load_plan(Path(__file__).parents[2] / "plan.toml")
BEGAN_S, BAD_UNTIL_S = 300, 200


def test_they_are_counted_from_the_beginning() -> None:
    """What came in meanwhile counts, and nothing from before it does."""
    watched = Watched(lambda at: at < BAD_UNTIL_S, for_s=BEGAN_S + 650)
    clock = SimpleNamespace(monotonic_s=lambda: float(BEGAN_S))

    begun: Any = call(answers_from_s, observation=watched, clock=clock)
    recorded = call(
        baseline_answers,
        environment=environment(),
        plan=PLAN,
        observation=watched,
        answers_from_s=begun,
        waiter=Waits(),
        request=asked(progress=quiet()),
    )

    answers = recorded.fields["overall"]
    assert (answers.n, answers.errors) == (650, 0)
