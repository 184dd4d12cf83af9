"""Late is later than the plan's end of the frame; early is no fault."""

import pytest

from pam_rollback.plugin.topics.checklist import FirstVerdict


@pytest.mark.parametrize(
    ("came_s", "in_time"),
    [(-0.5, True), (0.0, True), (119.9, True), (120.0, True), (120.001, False), (700.0, False)],
)
def test_a_verdict_may_come_until_the_end_of_its_frame(came_s: float, *, in_time: bool) -> None:
    """The end counts in."""
    verdict = FirstVerdict("health checks", came_s, 120, "the end of the rollback")

    assert (verdict.came_s <= verdict.due_until_s) is in_time
