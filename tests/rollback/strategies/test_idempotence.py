"""Each strategy helps, changes nothing when it is done again, says so, and is undone to how it was: with the real clients.

The rule is run for every strategy in memory (``tests/rollback/strategies/test_provider_failures.py``).
"""

import pytest

from pam_rollback.report.verdict import ExitCode
from tests.rollback.strategies.conftest import MakeScene
from tests.rollback.strategies.performed import STRATEGIES
from tests.rollback.strategies.scene import STABLE

SITE = {"frontend-restore", "frontend-commit", "frontend-revert", "full-system"}
API = {"backend-provider", "backend-commit", "backend-branch", "frontend-revert", "full-system"}
"""A push to main deploys both sites."""


@pytest.mark.long_matrix
@pytest.mark.parametrize("strategy", sorted((name for name in STRATEGIES if name != "emergency"), reverse=True))
def test_twice_is_once(make_scene: MakeScene, strategy: str) -> None:
    """The second time, by another run, no provider is asked to change anything; the facts say that nothing was changed."""
    first = make_scene("first.jsonl")
    before = first.world()
    once = first.perform(strategy)

    assert once.exit_code is ExitCode.GO, once.error
    assert once.named("failed") == once.named("not done") == set()
    assert once.facts.changed
    assert first.changes
    assert first.unowed == []
    assert first.journal.gaps == []
    assert (first.site_release() == STABLE) is (strategy in SITE)
    assert (first.api_release() == STABLE) is (strategy in API)

    # As the fixtures do: what users get now is what the second run finds bad.
    is_revert = strategy in {"frontend-revert", "backend-branch"}
    bad = (getattr(once.facts, "commit", "") or once.facts.live.commit) if is_revert else ""
    second = make_scene("second.jsonl", found_bad=bad)
    helped = second.world()
    twice = second.perform(strategy)

    assert twice.exit_code is ExitCode.GO, twice.error
    assert not twice.facts.changed
    assert second.changes == []
    assert second.journal.owed() == []
    assert second.journal.gaps == []
    assert second.world() == helped

    first.undo()
    assert first.until(before) == before
