"""What the tests of the audit share."""

import shutil
from collections.abc import Iterator

import pytest

from tests.plan_audit.recorder import Recorder, recorder

TOOLS = ("bash", "curl", "dash", "git", "jq")
"""What the plan's commands are made of."""


@pytest.fixture(autouse=True, scope="session")
def tools() -> None:
    """They are run as they stand there, so their programs have to be here."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    assert not missing, f"install {', '.join(missing)}: the plan's commands are run as they stand there"


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Whatever the plan sends a request to."""
    with recorder() as running:
        yield running
