"""How often it is looked what a product serves."""

import pytest

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.product.rules.expected_releases import BACK_END
from pam_rollback.product.rules.served_release import Served, Wanted
from pam_rollback.rollback.engine.settling import looked_every_s, until_served
from tests.virtual_clock import VirtualClock

REQUESTS_OF_A_LOOK = 2
BORNE_A_MINUTE = 50
"""By today's PAM, of one client; the probes of the same session ask half of them."""


@pytest.mark.parametrize(("limited", "looks"), [(True, range(8, 13)), (False, range(60, 100))])
def test_a_limited_product_is_looked_at_less_often(*, limited: bool, looks: range) -> None:
    """A minute in which the target never answers costs no more than half of what the product bears."""
    asked = 0

    def look() -> Served:
        nonlocal asked
        asked += 1
        return Served(BACK_END, Wanted(version="1.41.3"), version="1.42.0")

    with pytest.raises(ActionFailed, match="the target release is served"):
        until_served(look, Waiter(VirtualClock()), within_s=60, every_s=looked_every_s(limited=limited))

    assert asked in looks
    assert not limited or asked * REQUESTS_OF_A_LOOK <= BORNE_A_MINUTE / 2
