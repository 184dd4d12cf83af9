"""Where a window is judged and nobody acts, the test account writes and asks from its beginning on."""

from contextlib import suppress

import pytest

from pam_rollback.session.situations import AS_IS

_JUDGED = "held_writes"
"""The fixture that judges them."""


@pytest.hookimpl(trylast=True)
def pytest_pam_situation_begins(situation: str, request: pytest.FixtureRequest) -> None:
    """After the prober; with pytest-xdist the worker that judges the window begins with it."""
    if situation != AS_IS or hasattr(request.config, "workerinput"):
        return
    if any(_JUDGED in getattr(item, "fixturenames", ()) for item in request.session.items):
        with suppress(Exception):  # whoever asks for it gets it again: no other check has to fail for it
            # Not declared: only sessions that judge them start the writer, which lasts as long as the situation.
            request.getfixturevalue("window_writes")
