"""Of what is shared a session takes three quarters; what is its own it takes whole."""

from pam_rollback.target.contract import Limits

TODAY = Limits(paths=20, address=200, without_token=50, with_token=100, client=50)


def test_a_session_uses_three_quarters() -> None:
    """Rounded down; what nobody said is not known, and one is always left."""
    ours = TODAY.ours()

    assert (ours.paths, ours.address, ours.without_token, ours.with_token, ours.client) == (15, 150, 37, 75, 50)
    assert Limits(paths=1).ours().paths == 1
    assert Limits(paths=1).ours().address is None
    assert not Limits().known
