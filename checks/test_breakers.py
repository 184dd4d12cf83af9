"""Are failures isolated, and is nothing isolated any more?  Reads only: health reports, and how the circuit breakers stand."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.plugin.topics.health import CircuitBreakers

pytestmark = [pytest.mark.post_rollback]


@pytest.mark.criterion("PM-9")
def test_no_circuit_breaker_is_open(circuit_breakers: CircuitBreakers, scored: Scored) -> None:
    """Each circuit breaker is closed, and there is one at least.  If red: docs/runbook.md#prevention-monitoring."""
    breakers = scored(circuit_breakers)

    assert {*breakers.states.values()} == {"CLOSED"}, breakers
