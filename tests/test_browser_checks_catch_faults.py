"""The fault rows with a browser, of which few run at once (tests/scheduling.py): each turns its own checks and no others."""

import pytest

from tests.fault_rows.row import Row
from tests.sessions import RunningSandbox
from tests.test_checks_catch_faults import Proof, in_order, proof, turn

__all__ = ["proof"]


@pytest.mark.parametrize("row", list(in_order(browser=True)))
def test_a_fault_turns_its_checks_and_no_others(row: Row, proof: Proof, running_sandbox: RunningSandbox) -> None:
    """In every browser; as the rows without one."""
    turn(row, proof, running_sandbox)
