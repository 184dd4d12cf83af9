"""The stand-in for Netlify on a bad day: what its API answers then, and what visitors get."""

from __future__ import annotations

import http.client
import time

import pytest

from tests.sandbox.netlify_host import CANDIDATE, STABLE, Host, restored


class TestPageFaults:
    """A bad page belongs to a release, not to a moment."""

    def test_every_deploy_of_the_release_has_it(self, host: Host) -> None:
        """A restore of another release heals it, and the release brings it back."""
        with host.fault("page", what="console-error.js", release="candidate"):
            assert "console.error" in host.visit().text
            deploy = restored(host)
            host.until(lambda: host.published()["id"] == deploy, what="restored")
            assert "console.error" not in host.visit().text
            again = restored(host, "candidate")
            host.until(lambda: host.published()["id"] == again, what="restored")
            assert "console.error" in host.visit().text


class TestFaults:
    """The API as it is on a bad day."""

    @pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 503])
    def test_it_refuses(self, host: Host, status: int) -> None:
        """With this status, in the envelope, and nothing is done; other operations go on."""
        with host.fault("netlify-answers", what=f"error-{status}", operation="restore"):
            answer = host.on_site("POST", f"/deploys/{host.deploy_of('stable')}/restore")

        assert (answer.status, answer.json["code"]) == (status, status)
        assert answer.headers["x-request-id"]
        assert ("x-ratelimit-reset" in answer.headers) is (status == 429)
        time.sleep(2 * host.deploys.latencies.publish_s)
        assert host.release() == CANDIDATE

    def test_a_limit_need_not_say_until_when(self, host: Host) -> None:
        """429 and no header about it."""
        with host.fault("netlify-answers", what="429-bare"):
            answer = host.on_site("GET")

        assert answer.status == 429
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]

    def test_it_answers_nonsense(self, host: Host) -> None:
        """200, said to be JSON."""
        with host.fault("netlify-answers", what="garbage", operation="site"):
            answer = host.on_site("GET")

        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        with pytest.raises(ValueError, match="Unterminated"):
            _ = answer.json

    @pytest.mark.parametrize(("what", "release"), [("reset", CANDIDATE), ("answer-lost", STABLE)])
    def test_the_connection_breaks(self, host: Host, what: str, release: str) -> None:
        """Nobody can tell from outside whether it was done; here it was, and there it was not."""
        deploy = host.deploy_of("stable")
        with (
            host.fault("netlify-answers", what=what, operation="restore"),
            pytest.raises((ConnectionError, http.client.HTTPException)),
        ):
            host.on_site("POST", f"/deploys/{deploy}/restore")
        time.sleep(3 * host.deploys.latencies.publish_s)

        assert host.release() == release

    def test_it_hangs(self, host: Host) -> None:
        """Nothing is sent as long as the fault is planted."""
        with host.fault("netlify-answers", what="hangs", operation="site"):
            parts = host.api_url.removeprefix("http://").partition("/")
            connection = http.client.HTTPConnection(parts[0], timeout=0.5)
            connection.request("GET", f"/{parts[2]}/sites/{host.site.id}")
            with pytest.raises(TimeoutError):
                connection.getresponse()
            connection.close()
        assert host.on_site("GET").status == 200

    def test_a_restore_is_never_published(self, host: Host) -> None:
        """Accepted, and that is all."""
        with host.fault("netlify-behaviour", what="restore-never-published"):
            restored(host)
            time.sleep(4 * host.deploys.latencies.publish_s)
        assert host.release() == CANDIDATE

    def test_a_restore_is_superseded(self, host: Host) -> None:
        """Published, and then replaced by another deploy of what was published before."""
        with host.fault("netlify-behaviour", what="restore-superseded"):
            deploy = restored(host)
            host.until(lambda: host.published()["id"] == deploy, what="restored")
            host.until(lambda: host.release() == CANDIDATE, what="superseded")
        assert host.published()["id"] not in {deploy, host.deploy_of("candidate")}

    def test_a_lock_keeps_it_from_being_superseded(self, host: Host) -> None:
        """That is what it is for."""
        with host.fault("netlify-behaviour", what="restore-superseded"):
            deploy = restored(host)
            host.until(lambda: host.published()["id"] == deploy, what="restored")
            host.call("POST", f"/deploys/{deploy}/lock")
            time.sleep(1)
        assert host.release() == STABLE

    def test_a_restore_can_be_refused_while_locked(self, host: Host) -> None:
        """Unlocked it is accepted."""
        candidate, stable = host.deploy_of("candidate"), host.deploy_of("stable")
        with host.fault("netlify-behaviour", what="restore-refused-when-locked"):
            host.call("POST", f"/deploys/{candidate}/lock")
            assert host.on_site("POST", f"/deploys/{stable}/restore").status == 422
            host.call("POST", f"/deploys/{candidate}/unlock")
            restored(host)
        host.until(lambda: host.release() == STABLE, what="restored")

    def test_earlier_deploys_are_gone(self, host: Host) -> None:
        """404, and not in the list; the published one is kept."""
        stable = host.deploy_of("stable")
        with host.fault("netlify-behaviour", what="deploy-expired"):
            listed = [deploy["id"] for deploy in host.on_site("GET", "/deploys").json]
            answers = [host.call("GET", f"/deploys/{stable}").status]
            answers.append(host.on_site("POST", f"/deploys/{stable}/restore").status)

        assert stable not in listed
        assert host.deploy_of("candidate") in listed
        assert answers == [404, 404]
