"""The stand-in for Render's deploys: its contract, and that users really get what it calls live."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote
from tests.sandbox.render_range import Render, newest, visitors, wait_for_update


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


class TestDeploys:
    """POST /deploys, the list, and what a push sets off."""

    def test_a_commit_is_built_and_run(self, render: Render) -> None:
        """Through every state; also a commit that has no deploy yet."""
        commit = render.deploys()[-1]["commit"]["id"]
        answer = render.call("POST", "/deploys", {"commitId": commit, "clearCache": "do_not_clear"})
        status, seen = render.settled(answer.json["id"])

        assert (answer.status, answer.json["trigger"], status) == (201, "api", "live")
        assert seen[-2:] == ["build_in_progress", "update_in_progress"]
        assert render.version()["commit"] == commit

    def test_without_a_commit_it_is_the_head_of_the_service_s_branch(self, render: Render) -> None:
        """Of main at first; of another one after a PATCH, which deploys nothing by itself."""
        commit = render.call("POST", "/deploys", {}).json["commit"]["id"]
        assert commit == render.head
        assert render.call("PATCH", "", {"branch": "pam-refresh"}).json["branch"] == "pam-refresh"
        number = len(render.deploys())
        other = render.call("POST", "/deploys", b"").json["commit"]["id"]

        assert other != commit
        assert len(render.deploys()) == number + 1

    def test_a_later_deploy_cancels_one_that_is_running(self, render: Render) -> None:
        """The default of a workspace: a push during a rollback overrides it."""
        render.remote.plant("render-deploys", what="superseded")
        rolled_back = render.roll_back()

        assert render.settled(rolled_back)[0] == "canceled"
        winner = render.deploys()[0]
        assert winner["trigger"] == "new_commit"
        assert render.settled(winner["id"])[0] == "live"
        assert render.version()["release"] == "1.42.0"

    def test_a_colleague_s_push_does_not_supersede_with_autodeploy_off(self, render: Render) -> None:
        """That is what it is switched off for."""
        render.call("PATCH", "", {"autoDeploy": "no"})
        render.remote.plant("render-deploys", what="superseded")

        assert render.settled(render.roll_back())[0] == "live"
        assert render.version()["release"] == "1.41.3"

    def test_a_deploy_can_be_canceled_while_it_runs(self, render: Render) -> None:
        """200 with the deploy; afterwards 400, and nothing went live."""
        render.remote.plant("render-deploys", what="never-live")
        begun = render.roll_back()
        wait_for_update(render, begun)
        answer = render.call("POST", f"/deploys/{begun}/cancel")
        render.remote.clear("render-deploys")

        assert (answer.status, answer.json["status"]) == (200, "canceled")
        assert render.call("POST", f"/deploys/{begun}/cancel").status == 400
        assert render.version()["release"] == "1.42.0"

    def test_a_deploy_that_never_becomes_live_stays_in_progress(self, render: Render) -> None:
        """Until the fault is cleared; then it goes on."""
        render.remote.plant("render-deploys", what="never-live")
        begun = render.roll_back()
        time.sleep(0.5)
        assert render.deploy(begun)["status"] == "update_in_progress"
        assert "finishedAt" not in render.deploy(begun)
        render.remote.clear("render-deploys")

        assert render.settled(begun)[0] == "live"

    @pytest.mark.parametrize(("what", "status"), [("build-fails", "build_failed"), ("update-fails", "update_failed")])
    def test_a_deploy_can_fail(self, render: Render, what: str, status: str) -> None:
        """In its own words, and users keep what they had; such a deploy can never be rolled back to."""
        render.remote.plant("render-deploys", what=what)
        begun = render.call("POST", "/deploys", {"commitId": render.head}).json["id"]

        assert render.settled(begun)[0] == status
        assert render.call("POST", "/rollback", {"deployId": begun}).status == 404
        assert render.version()["release"] == "1.42.0"

    @pytest.mark.parametrize("commit", ["f" * 40, "nowhere"])
    def test_a_commit_that_is_not_there_fails_to_build(self, render: Render, commit: str) -> None:
        """It is accepted, as everything that is built later."""
        begun = render.call("POST", "/deploys", {"commitId": commit}).json["id"]

        assert render.settled(begun)[0] == "build_failed"

    def test_without_the_repository_a_commit_cannot_be_built_but_a_build_can_be_run(self, render: Render) -> None:
        """The difference between the two ways back when the repository's host is down."""
        stable = render.deploys()[-1]
        render.remote.plant("repository", what="gone")
        built = render.call("POST", "/deploys", {"commitId": stable["commit"]["id"]}).json["id"]
        assert render.settled(built)[0] == "build_failed"

        assert render.settled(render.roll_back())[0] == "live"

    def test_a_queued_deploy_has_no_body(self, render: Render) -> None:
        """202 and nothing: which one it is has to be found in the list."""
        render.remote.plant("render-deploys", what="queued")
        answer = render.call("POST", "/deploys", {})

        assert (answer.status, answer.text) == (202, "")
        assert len(render.deploys()) == 3

    def test_pages_follow_each_other(self, render: Render) -> None:
        """Each deploy once, the newest first; a wrong cursor or limit is refused."""
        render.remote.plant("render-deploys", what="build-fails")
        for _ in range(3):
            render.call("POST", "/deploys", {})
        whole = [deploy["id"] for deploy in render.deploys()]
        paged, cursor = [], ""
        while page := render.call("GET", f"/deploys?limit=2&cursor={cursor}").json:
            paged += [item["deploy"]["id"] for item in page]
            cursor = page[-1]["cursor"]

        assert len(whole) == 5
        assert paged == whole
        assert render.call("GET", "/deploys?limit=101").status == 400
        assert render.call("GET", "/deploys?cursor=nonsense").status == 400

    def test_the_list_can_be_narrowed(self, render: Render) -> None:
        """By state and by moment."""
        live, stable = render.deploys()

        assert [deploy["id"] for deploy in render.deploys(status="live")] == [live["id"]]
        assert [deploy["id"] for deploy in render.deploys(status=["deactivated", "canceled"])] == [stable["id"]]
        assert [deploy["id"] for deploy in render.deploys(createdBefore=live["createdAt"])] == [stable["id"]]
        assert render.call("GET", "/deploys?createdAfter=yesterday").status == 400

    def test_events_tell_what_happened(self, render: Render) -> None:
        """A rollback begins with its target and ends with its outcome."""
        target = render.deploys()[-1]["id"]
        begun = render.roll_back()
        render.settled(begun)
        events = [item["event"] for item in render.call("GET", "/events?limit=2").json]

        assert [event["type"] for event in events] == ["deploy_ended", "deploy_started"]
        assert all(event["details"]["deployId"] == begun for event in events)
        assert events[0]["details"]["deployStatus"] == "succeeded"
        assert events[1]["details"]["trigger"]["rollbackTargetDeployId"] == target
        only = render.call("GET", "/events?type=deploy_ended").json
        assert {item["event"]["type"] for item in only} == {"deploy_ended"}


def test_with_realistic_latencies_a_deploy_takes_its_time(tmp_path: Path) -> None:
    """A rollback is not done after seconds, as it never is with the provider itself."""
    with launch(tmp_path / "sandbox.toml", latencies="realistic") as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        render = Render(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))
        begun = render.roll_back()
        time.sleep(2)

        assert render.deploy(begun)["status"] == "created"
        assert render.version()["release"] == "1.42.0"
