"""May more users have the new features, and do those who have them fare well?  Does the next due thing of the staged re-deployment.

Every invocation looks first, does at most one step, and says when to come back. A breach is rolled back at once.
"""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.redeploy.ramp.due import Do
from pam_rollback.redeploy.ramp.invocation import RampRun

pytestmark = [pytest.mark.ramp]


@pytest.mark.criterion("RP-3")
def test_users_fare_well(ramp: RampRun, scored: Scored) -> None:
    """Nothing broke SC-1 to SC-3 while users were watched; else the ramp was rolled back.  If red: docs/runbook.md#ramp."""
    fared = scored(ramp.fared)

    assert fared.broken == "", fared


@pytest.mark.criterion("RA-1", "RA-2", "RA-3", "RA-4")
def test_the_stages_share_of_users_has_the_features(ramp: RampRun, scored: Scored) -> None:
    """As many of 200 users have each feature as its flag says, evaluated one by one.  If red: docs/runbook.md#ramp."""
    let_in = scored(ramp.let_in)

    assert let_in.outside == (), let_in


@pytest.mark.criterion("RP-3")
def test_the_ramp_goes_on(ramp: RampRun, scored: Scored) -> None:
    """What was due was done, and nobody has to look before the next step.  If red: docs/runbook.md#ramp."""
    done = scored(ramp.progressed)

    assert done.next.do not in {Do.REFUSE, Do.ROLL_BACK}, done
