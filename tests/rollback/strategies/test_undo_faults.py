"""An undo is done when users get what was there before: through the real clients.

Every way and every failure in memory: ``tests/rollback/strategies/test_provider_failures.py``.
"""

from functools import partial

import pytest

from pam_rollback.core.errors import UndoFailed
from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback import backend, undo_kinds
from pam_rollback.rollback.undo_kinds import CLEAR_FAULTS
from tests.rollback.strategies.scene import Scene


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users need not be waited for as long as in earnest, which is a minute."""
    for module, name in ((undo_kinds, "Frontend"), (backend, "ApiService")):
        monkeypatch.setattr(module, name, partial(getattr(module, name), served_within_s=5.0))


def test_an_undo_that_users_of_the_api_do_not_get_is_none(scene: Scene, soon: None) -> None:
    """The host says that the release of before is live, and another answers now and then, as from an instance that was left.

    Planted on purpose it is no reason: what was planted is cleared away afterwards.
    """
    before = scene.world()
    assert scene.perform("backend-provider").exit_code is ExitCode.GO
    scene.range.remote.plant("answers-of-two-builds", server="api", path="/version")

    with pytest.raises(UndoFailed, match="what was there before is served again: not stable"):
        scene.undo()

    assert scene.journal.owed() != []
    planted = scene.journal.owe(CLEAR_FAULTS, {})
    scene.undo()
    assert planted not in scene.journal.owed()
    assert scene.journal.owed() == []
    assert scene.until(before) == before


def test_an_undo_that_visitors_do_not_get_is_none(scene: Scene, soon: None) -> None:
    """The host publishes what was there before, and its cache has the rollback's page still. Said until visitors have it."""
    before = scene.world()
    assert scene.perform("frontend-restore").exit_code is ExitCode.GO
    scene.range.remote.plant("old-page-served", release="stable")

    with pytest.raises(UndoFailed, match="what was there before is served again: not stable"):
        scene.undo()

    assert scene.journal.owed() != []
    scene.range.remote.clear_all()
    scene.undo()
    assert scene.journal.owed() == []
    assert scene.until(before) == before
