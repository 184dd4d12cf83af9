"""A provider fails at a step of a strategy, through the real clients: the step fails, what helps users is done, nothing is claimed.

Each failure at each step of each strategy: ``tests/rollback/strategies/test_provider_failures.py``.
"""

import pytest

from pam_rollback.plan.stories import STORIES
from tests.rollback.strategies.conftest import MakeScene
from tests.rollback.strategies.expectations import ROWS, Row, cases, is_done_unread
from tests.rollback.strategies.judged import EMERGENCY, judge
from tests.rollback.strategies.scene import STABLE


def test_every_strategy_of_a_provider_has_its_rows() -> None:
    """A new one is not in use before it has met their failures."""
    hosted = {story.name for story in STORIES.values() if {"frontend_host", "backend_host"} & set(story.abilities)}

    assert hosted <= {row.strategy for row in ROWS}


@pytest.mark.parametrize(("row", "kind"), cases())
def test_a_provider_fails(make_scene: MakeScene, row: Row, kind: str) -> None:
    """As the table says; afterwards the journal is whole, and the undo brings everything back."""
    scene = make_scene(
        live_within_s=4.0 if row.operation == "get" else 20.0,
        # A host that hangs is waited for so long by each step. All reads share a limit of requests: who was refused one waits up to 8 s.
        patience_s=3.0 if kind == "hangs" else 10.0,
    )
    before = scene.world()
    if row.strategy == EMERGENCY:
        scene.range.remote.plant("release-down", how="killed")
    scene.range.remote.plant(row.provider, what=kind, operation=row.operation)

    ended = scene.perform(row.strategy)

    helped = row.helps or (row.done_unread_helps and is_done_unread(row, kind))
    judge(scene, row, ended, helped=helped, good=STABLE)
    scene.range.remote.clear(row.provider)
    if row.strategy == EMERGENCY:
        # The sandbox starts the product again when its fault goes: not while a deploy that nobody could see replaces it.
        scene.until_settled()
    scene.range.remote.clear_all()
    scene.undo()
    assert scene.until(before) == before
