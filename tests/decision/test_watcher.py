"""What a watcher's findings carry beside their words: the parts that fail, and what no rollback lifts."""

from pathlib import Path

import pytest

from pam_rollback.decision.fixtures.decision import Watcher
from pam_rollback.decision.rules.decision import State, decide
from pam_rollback.plan.plan import load_plan
from tests.plan.plan_scene import Watched

PLAN = load_plan(Path(__file__).resolve().parents[2] / "plan.toml")


@pytest.mark.parametrize(
    ("every", "status", "parts", "outside", "begin"),
    [
        (1, 503, ("front end", "back end"), (), "ST-5"),
        (1, 403, ("front end", "back end"), ("edge",), ""),
        (2, 503, ("back end",), (), "ST-4"),
    ],
    ids=["all is down", "everybody is refused", "the back end is down"],
)
def test_what_is_found_leads_to_the_advice(
    every: int, status: int, parts: tuple[str, ...], outside: tuple[str, ...], begin: str
) -> None:
    """From the samples of both parts to the strategy to begin with."""
    bad = Watched(lambda at: every == 1 or at % 2 == 1, status=status)
    seen = Watcher(bad, PLAN, 1.0, None).seen(0).watch  # type: ignore[arg-type]
    advice = decide(PLAN, [one.finding for one in seen.all], observed={}, vouched={}).advice

    for found in (seen.downtime.finding, seen.errors.finding):
        assert (found.state, found.parts, found.outside) == (State.HOLDS, parts, outside)
    assert advice is not None
    assert (advice.strategy.id if advice.strategy else "") == begin
