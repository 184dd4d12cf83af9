"""What a drill's tests are given is asked when they begin: what somebody changed after the rollback is seen, whatever the action saw.

Drills during which a colleague changes something are in test_whole_sessions.py.
"""

from collections.abc import Callable
from typing import Any

from pam_rollback.base.wait import Waiter
from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback.fixtures import providers
from pam_rollback.rollback.service.provider_access import served_api, served_site
from pam_rollback.rollback.service.told_versions import ApiLook, VersionSources
from tests.rollback.strategies.scene import Scene

WITHIN_S = 20


def asked(fixture: Any, *given: object) -> Any:
    """What the fixture gives to a test that begins now."""
    plain: Callable[..., Any] = fixture._get_wrapped_function()
    return plain(*given)


def test_what_a_colleague_changed_after_the_rollback_is_seen(scene: Scene) -> None:
    """Right after it everything is as the action left it; then the other release is deployed, deploys and the lock are switched back."""
    before = scene.world()
    environment, site, service = scene.environment, scene.site, scene.service
    bad_site = site.published()
    bad_api = next(deploy for deploy in service.deploys() if deploy.state == "live")
    ended = scene.perform("full-system")
    assert ended.exit_code is ExitCode.GO, ended.error
    visitors, clients = served_site(environment), ApiLook(served_api(environment), service, VersionSources(environment))

    def now() -> list[bool]:
        return [
            asked(providers.site_served_now, ended.facts, environment, visitors).is_wanted,
            asked(providers.published_now, ended.facts, site).id == ended.facts.frontend.published.id,
            asked(providers.published_now, ended.facts, site).locked,
            asked(providers.api_served_now, ended.facts, environment, clients).is_wanted,
            not asked(providers.service_now, ended.facts, service).auto_deploy,
        ]

    assert now() == [True, True, True, True, True]
    service.set_auto_deploy(on=True)
    assert now() == [True, True, True, True, False]
    site.unlock(site.published().id)
    assert now() == [True, True, False, True, False]
    site.restore(bad_site.id)
    again = service.roll_back(bad_api.id)
    waiter = Waiter()
    waiter.until(lambda: site.published().id, holds=lambda now: now == bad_site.id, within_s=WITHIN_S, what="published")
    waiter.until(
        lambda: service.deploy(again.id).state, holds=lambda now: now == "live", within_s=WITHIN_S, what="live"
    )
    assert now()[:4] == [False, False, False, False]
    scene.undo()
    assert scene.until(before) == before
