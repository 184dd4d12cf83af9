"""The suite's own hooks: what a slice, or a product's own conftest.py, is asked and told. docs/architecture.md lists them.

pytest takes a function for a hook only when its name begins with ``pytest_``. Each hook has its tests in tests/plugin/test_hookspecs.py,
named after it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pam_rollback.core.environment import Environment


def pytest_pam_run_notes(run_folder: Path) -> str | None:
    """Give a line for the notes of a real run that began an action, such as what to do next.

    Asked before its record is written: whoever answers looks at nothing outside. What fails in it is named in the notes.
    """


def pytest_pam_run_ended(run_folder: Path, environment: "Environment") -> str | None:
    """A real run that began an action is over: its verdict is shown and its record written. Give what to say on the terminal, if anything.

    Nobody waits for what is done here. A session that somebody asked to stop does not call it. What fails in it is named on the terminal.
    """


@pytest.hookspec(firstresult=True)
def pytest_pam_criterion_retest(criterion: str, request: pytest.FixtureRequest) -> tuple[bool, str] | None:
    """At the gate: measure a criterion that went red in a recorded incident once more. Give whether it is good now, and figures in words.

    ``request`` gives fixtures by name. Give None for a criterion that is another one's. Raise MeasurementFailed when it cannot be told:
    then it is neither gone nor back. The first answer counts, that of a conftest.py before the suite's own.
    """
