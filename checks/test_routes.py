"""Was a route of the API opened to strangers?  Asks without a token for what the API itself describes, and changes nothing."""

import pytest

from pam_rollback.access.access import Routes
from pam_rollback.core.figures import Scored

pytestmark = [pytest.mark.decision, pytest.mark.security]


@pytest.mark.criterion("IR-1")
def test_no_route_was_opened_to_strangers(routes: Routes, scored: Scored) -> None:
    """No route answers without a token that did not in the baseline.  If red: docs/runbook.md#security-hole."""
    tried = scored(routes)

    assert tried.let_in == 0, tried
