"""For how long a host may say nothing of what it accepted, and how often it is looked what a product serves."""

from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.settling import looked_every_s, until_served
from pam_rollback.target.served_release import BACK_END, Served, Wanted
from tests.rollback.strategies import stage as stage_module
from tests.rollback.strategies.hosts import Failure
from tests.rollback.strategies.stage import MemoryStage
from tests.virtual_clock import VirtualClock


@pytest.mark.parametrize("strategy", ["frontend-restore", "backend-provider", "full-system"])
def test_a_host_that_says_nothing_after_it_accepted_has_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    """Within 200 s, although a rollback of code may take ten minutes: not done as far as is known, and what is owed is noted."""
    monkeypatch.setattr(stage_module, "LIVE_WITHIN_S", 600.0)
    stage = MemoryStage(Journal(tmp_path / "journal.jsonl"))
    host = stage.hosts.service if strategy == "backend-provider" else stage.hosts.site
    provider, reads, change = (
        ("Render", ("service", "get", "list"), "restore")
        if strategy == "backend-provider"
        else ("Netlify", ("site", "get", "deploys"), "restore")
    )
    accept = getattr(host, change)

    def accepted(deploy: str) -> Deploy:
        made: Deploy = accept(deploy)
        stage.hosts.failing.update({(provider, one): Failure(503) for one in reads})
        return made

    monkeypatch.setattr(host, change, accepted)

    ended = stage.perform(strategy)

    assert ended.exit_code is ExitCode.ACTION_FAILED
    assert "no answer for 9" in str(ended.error)
    assert stage.clock.monotonic_s() < 200
    assert stage.journal.owed()


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
