"""What goes wrong with the stand-in for Render, and how the sandbox puts it right."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest

from pam_rollback.sandbox.problems import SandboxError
from tests.sandbox.render_range import Render


class TestFaults:
    """What goes wrong with a provider."""

    @pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 503])
    def test_a_status(self, render: Render, status: int) -> None:
        """On the operation that was chosen, and on no other; nothing is done."""
        render.remote.plant("render-deploys", what=f"error-{status}", operation="rollback")
        answer = render.call("POST", "/rollback", {"deployId": render.deploys()[-1]["id"]})

        assert (answer.status, set(answer.json)) == (status, {"id", "message"})
        assert len(render.deploys()) == 2

    @pytest.mark.parametrize(
        ("operation", "method", "path"),
        [
            ("service", "GET", ""),
            ("patch", "PATCH", ""),
            ("list", "GET", "/deploys"),
            ("get", "GET", "/deploys/dep-1"),
            ("deploy", "POST", "/deploys"),
            ("rollback", "POST", "/rollback"),
            ("cancel", "POST", "/deploys/dep-1/cancel"),
            ("events", "GET", "/events"),
        ],
    )
    def test_each_operation_can_be_chosen(self, render: Render, operation: str, method: str, path: str) -> None:
        """By its name; `all` is every one of them."""
        body: dict[str, str] | None = None if method == "GET" else {}
        render.remote.plant("render-deploys", what="error-503", operation=operation)
        assert render.call(method, path, body).status == 503
        render.remote.clear("render-deploys")
        assert render.call(method, path, body).status != 503
        render.remote.plant("render-deploys", what="error-503")
        assert render.call(method, path, body).status == 503

    def test_too_many_requests_in_three_forms(self, render: Render) -> None:
        """Seconds, a date as seconds since 1970, and no headers at all."""
        render.remote.plant("render-deploys", what="error-429", operation="list")
        assert render.call("GET", "/deploys").headers["ratelimit-reset"] == "1"
        render.remote.plant("render-deploys", what="429-epoch", operation="list")
        assert abs(int(render.call("GET", "/deploys").headers["ratelimit-reset"]) - time.time()) < 5
        render.remote.plant("render-deploys", what="429-bare", operation="list")
        assert not any(name.startswith("ratelimit") for name in render.call("GET", "/deploys").headers)

    def test_nonsense(self, render: Render) -> None:
        """A 200 that is no JSON, and a 500 in text."""
        render.remote.plant("render-deploys", what="garbage", operation="list")
        with pytest.raises(ValueError, match="Unterminated string"):
            _ = render.call("GET", "/deploys").json
        render.remote.plant("render-deploys", what="plain-text", operation="list")
        answer = render.call("GET", "/deploys")
        assert (answer.status, answer.headers["content-type"]) == (500, "text/plain; charset=utf-8")

    def test_silence_and_a_cut_connection(self, render: Render) -> None:
        """Nothing is done in either."""
        render.remote.plant("render-deploys", what="hangs", operation="deploy")
        with pytest.raises(TimeoutError):
            render.call("POST", "/deploys", {}, within_s=0.4)
        render.remote.clear("render-deploys")
        render.remote.plant("render-deploys", what="reset", operation="deploy")
        with pytest.raises((ConnectionError, urllib.error.URLError)):
            render.call("POST", "/deploys", {})
        assert len(render.deploys()) == 2

    def test_an_answer_that_is_lost(self, render: Render) -> None:
        """The rollback is done, and whoever asked does not know it."""
        render.remote.plant("render-deploys", what="answer-lost", operation="rollback")
        with pytest.raises((ConnectionError, urllib.error.URLError)):
            render.call("POST", "/rollback", {"deployId": render.deploys()[-1]["id"]})

        assert render.deploys()[0]["trigger"] == "rollback"
        assert render.settled(render.deploys()[0]["id"])[0] == "live"


class TestRange:
    """The controls."""

    def test_a_fault_of_a_version_waits_for_its_release(self, render: Render) -> None:
        """Planted on what does not run, it is there when it does; a fault of the candidate leaves the stable release alone."""
        render.remote.plant("admin-refuses", release="stable")
        render.remote.plant("auth-bypass", release="candidate")
        api, token = render.state["urls"]["api"], render.state["sandbox"]["variables"]["PAM_ADMIN_TOKEN"]
        admin, settings = f"{api}/admin/feature-flags", f"{api}/api/v1/settings"
        assert (status_of(admin, token), status_of(settings)) == (200, 200)
        render.settled(render.roll_back())
        assert (status_of(admin, token), status_of(settings)) == (401, 401)
        render.remote.clear("admin-refuses")

        assert status_of(admin, token) == 200

    def test_a_release_goes_live_by_its_name(self, render: Render) -> None:
        """Through the same machinery: a deploy in the list, and nothing when it is live already."""
        render.remote.go_live("candidate")
        assert len(render.deploys()) == 2
        render.remote.go_live("stable")

        assert render.deploys()[0]["trigger"] == "manual"
        assert render.version()["release"] == "1.41.3"
        with pytest.raises(SandboxError, match="expected stable or candidate, found 'stabel'"):
            render.remote.go_live("stabel")

    def test_a_reset_is_the_first_state(self, render: Render) -> None:
        """Deploys, settings, branches, faults and release: whatever a story left."""
        first = render.deploys()
        render.call("PATCH", "", {"autoDeployTrigger": "off", "branch": "hotfix"})
        render.remote.push()
        render.settled(render.roll_back())
        render.remote.plant("render-deploys", what="never-live")
        render.roll_back()
        render.remote.reset()

        assert render.deploys() == first
        service = render.call("GET").json
        assert (service["autoDeployTrigger"], service["branch"]) == ("commit", "main")
        assert render.version()["release"] == "1.42.0"
        assert render.remote.faults() == []
        time.sleep(0.3)
        assert render.deploys() == first


def status_of(url: str, token: str = "") -> int:
    """What a visitor gets, with a token or without."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9])
def test_a_killed_release_that_is_replaced_meanwhile_can_be_cleared(render: Render, after_s: float) -> None:
    """The process is started again for nothing: that a deploy took its place is no reason to refuse."""
    render.remote.plant("release-down", how="killed")
    begun = render.roll_back()
    time.sleep(after_s)
    render.remote.clear("release-down")

    assert render.settled(begun)[0] == "live"
    assert render.version()["release"] == "1.41.3"
