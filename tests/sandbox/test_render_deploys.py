"""The stand-in for Render's deploys: its contract, and that users really get what it calls live."""

from __future__ import annotations

import http.client
import json
import threading
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.problems import RangeError
from pam_rollback.sandbox.remote import Remote

SETTLED_WITHIN_S = 30
RUNNING = {"created", "queued", "build_in_progress", "update_in_progress"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Render:
    """A running range, seen through its provider."""

    state: Mapping[str, Any]
    remote: Remote

    def call(
        self, method: str, path: str = "", body: object = None, *, key: str | None = None, within_s: float = 10
    ) -> Answer:
        """Ask for something of the service."""
        token = self.state["sandbox"]["variables"]["RENDER_API_KEY"] if key is None else key
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.state['render']['api_url']}/services/{self.state['render']['service_id']}{path}",
            method=method,
            data=payload,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=within_s) as answer:
                lowered = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(answer.status, lowered, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                lowered = {name.lower(): value for name, value in error.headers.items()}
                return Answer(error.code, lowered, error.read().decode())

    def deploys(self, **query: object) -> list[dict[str, Any]]:
        """The list, the newest first."""
        answer = self.call("GET", f"/deploys?{urlencode(query, doseq=True)}")
        assert answer.status == 200, answer
        return [item["deploy"] for item in answer.json]

    def deploy(self, deploy_id: str) -> dict[str, Any]:
        """One deploy."""
        found: dict[str, Any] = self.call("GET", f"/deploys/{deploy_id}").json
        return found

    def settled(self, deploy_id: str) -> tuple[str, list[str]]:
        """How a deploy ended, and the states that were seen before."""
        seen: list[str] = []
        end_s = time.monotonic() + SETTLED_WITHIN_S
        while time.monotonic() < end_s:
            status = str(self.deploy(deploy_id)["status"])
            if status not in RUNNING:
                return status, seen
            if not seen or seen[-1] != status:
                seen.append(status)
            time.sleep(0.02)
        raise AssertionError(f"{deploy_id} is still {seen[-1]}")

    def roll_back(self) -> str:
        """Ask for the release before; gives the new deploy."""
        target = self.deploys()[-1]["id"]
        answer = self.call("POST", "/rollback", {"deployId": target})
        assert answer.status == 201, answer
        return str(answer.json["id"])

    def version(self) -> dict[str, Any]:
        """What users get."""
        with urllib.request.urlopen(f"{self.state['urls']['api']}/version", timeout=10) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    @property
    def head(self) -> str:
        """The newest commit of main: the candidate's, as long as nobody pushes."""
        return str(self.remote.identity()["releases"]["candidate"]["commit"])


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Render]:
    """A sandbox of its own."""
    with launch(tmp_path_factory.mktemp("deploys") / "sandbox.toml") as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        yield Render(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def render(started: Render) -> Render:
    """The provider as at the start."""
    started.remote.reset()
    return started


@contextmanager
def visitors(render: Render, count: int = 4) -> Iterator[list[str]]:
    """Ask the API all the time; gives what was answered: the release, or what went wrong."""
    answers: list[str] = []
    stop = threading.Event()
    host = render.state["urls"]["api"].removeprefix("http://")

    def visit() -> None:
        while not stop.is_set():
            connection = http.client.HTTPConnection(host, timeout=10)
            try:
                for _ in range(50):
                    connection.request("GET", "/version")
                    answer = connection.getresponse()
                    body = answer.read()
                    answers.append(json.loads(body)["release"] if answer.status == 200 else str(answer.status))
                    if stop.wait(0.005):
                        break
            except (OSError, http.client.HTTPException, ValueError) as error:
                answers.append(repr(error))
            finally:
                connection.close()

    threads = [threading.Thread(target=visit) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


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


def newest(render: Render, commit: str) -> dict[str, Any]:
    """The deploy of a commit, as soon as there is one."""
    end_s = time.monotonic() + 5
    while time.monotonic() < end_s:
        deploy = render.deploys()[0]
        if deploy["commit"]["id"] == commit:
            return deploy
        time.sleep(0.02)
    raise AssertionError(f"no deploy of {commit}")


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


def wait_for_update(render: Render, deploy_id: str) -> None:
    """Until it is nearly live."""
    end_s = time.monotonic() + 5
    while render.deploy(deploy_id)["status"] != "update_in_progress":
        assert time.monotonic() < end_s
        time.sleep(0.02)


class TestSettings:
    """GET and PATCH of the service."""

    def test_the_old_and_the_new_words_for_autodeploy(self, render: Render) -> None:
        """Both are told; either may be set."""
        first = render.call("GET").json
        off = render.call("PATCH", "", {"autoDeploy": "no"}).json
        checks = render.call("PATCH", "", {"autoDeployTrigger": "checksPass"}).json

        assert (first["autoDeploy"], first["autoDeployTrigger"], first["branch"]) == ("yes", "commit", "main")
        assert (off["autoDeploy"], off["autoDeployTrigger"]) == ("no", "off")
        assert (checks["autoDeploy"], checks["autoDeployTrigger"]) == ("yes", "checksPass")

    @pytest.mark.parametrize(
        "body",
        [
            {"autoDeploy": "no", "autoDeployTrigger": "off"},
            {"autoDeploy": False},
            {"autoDeployTrigger": False},
            {"autoDeployTrigger": "never"},
            {"branch": ""},
            b"[]",
        ],
    )
    def test_what_is_refused(self, render: Render, body: object) -> None:
        """400, and nothing is changed."""
        answer = render.call("PATCH", "", body)

        assert (answer.status, set(answer.json)) == (400, {"id", "message"})
        assert render.call("GET").json["autoDeployTrigger"] == "commit"


class TestLimits:
    """Who may ask, and how often."""

    def test_a_wrong_key_gets_nothing(self, render: Render) -> None:
        """401 for each request, before anything is looked at."""
        for method, path in (("GET", ""), ("PATCH", ""), ("GET", "/deploys"), ("POST", "/rollback")):
            assert render.call(method, path, {} if method != "GET" else None, key="rnd_wrong").status == 401

    def test_what_is_not_there_is_not_found(self, render: Render) -> None:
        """404 for an unknown path or service, 405 for the wrong verb."""
        assert render.call("GET", "/nowhere").status == 404
        assert render.call("GET", "x").status == 404
        assert render.call("DELETE", "/rollback").status == 405

    def test_a_service_may_be_changed_ten_times_a_minute(self, render: Render) -> None:
        """Told in the headers of each answer; reading is limited apart."""
        answers = [render.call("PATCH", "", {"autoDeployTrigger": "commit"}) for _ in range(11)]

        assert [answer.status for answer in answers] == [200] * 10 + [429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers[:3]] == ["9", "8", "7"]
        assert answers[-1].headers["ratelimit-limit"] == "10"
        assert 0 < int(answers[-1].headers["ratelimit-reset"]) <= 60
        assert render.call("GET").headers["ratelimit-limit"] == "400"
        render.remote.reset()
        assert render.call("PATCH", "", {"autoDeployTrigger": "commit"}).status == 200


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
        with pytest.raises(RangeError, match="expected stable or candidate, found 'stabel'"):
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


def test_with_realistic_latencies_a_deploy_takes_its_time(tmp_path: Path) -> None:
    """A rollback is not done after seconds, as it never is with the provider itself."""
    with launch(tmp_path / "sandbox.toml", latencies="realistic") as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        render = Render(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))
        begun = render.roll_back()
        time.sleep(2)

        assert render.deploy(begun)["status"] == "created"
        assert render.version()["release"] == "1.42.0"


@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9])
def test_a_killed_release_that_is_replaced_meanwhile_can_be_cleared(render: Render, after_s: float) -> None:
    """The process is started again for nothing: that a deploy took its place is no reason to refuse."""
    render.remote.plant("release-down", how="killed")
    begun = render.roll_back()
    time.sleep(after_s)
    render.remote.clear("release-down")

    assert render.settled(begun)[0] == "live"
    assert render.version()["release"] == "1.41.3"
