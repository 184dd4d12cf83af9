"""Is PAM healthy right now?  Reads only: safe on production."""

from collections.abc import Mapping

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.plugin.topics.checklist import FirstVerdict
from pam_rollback.probe.health import UsersReads
from pam_rollback.target.front_page import FrontPage
from pam_rollback.target.health import HealthReport
from pam_rollback.target.served_release import ExpectedReleases

pytestmark = [pytest.mark.post_rollback, pytest.mark.health]


@pytest.mark.criterion("HC-1")
def test_front_end_is_healthy(component: HealthReport) -> None:
    """The front end itself answers, and not its single-page fallback.  If red: docs/runbook.md#frontend-unhealthy."""
    assert component.problems == (), component


@pytest.mark.criterion("HC-2")
def test_back_end_is_healthy(component: HealthReport) -> None:
    """The back end's process answers.  If red: docs/runbook.md#backend-unhealthy."""
    assert component.problems == (), component


@pytest.mark.criterion("HC-3")
def test_database_is_healthy(component: HealthReport) -> None:
    """The API reaches its database.  If red: docs/runbook.md#database-unhealthy."""
    assert component.problems == (), component


@pytest.mark.criterion("HC-4")
def test_pam_is_healthy(component: HealthReport) -> None:
    """The assistant and all that it depends on work.  If red: docs/runbook.md#pam-unhealthy."""
    assert component.problems == (), component


@pytest.mark.criterion("HC-5")
def test_everything_together_is_healthy(component: HealthReport) -> None:
    """The product's own summary has no objection.  If red: docs/runbook.md#comprehensive-unhealthy."""
    assert component.problems == (), component


@pytest.mark.criterion("HC-1")
def test_front_page_is_the_site(site_page: FrontPage, scored: Scored) -> None:
    """The page and its scripts are the site, not an error answered with 200.  If red: docs/runbook.md#frontend-error-page."""
    page = scored(site_page)

    assert page.problems == (), page


@pytest.mark.criterion("HC-2")
def test_users_reads_are_answered(users_reads: UsersReads, scored: Scored) -> None:
    """What users read of the back end and of their rows is answered, to browsers too.  If red: docs/runbook.md#backend-unhealthy."""
    reads = scored(users_reads)

    assert reads.bad == {}, reads


@pytest.mark.criterion("HC-1", "HC-2")
def test_no_part_was_left_behind(releases_named: Mapping[str, str], expected_releases: ExpectedReleases) -> None:
    """Every part serves the release that its site should, and names it.  If red: docs/runbook.md#backend-unhealthy."""
    left_behind = expected_releases.left_behind(releases_named)

    assert not left_behind, expected_releases.told(releases_named)


@pytest.mark.advisory
@pytest.mark.criterion("TF-1")
def test_health_verdict_came_in_time(first_verdict: FirstVerdict, scored: Scored) -> None:
    """The first answer to "is it healthy?" came within 2 minutes of the rollback.  If red: docs/runbook.md#checks-late."""
    verdict = scored(first_verdict)

    assert verdict.came_s <= verdict.due_until_s, verdict
