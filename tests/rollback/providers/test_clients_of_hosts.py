"""The clients of Netlify and Render against the hosts of a sandbox: what users get in the end, and that nothing is done twice."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.base.errors import ProviderError
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.hosts import Netlify, Render
from pam_rollback.outside.http import fetch
from pam_rollback.rollback.deploy_choice import Choice, History, only_live
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.providers.netlify import NETLIFY, NetlifyFiles, NetlifySite, netlify_api
from pam_rollback.rollback.providers.render import RENDER, RenderDeploys, render_api
from pam_rollback.sandbox.remote import Remote
from tests.sessions import RunningSandbox

WITHIN_S = 60
STABLE, CANDIDATE = "1.41.3", "1.42.0"
UNDONE = ["error-409", "error-503"]
UNCLEAR = ["answer-lost", "garbage"]
"""What is sent again after which failure: test_provider.py, for all of them. Here: what the host has then."""


@dataclass(frozen=True)
class Hosts:
    """Both clients, and what users get."""

    state: Mapping[str, Any]
    remote: Remote
    netlify: NetlifySite
    render: RenderDeploys

    def site_release(self) -> str:
        """The release that visitors of the site get."""
        return str(fetch(f"{self.state['urls']['frontend']}/version.json").json["release"])

    def api_release(self) -> str:
        """The release that answers on the API's address."""
        return str(fetch(f"{self.state['urls']['api']}/version").json["release"])

    def choose_site(self, to: str = "") -> Choice:
        """Where the front end goes back to."""
        return History(NETLIFY, self.netlify.deploys(), self.netlify.published()).choose(to)

    def choose_api(self, to: str = "") -> Choice:
        """Where the back end goes back to."""
        deploys = self.render.deploys()
        return History(RENDER, deploys, only_live(RENDER, deploys)).choose(to)

    def live(self, deploy: Deploy) -> Deploy:
        """The same deploy once it is live."""
        Waiter().until(
            lambda: self.render.deploy(deploy.id),
            holds=lambda seen: seen.state == "live",
            within_s=WITHIN_S,
            what="live",
            every_s=0.3,
        )
        return deploy

    def published(self, deploy: Deploy) -> Deploy:
        """The same deploy once it is published."""
        return Waiter().until(
            self.netlify.published,
            holds=lambda seen: seen.id == deploy.id,
            within_s=WITHIN_S,
            what="published",
            every_s=0.3,
        )


@pytest.fixture(scope="module")
def started(shared_range: RunningSandbox) -> Iterator[Mapping[str, Any]]:
    """The state file of the sandbox, which is as it was afterwards."""
    yield shared_range.state
    shared_range.remote.reset()
    shared_range.as_it_was()


@pytest.fixture
def hosts(started: Mapping[str, Any]) -> Hosts:
    """As at the start, with clients that were refused nothing yet."""
    remote = Remote(started["sandbox"]["control_url"], started["sandbox"]["token"])
    remote.reset()
    secrets = started["sandbox"]["variables"]
    site = Netlify.model_validate(started["netlify"])
    service = Render.model_validate({**started["render"], "resolution_s": 1, "gap_max_s": 5.0})
    netlify = netlify_api(site, secrets["NETLIFY_AUTH_TOKEN"], deadline_s=5, patience_s=2)
    render = render_api(service, secrets["RENDER_API_KEY"], deadline_s=5, patience_s=2)
    return Hosts(started, remote, NetlifySite(netlify, site), RenderDeploys(render, service))


def test_the_front_end_goes_back_once(hosts: Hosts) -> None:
    """Restored, published, locked; the rule then stays where it is, and the bad one comes back only by its name."""
    bad = hosts.netlify.published()
    assert hosts.site_release() == CANDIDATE
    chosen = hosts.choose_site()
    hosts.netlify.restore(chosen.deploy.id)
    hosts.published(chosen.deploy)

    assert hosts.site_release() == STABLE
    assert hosts.netlify.lock(chosen.deploy.id).locked
    assert hosts.netlify.published().locked
    assert hosts.choose_site().already_there
    assert hosts.choose_site(chosen.deploy.commit[:8]).already_there

    hosts.netlify.unlock(chosen.deploy.id)
    hosts.netlify.restore(hosts.choose_site(bad.id).deploy.id)
    assert not hosts.published(bad).locked
    assert hosts.choose_site().deploy.id == chosen.deploy.id


def test_files_are_published(hosts: Hosts, tmp_path: Path) -> None:
    """Visitors get the folder, and its commit is known."""
    stable = hosts.choose_site().deploy
    (tmp_path / "deep er").mkdir()
    (tmp_path / "index.html").write_text("<p>of files</p>", encoding="utf-8")
    (tmp_path / "deep er" / "a b.txt").write_text(os.urandom(8).hex(), encoding="utf-8")
    version = {"release": STABLE, "commit": stable.commit}
    (tmp_path / "version.json").write_text(json.dumps(version), encoding="utf-8")
    made = NetlifyFiles(hosts.netlify).publish_files(tmp_path, title="Back to stable", commit=stable.commit)
    published = hosts.published(made)

    assert (published.commit, published.context) == (stable.commit, "production")
    assert hosts.choose_site().already_there


def test_a_build_is_cancelled_and_the_cache_emptied(hosts: Hosts) -> None:
    """What a push set off is never published."""
    before = hosts.netlify.published()
    commit = hosts.remote.push(message="Another one")
    Waiter().until(
        hosts.netlify.deploys, holds=lambda seen: seen[0].commit == commit, within_s=WITHIN_S, what="a build"
    )
    cancelled = hosts.netlify.cancel_running()
    hosts.netlify.purge()

    assert [deploy.commit for deploy in cancelled] == [commit]
    assert hosts.netlify.deploy(cancelled[0].id).state not in {"ready", "building"}
    assert hosts.netlify.published() == before
    assert not hosts.netlify.site().stop_builds


def test_the_back_end_goes_back_once(hosts: Hosts) -> None:
    """Autodeploy off, the earlier build as a new deploy, live; the rule then stays where it is."""
    assert hosts.render.service().trigger == "commit"
    assert not hosts.render.set_auto_deploy(on=False).auto_deploy
    chosen = hosts.choose_api()
    made = hosts.live(hosts.render.roll_back(chosen.deploy.id))

    assert (made.trigger, made.commit) == ("rollback", chosen.deploy.commit)
    assert hosts.api_release() == STABLE
    assert hosts.choose_api().already_there
    assert hosts.choose_api(chosen.deploy.id).already_there
    assert hosts.render.set_auto_deploy(on=True, trigger="checksPass").trigger == "checksPass"


def test_a_commit_is_deployed_or_queued(hosts: Hosts) -> None:
    """As a new deploy of that commit; queued it has no id yet, and appears in the list."""
    commit = hosts.choose_api().deploy.commit
    hosts.remote.plant("render-deploys", what="queued", operation="deploy")
    assert hosts.render.deploy_commit(commit) is None
    hosts.remote.clear_all()
    queued = hosts.live(hosts.render.deploys()[0])

    assert queued.commit == commit
    assert hosts.api_release() == STABLE
    assert hosts.choose_api().already_there
    assert hosts.render.set_branch("emergency/back").branch == "emergency/back"


def test_a_deploy_is_cancelled(hosts: Hosts) -> None:
    """And what was live stays."""
    hosts.remote.plant("render-deploys", what="never-live")
    made = hosts.render.roll_back(hosts.choose_api().deploy.id)
    assert hosts.render.cancel(made.id).id == made.id
    ended = Waiter().until(
        lambda: hosts.render.deploy(made.id),
        holds=lambda seen: seen.state == "canceled",
        within_s=WITHIN_S,
        what="canceled",
    )

    assert ended.state == "canceled"
    assert hosts.api_release() == CANDIDATE


def failing(change: Callable[[], object]) -> ProviderError:
    """What was said instead; a host that hangs is given up in time."""
    start_s = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        change()
    assert time.monotonic() - start_s < 20
    return caught.value


@pytest.mark.parametrize("what", [*UNDONE, *UNCLEAR])
def test_a_rollback_of_the_back_end_is_never_done_twice(hosts: Hosts, what: str) -> None:
    """Whatever Render answers: not at all, or once, and then the message says that it may have been done."""
    target, before = hosts.choose_api().deploy, len(hosts.render.deploys())
    hosts.remote.plant("render-deploys", what=what, operation="rollback")
    error = failing(lambda: hosts.render.roll_back(target.id))
    hosts.remote.clear_all()

    assert len(hosts.render.deploys()) - before == (what == "answer-lost")
    assert error.operation == f"roll back to {target.id}"
    refused = error.http_status is not None and error.http_status < 500 and what not in UNCLEAR
    assert ("it may have been done all the same" in str(error)) is not refused


@pytest.mark.parametrize("what", [*UNDONE, *UNCLEAR])
def test_a_restore_of_the_front_end_that_was_not_confirmed_is_an_error(hosts: Hosts, what: str) -> None:
    """Whatever Netlify answers; what is published tells whether it was done."""
    target, before = hosts.choose_site().deploy, hosts.netlify.published()
    hosts.remote.plant("netlify-answers", what=what, operation="restore")
    error = failing(lambda: hosts.netlify.restore(target.id))
    hosts.remote.clear_all()

    assert error.operation == f"restore the deploy {target.id}"
    if what in UNCLEAR:
        hosts.published(target)
    else:
        assert hosts.netlify.published() == before


def test_a_target_that_is_gone_is_told(hosts: Hosts) -> None:
    """With what to do."""
    site, api = hosts.choose_site().deploy, hosts.choose_api().deploy
    hosts.remote.plant("netlify-behaviour", what="deploy-expired")
    hosts.remote.plant("render-deploys", what="expired")

    assert "A deploy may also have expired" in str(failing(lambda: hosts.netlify.deploy(site.id)))
    assert "A deploy's build may also be gone" in str(failing(lambda: hosts.render.roll_back(api.id)))
