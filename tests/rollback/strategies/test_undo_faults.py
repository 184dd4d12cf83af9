"""What cannot be put back is said, with what a person must do: through the real clients.

Every way and every failure in memory: ``tests/rollback/strategies/test_provider_failures.py``.
"""

from functools import partial

import pytest

from pam_rollback.base.errors import UndoFailed
from pam_rollback.report.verdict import ExitCode, classify
from pam_rollback.rollback.service import undo_kinds
from pam_rollback.rollback.service.undo_kinds import CLEAR_FAULTS
from tests.rollback.strategies.scene import Scene

NETLIFY, RENDER, GIT = "netlify-answers", "render-deploys", "repository"
CASES = [
    ("backend-provider", RENDER, "rollback", "a person must run the deploy", {"auto_deploy": "commit"}),
    ("backend-provider", RENDER, "patch", "with automatic deploys on", {"api": "1.42.0"}),
    ("backend-provider", RENDER, "list", "a person must run the deploy", {"auto_deploy": "commit"}),
    ("backend-branch", RENDER, "rollback", "from the branch main", {"branch": "main", "auto_deploy": "commit"}),
    ("backend-branch", RENDER, "patch", "from the branch main", {"api": "1.42.0"}),
    ("frontend-restore", NETLIFY, "restore", "a person must publish the deploy", {}),
    ("frontend-restore", NETLIFY, "lock", "and unlock it", {"site": "1.42.0"}),
    ("frontend-restore", NETLIFY, "deploys", "and unlock it", {"site": "1.42.0", "locked": False}),
    ("full-system", NETLIFY, "all", "the front end is not as it was", {"api": "1.42.0", "flags_on": True}),
    ("full-system", RENDER, "all", "the back end is not as it was", {"site": "1.42.0", "flags_on": True}),
]
SHORT = ("full-system", RENDER, "all")
KINDS = ("error-403", "error-409", "error-422", "error-404")


@pytest.mark.parametrize(
    ("strategy", "provider", "operation", "words", "back"),
    [
        pytest.param(
            *case,
            id="-".join(case[:3]),
            marks=() if case[:3] == SHORT else pytest.mark.long_matrix,
        )
        for case in reversed(CASES)
    ],
)
def test_an_undo_that_fails_says_so_and_is_finished_later(
    scene: Scene, strategy: str, provider: str, operation: str, words: str, back: dict[str, object]
) -> None:
    """14; the other parts are back already, and nothing is called done that is not."""
    before = scene.world()
    assert scene.perform(strategy).exit_code is ExitCode.GO
    owed = len(scene.journal.owed())
    scene.range.remote.plant(provider, what=KINDS[len(operation) % len(KINDS)], operation=operation)

    with pytest.raises(UndoFailed, match=words) as failed:
        scene.undo()

    assert classify(failed.value, in_test_body=False).exit_code is ExitCode.UNDO_FAILED
    assert 1 <= len(scene.journal.owed()) <= owed
    scene.range.remote.clear_all()
    now = scene.world()
    assert {name: getattr(now, name) for name in back} == back, failed.value
    assert now != before or operation == "deploys"
    scene.undo()
    assert scene.journal.owed() == []
    assert scene.until(before) == before


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users need not be waited for as long as in earnest, which is a minute."""
    for name in ("FrontendTools", "BackendTools"):
        monkeypatch.setattr(undo_kinds, name, partial(getattr(undo_kinds, name), served_within_s=5.0))


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
