"""Of what is shared a session takes three quarters; what is its own it takes whole."""

import pytest

from pam_rollback.product.contract import Limits

TODAY = Limits(paths=20, address=200, without_token=50, with_token=100, client=50)


def test_a_session_uses_three_quarters() -> None:
    """Rounded down; what nobody said is not known, and one is always left."""
    ours = TODAY.ours()

    assert (ours.paths, ours.address, ours.without_token, ours.with_token, ours.client) == (15, 150, 37, 75, 50)
    assert Limits(paths=1).ours().paths == 1
    assert Limits(paths=1).ours().address is None
    assert not Limits().known


def test_processes_share_it() -> None:
    """And there are no more of them than shares."""
    assert TODAY.ours(4).model_dump() == {
        "paths": 3,
        "address": 37,
        "without_token": 9,
        "with_token": 18,
        "client": 12,
        "free": (),
    }
    with pytest.raises(ValueError, match=r"4 processes are more than the product bears \(\[limits\] paths = 4\)"):
        Limits(paths=4).ours(4)
