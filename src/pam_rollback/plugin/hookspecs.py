"""The suite's own hooks: what a slice, or a product's own conftest.py, is asked and told. docs/architecture.md lists them.

pytest takes a function for a hook only when its name begins with ``pytest_``. Each hook has its tests in tests/plugin/test_hookspecs.py,
named after it. What fails in whoever listens changes neither the verdict nor the record: it is named, and the session goes on.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pam_rollback.core.environment import Environment


def pytest_pam_run_notes(run_folder: Path) -> str | None:
    """Give a line for the notes of a real run that began an action, such as what to do next.

    Asked before its record is written: whoever answers looks at nothing outside.
    """


def pytest_pam_run_ended(run_folder: Path, environment: "Environment") -> str | None:
    """A real run that began an action is over: its verdict is shown and its record written. Give what to say on the terminal, if anything.

    Nobody waits for what is done here. A session that somebody asked to stop does not call it.
    """
