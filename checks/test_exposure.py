"""Who gets in without a right, who is shown what is not theirs, and for whom does PAM fail?  Uses the declared test accounts only."""

import pytest

from pam_rollback.access.access import Access
from pam_rollback.access.affected_users import AffectedUsers
from pam_rollback.access.separation import Separation
from pam_rollback.core.figures import Scored
from pam_rollback.probe.samples import OwnAnswers
from pam_rollback.target.known_before import Judge

pytestmark = [pytest.mark.decision, pytest.mark.redeploy_gate]


@pytest.mark.security
@pytest.mark.criterion("IR-1")
def test_nobody_gets_in_without_a_right_token(access: Access, scored: Scored, known: Judge) -> None:
    """0 requests without a right token are let in, and 0 of a user at the admin API.  If red: docs/runbook.md#security-hole."""
    tried = known(scored(access))

    assert tried.let_in == 0, tried


@pytest.mark.security
@pytest.mark.writes
@pytest.mark.criterion("IR-1")
def test_nobody_sees_what_belongs_to_others(separation: Separation, scored: Scored, known: Judge) -> None:
    """0 looks of one test account show what the other one owns.  If red: docs/runbook.md#security-hole."""
    looks = known(scored(separation))

    assert looks.exposures == 0, looks


@pytest.mark.security
@pytest.mark.criterion("IR-1")
def test_no_answer_belongs_to_another_account(own_answers: OwnAnswers, scored: Scored) -> None:
    """What a user is answered is their own, also where a cache answers.  If red: docs/runbook.md#security-hole."""
    answers = scored(own_answers)

    assert answers.of_others == 0, answers


@pytest.mark.health
@pytest.mark.writes
@pytest.mark.criterion("CR-1")
def test_core_features_work_for_most_users(affected_users: AffectedUsers, scored: Scored) -> None:
    """No core feature of PAM fails for more than 25 % of the users, with 95 % confidence.  If red: docs/runbook.md#feature-fails."""
    users = scored(affected_users)

    assert users.at_least_pct <= users.limit_pct, users
