"""The load of a recorded incident is the most that is known of it."""

from pathlib import Path

import pytest

from pam_rollback.gate.rules.incident import RecordedIncident
from pam_rollback.gate.service.incident_choice import under_its_load
from tests.gate.scene import leave_counted, leave_probed

INCIDENT = RecordedIncident("run-1", ("IR-5",))
COUNTER = "Prometheus at http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("counted_hz", "probed_hz", "known"),
    [
        (40, 15, (40, COUNTER, True)),
        (14, 15, (15, "its own probes", True)),
        (4, 15, (15, "its own probes", False)),
        (40, None, (40, COUNTER, True)),
        (None, 15, (15, "its own probes", False)),
        (None, None, (None, "", False)),
    ],
)
def test_the_most_that_is_known_is_the_load(
    counted_hz: float | None, probed_hz: float | None, known: tuple[float | None, str, bool], tmp_path: Path
) -> None:
    """A count that is far below what the run itself asked for is short, or of another process: users were not counted."""
    if counted_hz is not None:
        leave_counted(tmp_path, counted_hz)
    if probed_hz is not None:
        leave_probed(tmp_path, probed_hz)

    found = under_its_load(INCIDENT, tmp_path)

    assert (found.rate_hz, found.counted_by, found.users_counted) == known
