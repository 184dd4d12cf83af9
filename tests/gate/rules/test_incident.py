"""The incident that must not come back: what is said of looking for it."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.gate.incident import (
    CriterionRetest,
    IncidentRetest,
    RecordedIncident,
    RetestOutcome,
)

INCIDENT = RecordedIncident(("run-1",), ("IR-5", "IR-4"))


def tried(*states: RetestOutcome, loaded: bool = True) -> IncidentRetest:
    """The criteria with these states."""
    parts = tuple(CriterionRetest(f"IR-{number}", state, "words") for number, state in enumerate(states, 1))
    return IncidentRetest(INCIDENT, "1.42.0", parts, loaded=loaded)


def test_one_that_is_back_is_enough() -> None:
    """Whatever is not known of the others, and whatever the load was."""
    assert tried(RetestOutcome.GONE, RetestOutcome.BACK, RetestOutcome.UNKNOWN, loaded=False).back
    assert "comes back" in str(tried(RetestOutcome.BACK))


def test_not_known_is_not_gone() -> None:
    """Of one criterion, or of all because nothing was tried."""
    for found in (tried(RetestOutcome.GONE, RetestOutcome.UNKNOWN), tried()):
        with pytest.raises(MeasurementFailed, match="is not known"):
            found.back  # noqa: B018 - it raises


@pytest.mark.parametrize(
    "criterion", ["IR-2", "IR-4", "IR-5", "IR-6", "CR-1", "CR-5", "SC-1", "SC-2", "SC-3", "SC-5", "MT-1", "HC-2"]
)
def test_what_breaks_under_load_is_not_gone_without_a_load_test(criterion: str) -> None:
    """Under a few requests it may hide."""
    found = again(criterion, loaded=False)

    with pytest.raises(MeasurementFailed, match=f"under load, {criterion} may still come back"):
        found.back  # noqa: B018 - it raises
    assert not again(criterion, loaded=True).back


@pytest.mark.parametrize("criterion", ["IR-1", "IR-3", "SC-4", "DI-1"])
def test_what_no_load_changes_is_gone_without_one(criterion: str) -> None:
    """An open door, lost rows, a page that cannot be read."""
    assert not again(criterion, loaded=False).back


def again(criterion: str, *, loaded: bool) -> IncidentRetest:
    """An incident of that criterion, which is gone as far as it was measured."""
    gone = (CriterionRetest(criterion, RetestOutcome.GONE, "words"),)
    return IncidentRetest(RecordedIncident(("run-1",), (criterion,)), "1.42.0", gone, loaded=loaded)
