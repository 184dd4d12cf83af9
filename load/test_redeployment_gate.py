"""May the candidate be deployed again?  Its own tests in a fresh checkout, and what only a running environment can tell.

Nothing here changes the environment's database; what is switched on to be tried is switched off again.
"""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.redeploy.gate.features import Declared, Exposure
from pam_rollback.redeploy.gate.incident import IncidentRetest
from pam_rollback.redeploy.gate.migration_trial import MigrationTrial
from pam_rollback.redeploy.gate.stages import Stage
from pam_rollback.report.earlier_runs import DrillAges

pytestmark = [pytest.mark.redeploy_gate]


@pytest.mark.parametrize(
    "stage",
    [
        pytest.param("GA-1", marks=pytest.mark.criterion("GA-1", "PM-5"), id="unit"),
        pytest.param("GA-2", marks=pytest.mark.criterion("GA-2", "PM-5"), id="integration"),
        pytest.param("GA-3", marks=pytest.mark.criterion("GA-3", "PM-5"), id="end-to-end"),
        pytest.param("GA-4", marks=pytest.mark.criterion("GA-4"), id="accessibility"),
        pytest.param("GA-5", marks=pytest.mark.criterion("GA-5"), id="quality"),
        pytest.param("GA-6", marks=pytest.mark.criterion("GA-6"), id="load"),
    ],
    indirect=True,
)
def test_the_candidates_own_tests_pass(stage: Stage, scored: Scored) -> None:
    """The plan's npm script tests something and ends with exit code 0 in its time.  If red: docs/runbook.md#redeployment-gate."""
    ran = scored(stage)

    assert not ran.missing, ran
    assert ran.exit_code == 0, ran


@pytest.mark.criterion("RP-3")
def test_migrations_can_be_applied(migration_trial: MigrationTrial, scored: Scored) -> None:
    """All of the candidate's migrations go through on a copy of the database.  If red: docs/runbook.md#migrations-irreversible."""
    applied = scored(migration_trial["applied"])

    assert applied.number == 0, applied


@pytest.mark.criterion("RP-3")
def test_migrations_drop_no_data(migration_trial: MigrationTrial, scored: Scored) -> None:
    """No row or column that users wrote is gone or overwritten.  If red: docs/runbook.md#migrations-irreversible."""
    kept = scored(migration_trial["kept"])

    assert kept.number == 0, kept


@pytest.mark.criterion("RP-3")
def test_data_is_whole_with_the_migrations(migration_trial: MigrationTrial, scored: Scored) -> None:
    """No critical invariant is broken on the migrated copy.  If red: docs/runbook.md#migrations-irreversible."""
    integrity = scored(migration_trial["integrity"])

    assert integrity.number == 0, integrity


@pytest.mark.criterion("RP-3")
def test_the_deploy_can_be_taken_back(migration_trial: MigrationTrial, scored: Scored) -> None:
    """No difference is left in schema and rows once the migrations are taken back.  If red: docs/runbook.md#migrations-irreversible."""
    reversal = scored(migration_trial["reversal"])

    assert reversal.number == 0, reversal


@pytest.mark.criterion("RP-3")
def test_the_stable_release_works_with_the_migrations(migration_trial: MigrationTrial, scored: Scored) -> None:
    """Nothing that the release before reads or writes breaks on the migrated schema.  If red: docs/runbook.md#migrations-irreversible."""
    stable = scored(migration_trial["stable release"])

    assert stable.number == 0, stable


@pytest.mark.criterion("RP-3")
def test_the_migrations_open_no_door(migration_trial: MigrationTrial, scored: Scored) -> None:
    """The candidate's migrations open no rows to anybody.  If red: docs/runbook.md#migrations-irreversible."""
    doors = scored(migration_trial["doors"])

    assert doors.number == 0, doors


@pytest.mark.criterion("PM-1")
def test_new_features_are_behind_flags(declared_features: Declared, scored: Scored) -> None:
    """Each new feature of the candidate has a flag that is off by default.  If red: docs/runbook.md#prevention-deployment."""
    features = scored(declared_features)

    assert features.problems == (), features


@pytest.mark.criterion("PM-1")
def test_a_deploy_gives_nobody_a_new_feature(exposure: Exposure, scored: Scored) -> None:
    """When the gate began the flags were off, and none of 200 users had a new feature.  If red: docs/runbook.md#prevention-deployment."""
    found = scored(exposure)

    assert found.reached == (), found


@pytest.mark.criterion("RP-2")
def test_the_incident_does_not_come_back(incident_tried: IncidentRetest, scored: Scored) -> None:
    """No criterion of the recorded incident is red on the candidate, under its load.  If red: docs/runbook.md#incident-comes-back."""
    incident = scored(incident_tried)

    assert incident.back == (), incident


@pytest.mark.criterion("PM-10")
def test_every_strategy_was_drilled_lately(drill_ages: DrillAges, scored: Scored) -> None:
    """The newest drill of each strategy did not fail, and is young enough.  If red: docs/runbook.md#prevention-team."""
    drills = scored(drill_ages)

    assert not drills.missing, drills
