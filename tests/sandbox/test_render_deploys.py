"""The stand-in for Render's deploys: its contract, and that users really get what it calls live."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.sandbox.render_range import Render, newest, visitors


class TestRollback:
    """POST /rollback."""

    def test_it_makes_a_new_deploy_that_becomes_live(self, render: Render) -> None:
        """201 with another id; the old one is deactivated; users get the earlier release and its commit."""
        live, stable = render.deploys()
        answer = render.call("POST", "/rollback", {"deployId": stable["id"]})
        begun = answer.json
        status, seen = render.settled(begun["id"])

        assert (answer.status, begun["trigger"], begun["status"]) == (201, "rollback", "created")
        assert begun["id"] not in {live["id"], stable["id"]}
        assert begun["commit"] == stable["commit"]
        assert status == "live"
        assert "update_in_progress" in seen
        assert "build_in_progress" not in seen
        assert render.deploy(live["id"])["status"] == "deactivated"
        assert render.deploy(begun["id"])["finishedAt"] >= begun["createdAt"]
        version = render.version()
        assert (version["release"], version["commit"]) == ("1.41.3", stable["commit"]["id"])

    def test_no_request_is_dropped(self, render: Render) -> None:
        """Under load each request is answered, by the old release and then by the new one, never the other way round."""
        with visitors(render) as answers:
            time.sleep(0.3)
            status, _ = render.settled(render.roll_back())
            time.sleep(0.5)

        assert status == "live"
        assert set(answers) == {"1.42.0", "1.41.3"}
        assert len(answers) > 100
        moved = answers.index("1.41.3")
        assert "1.42.0" not in answers[moved + 20 :]

    def test_only_the_live_release_keeps_running(self, render: Render) -> None:
        """What is not live any more has drained and ended."""
        old = render.remote.identity()["releases"]["candidate"]["pid"]
        render.settled(render.roll_back())
        end_s = time.monotonic() + 10
        while Path(f"/proc/{old}").exists():
            assert time.monotonic() < end_s
            time.sleep(0.02)

        releases = render.remote.identity()["releases"]
        assert releases["candidate"]["pid"] is None
        assert releases["stable"]["pid"] is not None

    def test_autodeploy_stays_on_and_the_next_push_brings_the_bad_release_back(self, render: Render) -> None:
        """What the API does not do by itself, and what comes of it."""
        render.settled(render.roll_back())
        assert render.call("GET").json["autoDeployTrigger"] == "commit"
        commit = render.remote.push()
        pushed = newest(render, commit)

        assert (pushed["trigger"], render.settled(pushed["id"])[0]) == ("new_commit", "live")
        assert render.version()["release"] == "1.42.0"

    def test_with_autodeploy_off_a_push_changes_nothing(self, render: Render) -> None:
        """The rollback holds."""
        render.call("PATCH", "", {"autoDeployTrigger": "off"})
        rolled_back = render.roll_back()
        render.settled(rolled_back)
        render.remote.push()
        time.sleep(0.3)

        assert render.deploys()[0]["id"] == rolled_back
        assert render.version()["release"] == "1.41.3"

    @pytest.mark.parametrize(
        ("body", "status", "words"),
        [
            ({}, 400, "deployId is required"),
            (b"", 400, "deployId is required"),
            (b"deployId=dep-1", 400, "must be a JSON object"),
            ({"deployId": "dep-unknown"}, 404, "not found: dep-unknown"),
            ({"deployId": "dep-unknown", "force": True}, 400, "not described: force"),
        ],
    )
    def test_what_is_refused(self, render: Render, body: object, status: int, words: str) -> None:
        """With the provider's two fields, and nothing moves."""
        answer = render.call("POST", "/rollback", body)

        assert answer.status == status
        assert set(answer.json) == {"id", "message"}
        assert words in answer.json["message"]
        assert len(render.deploys()) == 2

    def test_an_expired_build_cannot_be_run_again(self, render: Render) -> None:
        """404, and the list still shows the deploy."""
        render.remote.plant("render-deploys", what="expired")
        target = render.deploys()[-1]["id"]

        assert render.call("POST", "/rollback", {"deployId": target}).status == 404
        assert render.deploy(target)["status"] == "deactivated"

    def test_a_release_that_does_not_get_healthy_leaves_the_traffic_where_it_is(self, render: Render) -> None:
        """update_failed, and users keep what they had."""
        render.remote.plant("release-down", release="stable")
        status, _ = render.settled(render.roll_back())

        assert status == "update_failed"
        assert render.version()["release"] == "1.42.0"
        assert render.deploys(status="live")[0]["trigger"] == "new_commit"
