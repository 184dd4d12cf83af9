"""May the candidate be deployed again?  Its own tests in a fresh checkout, and what only a running environment can tell.

Nothing here changes the environment's database; what is switched on to be tried is switched off again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pam_rollback.base.figures import Scored

if TYPE_CHECKING:  # sessions of other phases read this file, too, and need nothing of the slice
    from pam_rollback.gate.features import Declared, Exposure
    from pam_rollback.gate.incident import IncidentRetest
    from pam_rollback.gate.migration_trial import MigrationTrial
    from pam_rollback.gate.stages import Stage
    from pam_rollback.report.earlier_runs import DrillAges

pytestmark = [pytest.mark.redeploy_gate]


@pytest.mark.criterion("GA-1", "PM-5")
def test_unit_tests_pass(stage: Stage, scored: Scored) -> None:
    """The candidate passes its unit tests.  If red: docs/runbook.md#redeployment-gate."""
    ran = scored(stage)

    assert ran.passed, ran


@pytest.mark.criterion("GA-2", "PM-5")
def test_integration_tests_pass(stage: Stage, scored: Scored) -> None:
    """The candidate passes its integration tests.  If red: docs/runbook.md#redeployment-gate."""
    ran = scored(stage)

    assert ran.passed, ran


@pytest.mark.criterion("GA-3", "PM-5")
def test_end_to_end_tests_pass(stage: Stage, scored: Scored) -> None:
    """The candidate passes its end-to-end tests.  If red: docs/runbook.md#redeployment-gate."""
    ran = scored(stage)

    assert ran.passed, ran


@pytest.mark.criterion("GA-4")
def test_accessibility_tests_pass(stage: Stage, scored: Scored) -> None:
    """The candidate passes its accessibility tests.  If red: docs/runbook.md#redeployment-gate."""
    ran = scored(stage)

    assert ran.passed, ran


@pytest.mark.criterion("GA-5")
def test_the_quality_check_passes(stage: Stage, scored: Scored) -> None:
    """The candidate passes its full quality check.  If red: docs/runbook.md#redeployment-gate."""
    ran = scored(stage)

    assert ran.passed, ran


@pytest.mark.criterion("GA-6")
def test_own_load_tests_pass(stage: Stage, scored: Scored) -> None:
    """The candidate passes the load tests that it brings along.  If red: docs/runbook.md#redeployment-gate."""
    ran = scored(stage)

    assert ran.passed, ran


@pytest.mark.criterion("RP-3")
def test_migrations_can_be_applied(migration_trial: MigrationTrial, scored: Scored) -> None:
    """The candidate's migrations go through on a copy of the database.  If red: docs/runbook.md#migrations-irreversible."""
    applied = scored(migration_trial.applied)

    assert applied.done, applied


@pytest.mark.criterion("RP-3")
def test_migrations_drop_no_data(migration_trial: MigrationTrial, scored: Scored) -> None:
    """What users wrote stands there unchanged with them, for an older release to find.  If red: docs/runbook.md#migrations-irreversible."""
    kept = scored(migration_trial.kept)

    assert kept.whole, kept


@pytest.mark.criterion("RP-3")
def test_data_is_whole_with_the_migrations(migration_trial: MigrationTrial, scored: Scored) -> None:
    """Every invariant holds on the migrated copy.  If red: docs/runbook.md#migrations-irreversible."""
    integrity = scored(migration_trial.integrity)

    assert integrity.holds, integrity


@pytest.mark.criterion("RP-3")
def test_the_deploy_can_be_taken_back(migration_trial: MigrationTrial, scored: Scored) -> None:
    """Once the migrations are taken back, schema and rows are what they were.  If red: docs/runbook.md#migrations-irreversible."""
    reversal = scored(migration_trial.reversal)

    assert reversal.reversible, reversal


@pytest.mark.criterion("RP-3")
def test_the_stable_release_works_with_the_migrations(migration_trial: MigrationTrial, scored: Scored) -> None:
    """What the release before reads and writes stands on the migrated schema.  If red: docs/runbook.md#migrations-irreversible."""
    stable = scored(migration_trial.stable_release)

    assert stable.works, stable


@pytest.mark.criterion("RP-3")
def test_the_migrations_open_no_door(migration_trial: MigrationTrial, scored: Scored) -> None:
    """The candidate's migrations open no rows to anybody.  If red: docs/runbook.md#migrations-irreversible."""
    doors = scored(migration_trial.doors)

    assert doors.none, doors


@pytest.mark.criterion("PM-1")
def test_new_features_are_behind_flags(declared_features: Declared, scored: Scored) -> None:
    """Each new feature of the candidate has a flag that is off by default.  If red: docs/runbook.md#prevention-deployment."""
    features = scored(declared_features)

    assert features.behind_flags, features


@pytest.mark.criterion("PM-1")
def test_a_deploy_gives_nobody_a_new_feature(exposure: Exposure, scored: Scored) -> None:
    """When the gate began the flags were off, and no user was served a new feature.  If red: docs/runbook.md#prevention-deployment."""
    found = scored(exposure)

    assert found.nobody, found


@pytest.mark.criterion("RP-2")
def test_the_incident_does_not_come_back(incident_tried: IncidentRetest, scored: Scored) -> None:
    """What went red in the recorded incident is measured on the candidate, under its load.  If red: docs/runbook.md#incident-comes-back."""
    incident = scored(incident_tried)

    assert incident.gone, incident


@pytest.mark.criterion("PM-10")
def test_every_strategy_was_drilled_lately(drill_ages: DrillAges, scored: Scored) -> None:
    """The newest drill of each strategy did not fail, and is young enough.  If red: docs/runbook.md#prevention-team."""
    drills = scored(drill_ages)

    assert not drills.missing, drills
