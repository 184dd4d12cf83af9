"""Every check runs in a situation: as it is, or after a story's rollback."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def state_of_the_world(in_situation: object) -> None:
    """Entered once, before the first check; left after the last one."""
