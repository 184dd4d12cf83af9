"""Whether the configuration is complete, as a fixture: what was found when the tests of the plan were collected."""

from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.connect.doctor import PLUGIN, Completeness
from pam_rollback.session.titles import titled


@pytest.fixture(scope="session")
@titled("What of the plan can be judged here")
def completeness(pytestconfig: pytest.Config) -> Completeness:
    """Every plan item. Raises MeasurementFailed while some cannot be judged: that is a gap in what we know, and no broken product."""
    doctor: Any = pytestconfig.pluginmanager.get_plugin(PLUGIN)
    found: Completeness = doctor.found()
    if not found.complete:
        raise MeasurementFailed(str(found))
    return found
