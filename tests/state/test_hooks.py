"""What a state that cannot be read makes unknown: what rests on the absence of a record."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.ops.state.hooks import KeptElsewhere, Unread


def session_of(marker: str) -> Any:
    """A session that asks for this phase."""
    return SimpleNamespace(option=SimpleNamespace(markexpr=marker))


@pytest.mark.parametrize(("marker", "unknown"), [("redeploy_gate", True), ("readiness", True), ("health", False)])
def test_no_record_is_not_read_as_nothing_happened(marker: str, unknown: bool) -> None:  # noqa: FBT001 - a case
    """The incident of yesterday, or a rollback without its post-mortem, may be on record elsewhere."""
    found = Unread(["git: no answer"]).pytest_pam_incomplete(session_of(marker))

    assert found == (["git: no answer"] if unknown else [])
    assert Unread([]).pytest_pam_incomplete(session_of(marker)) == []


def test_a_ramp_does_not_go_on_without_it() -> None:
    """Its journal may say elsewhere that it was rolled back. Other sessions go on."""
    ramp: Any = SimpleNamespace(config=session_of("ramp"))
    with pytest.raises(
        MeasurementFailed, match="what other machines know of this ramp is not known here: git: no answer"
    ):
        Unread(["git: no answer"]).pytest_pam_situation_begins(ramp)

    Unread([]).pytest_pam_situation_begins(ramp)
    Unread(["git: no answer"]).pytest_pam_situation_begins(SimpleNamespace(config=session_of("rollback")))  # type: ignore[arg-type]
    assert issubclass(KeptElsewhere, Unread)
