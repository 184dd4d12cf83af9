"""Is there a way back, for the release and for what would be lost meanwhile?  Reads only."""

from collections.abc import Mapping

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.preflight.ways import Readiness

pytestmark = pytest.mark.preflight


def test_there_is_a_way_back(readiness: Mapping[str, Readiness], scored: Scored) -> None:
    """At least one way of rolling back is ready.  If red: docs/runbook.md#not-ready."""
    way_back = scored(readiness["way back"])

    assert way_back.ready, way_back


def test_lost_rows_could_come_back(readiness: Mapping[str, Readiness], scored: Scored) -> None:
    """There is a copy of the database, and how old it is is known.  If red: docs/runbook.md#not-ready."""
    backup = scored(readiness["backup"])

    assert backup.ready, backup
