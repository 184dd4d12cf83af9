"""Is PAM healthy right now?  Reads only: safe on production."""

from collections.abc import Callable

import pytest

from pam_rollback.core.health import HealthReport
from pam_rollback.core.time_frames import FirstVerdict
from pam_rollback.plugin.fixtures.health import Health

pytestmark = [pytest.mark.post_rollback, pytest.mark.health]

Scored = Callable[[HealthReport], HealthReport]


@pytest.mark.criterion("HC-1")
def test_front_end_is_healthy(health: Health, scored: Scored, expected_release: str) -> None:
    """The front end itself answers, and not its single-page fallback.  If red: docs/runbook.md#frontend-unhealthy."""
    report = scored(health.frontend)

    assert report.status == "healthy", report
    assert report.http_status == 200, report
    assert report.runs(expected_release), report.release_problem(expected_release)


@pytest.mark.criterion("HC-2")
def test_back_end_is_healthy(health: Health, scored: Scored, expected_release: str) -> None:
    """The back end's process answers.  If red: docs/runbook.md#backend-unhealthy."""
    report = scored(health.backend)

    assert report.status == "healthy", report
    assert report.http_status == 200, report
    assert report.runs(expected_release), report.release_problem(expected_release)


@pytest.mark.criterion("HC-3")
def test_database_is_healthy(health: Health, scored: Scored, expected_release: str) -> None:
    """The API reaches its database.  If red: docs/runbook.md#database-unhealthy."""
    report = scored(health.database)

    assert report.status == "healthy", report
    assert report.http_status == 200, report
    assert report.runs(expected_release), report.release_problem(expected_release)


@pytest.mark.criterion("HC-4")
def test_pam_is_healthy(health: Health, scored: Scored, expected_release: str) -> None:
    """The assistant and all that it depends on work.  If red: docs/runbook.md#pam-unhealthy."""
    report = scored(health.pam)

    assert report.status == "healthy", report
    assert report.http_status == 200, report
    assert report.runs(expected_release), report.release_problem(expected_release)


@pytest.mark.criterion("HC-5")
def test_everything_together_is_healthy(health: Health, scored: Scored, expected_release: str) -> None:
    """The product's own summary has no objection.  If red: docs/runbook.md#comprehensive-unhealthy."""
    report = scored(health.comprehensive)

    assert report.status == "healthy", report
    assert report.http_status == 200, report
    assert report.runs(expected_release), report.release_problem(expected_release)


@pytest.mark.criterion("HC-2")
def test_every_part_runs_the_same_release(health: Health) -> None:
    """No part was left behind by a deploy or a rollback.  If red: docs/runbook.md#backend-unhealthy."""
    releases = {report.name: report.release for report in health.all}

    assert len(set(releases.values())) == 1, releases
    assert all(releases.values()), f"a part names no release: {releases}"


@pytest.mark.advisory
@pytest.mark.criterion("TF-1")
def test_health_verdict_came_in_time(
    first_verdict: FirstVerdict, scored: Callable[[FirstVerdict], FirstVerdict]
) -> None:
    """The first answer to "is it healthy?" came while the plan waits for it.  If red: docs/runbook.md#checks-late."""
    verdict = scored(first_verdict)

    assert verdict.in_time, verdict
