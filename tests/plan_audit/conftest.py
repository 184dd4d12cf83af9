"""What the tests of the audit share."""

from collections.abc import Iterator

import pytest

from tests.plan_audit.recorder import Recorder, recorder


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Whatever the plan sends a request to."""
    with recorder() as running:
        yield running
