"""The tests of the way back run as it is: on the candidate, before and while it goes to users again."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def state_of_the_world(in_situation: object) -> None:
    """Entered once, before the first test; left after the last one."""
