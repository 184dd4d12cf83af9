"""The leak of the sandbox: memory that is really held, grows, and comes back."""

import time

import pytest

from pam_rollback.sandbox.product.faults import Faults
from pam_rollback.sandbox.product.leak import Leak
from pam_rollback.sandbox.product.metrics import resident_bytes

MB = 1_000_000


def test_it_is_really_held_and_given_back() -> None:
    """Not just promised by the system: the resident size tells."""
    leak = Leak()
    before = resident_bytes()
    leak.begin(mb=80, mb_per_s=0)
    during = resident_bytes()
    leak.end()
    after = resident_bytes()

    assert during - before == pytest.approx(80 * MB, rel=0.1)
    assert abs(after - before) < 8 * MB


def test_it_grows_with_time_and_requests() -> None:
    """Each request takes what is due by then."""
    leak = Leak()
    before = resident_bytes()
    leak.begin(mb=0, mb_per_s=200)
    time.sleep(0.15)  # time is what it grows with
    leak.grow()
    during = resident_bytes()
    leak.end()

    assert during - before >= 25 * MB


def test_to_begin_anew_gives_back_what_was_held() -> None:
    """Planting twice is no double leak."""
    leak = Leak()
    before = resident_bytes()
    leak.begin(mb=100, mb_per_s=0)
    leak.begin(mb=20, mb_per_s=0)
    during = resident_bytes()
    leak.end()

    assert during - before == pytest.approx(20 * MB, abs=8 * MB)


def test_the_fault_holds_it_until_it_is_cleared() -> None:
    """Planted like every other fault of a release."""
    faults = Faults()
    before = resident_bytes()
    faults.plant("memory-leak", {"mb": 60, "mb_per_s": 0})
    faults.leak()
    during = resident_bytes()
    faults.clear("memory-leak")
    faults.leak()

    assert during - before == pytest.approx(60 * MB, rel=0.15)
    assert resident_bytes() - before < 8 * MB
