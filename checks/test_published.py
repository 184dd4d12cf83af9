"""Do visitors get the page that its host says is published?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.target.served_release import Served

pytestmark = pytest.mark.post_rollback


@pytest.mark.criterion("HC-1")
def test_visitors_get_the_published_page(published_page: Served, scored: Scored) -> None:
    """No old front end stands before a new back end: no cache keeps another deploy's page.  If red: docs/runbook.md#frontend-rollback."""
    served = scored(published_page)

    assert served.proven_by, served
