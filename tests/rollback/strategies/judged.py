"""What came of an action under a failure, held against the table: the same in memory and through the real clients."""

from collections.abc import Mapping
from typing import Protocol

from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback.steps import StepsFailed
from tests.rollback.strategies.expectations import PROVIDERS, Row
from tests.rollback.strategies.performed import Ended

EMERGENCY = "emergency"


class Judged(Protocol):
    """Where an action was done: hosts in memory, or a sandbox."""

    @property
    def unowed(self) -> list[str]:
        """Changes that were asked for before their undo stood in the journal."""

    def open_steps(self) -> Mapping[str, int]:
        """Steps of the journal that began and have no end, or more than one."""

    def site_release(self) -> str:
        """What visitors get."""

    def api_release(self) -> str:
        """What answers at the API's address."""


def judge(world: Judged, row: Row, ended: Ended, *, helped: bool, good: str) -> None:
    """Hold what came of it against the table; ``good`` is what the stable release is called there."""
    if helped:
        assert ended.exit_code is ExitCode.GO, ended.error
        assert not any(step.essential for step in ended.steps if not step.done) or row.strategy == EMERGENCY
    else:
        assert isinstance(ended.error, StepsFailed)
        assert ended.exit_code is ExitCode.ACTION_FAILED
        assert PROVIDERS[row.provider] in str(ended.error)
        assert ended.named("failed") == row.failed, ended.error
        assert ended.named("not done") == row.left_out, ended.error
    assert world.open_steps() == {}
    assert world.unowed == []
    for release, stable in ((world.site_release, row.site), (world.api_release, row.api)):
        # What users get is what the action says.
        assert stable is None or (release() == good) is (stable or helped)
