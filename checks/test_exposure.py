"""Who gets in without a right, who is shown what is not theirs, and for whom does PAM fail?  Uses the declared test accounts only."""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.environment.known_before import Judge
from pam_rollback.exposure.access import Access
from pam_rollback.exposure.affected_users import AffectedUsers
from pam_rollback.exposure.separation import Separation
from pam_rollback.observation.samples import OwnAnswers

pytestmark = [pytest.mark.decision, pytest.mark.redeploy_gate]


@pytest.mark.security
@pytest.mark.criterion("IR-1")
def test_nobody_gets_in_without_a_right_token(access: Access, scored: Scored, known: Judge) -> None:
    """Missing, made-up, forged and expired tokens are refused, and the admin API refuses users.  If red: docs/runbook.md#security-hole."""
    found = known(scored(access))

    assert found.closed, found


@pytest.mark.security
@pytest.mark.writes
@pytest.mark.criterion("IR-1")
def test_nobody_sees_what_belongs_to_others(separation: Separation, scored: Scored, known: Judge) -> None:
    """What one test account owns, the other one is never shown.  If red: docs/runbook.md#security-hole."""
    found = known(scored(separation))

    assert found.holds, found


@pytest.mark.security
@pytest.mark.criterion("IR-1")
def test_no_answer_belongs_to_another_account(own_answers: OwnAnswers, scored: Scored) -> None:
    """What a user is answered is their own, also where a cache answers.  If red: docs/runbook.md#security-hole."""
    found = scored(own_answers)

    assert found.all_own, found


@pytest.mark.health
@pytest.mark.writes
@pytest.mark.criterion("CR-1")
def test_core_features_work_for_most_users(affected_users: AffectedUsers, scored: Scored) -> None:
    """No core feature of PAM fails for more of the users than the plan bears.  If red: docs/runbook.md#feature-fails."""
    found = scored(affected_users)

    assert found.few, found
