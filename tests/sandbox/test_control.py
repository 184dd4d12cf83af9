"""The range's own API and every fault of the edge, seen through real sockets on a real range."""

import http.client
import json
import re
import socket
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.problems import RangeError
from pam_rollback.sandbox.remote import Remote

HEALTH = "/health"
SHORT_S = 1.0
BACK_WITHIN_S = 10


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    kind: str
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Range:
    """A running range."""

    state: Mapping[str, Any]
    remote: Remote

    @property
    def variables(self) -> Mapping[str, str]:
        """The invented secrets."""
        found: Mapping[str, str] = self.state["sandbox"]["variables"]
        return found

    def url(self, server: str, path: str) -> str:
        """An address of the server `api` or `frontend`."""
        return f"{self.state['urls'][server]}{path}"

    def get(self, server: str, path: str, within_s: float = 5.0, **headers: str) -> Answer:
        """What a server answers."""
        return call(Request(self.url(server, path), headers=headers), within_s)

    def control(self, method: str, path: str, body: bytes | None = None, token: str | None = None) -> Answer:
        """A bare request to the control API."""
        given = token if token is not None else f"Bearer {self.state['sandbox']['token']}"
        headers = {"Authorization": given} if given else {}
        url = f"{self.state['sandbox']['control_url']}{path}"
        return call(Request(url, data=body, method=method, headers=headers), 5.0)

    def slack(
        self, text: bytes, kind: str = "application/json", path: str | None = None, method: str = "POST"
    ) -> Answer:
        """Post to the incident channel."""
        webhook = urlsplit(self.variables["PAM_SLACK_WEBHOOK_URL"])
        url = webhook._replace(path=path or webhook.path).geturl()
        return call(Request(url, data=text, method=method, headers={"Content-Type": kind}), 5.0)


def call(request: Request, within_s: float) -> Answer:
    """One request; an error status is an answer."""
    try:
        with urlopen(request, timeout=within_s) as answer:
            return Answer(answer.status, answer.headers.get_content_type(), answer.read().decode())
    except HTTPError as error:
        with error:
            return Answer(error.code, error.headers.get_content_type(), error.read().decode())


@pytest.fixture(scope="module")
def whole_range() -> Iterator[Range]:
    """One range for all tests of this module."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.toml"
        with launch(file):
            state = tomllib.loads(file.read_text(encoding="utf-8"))
            yield Range(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def found(whole_range: Range) -> Iterator[Range]:
    """The range as it was at the start."""
    yield whole_range
    whole_range.remote.clear_all()
    whole_range.remote.go_live("candidate")
    whole_range.remote.forget_slack()


def raw(found: Range, server: str, path: str, within_s: float = SHORT_S) -> tuple[bytes, str]:
    """What is on the wire within `within_s`, and how it ended: closed, cut or open."""
    address = urlsplit(found.url(server, path))
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=within_s) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        end_s = time.monotonic() + within_s
        got = b""
        while time.monotonic() < end_s:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                break
            except ConnectionResetError:
                return got, "cut"
            if not piece:
                return got, "closed"
            got += piece
    return got, "open"


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds`."""
    end_s = time.monotonic() + BACK_WITHIN_S
    while not holds():
        assert time.monotonic() < end_s, what
        time.sleep(0.02)


SERVERS = pytest.mark.parametrize("server", ["api", "frontend"])


class TestControl:
    """Who may do what, and what a mistake costs."""

    @pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Basic eDp5", "Bearer \u00e9"])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/identity"),
            ("PUT", "/faults/errors"),
            ("DELETE", "/faults"),
            ("POST", "/live"),
            ("GET", "/nowhere"),
        ],
    )
    def test_without_the_token_nothing_is_said_or_done(self, found: Range, method: str, path: str, token: str) -> None:
        """Only who can read the state file controls the range."""
        answer = found.control(method, path, b"{}" if method != "GET" else None, token=token)

        assert answer.status == 401
        assert found.remote.faults() == []

    def test_the_range_says_what_it_is(self, found: Range) -> None:
        """A session proves by this answer that it works on a sandbox, and sees which release is live."""
        identity = found.remote.identity()

        assert identity["sandbox"] is True
        assert identity["live"] == "candidate"
        assert {name: release["version"] for name, release in identity["releases"].items()} == {
            "stable": "1.41.3",
            "candidate": "1.42.0",
        }
        assert 0 < identity["ready_s"] < 10

    def test_the_catalogue_explains_every_fault(self, found: Range) -> None:
        """What can be planted, where it sits and with which parameters can be read, not guessed."""
        catalogue = {kind["name"]: kind for kind in found.control("GET", "/faults").json["catalogue"]}

        assert set(catalogue) == {
            *("errors", "latency", "voice", "admin-refuses", "flags-ignored", "flags-partial"),
            *("release-down", "database-down", "data", "notifications-down", "delay-all"),
            "writes-forgotten",
            *("answers-html", "answers-unhealthy", "answers-503-healthy", "answers-garbage", "answers-wrong-release"),
            *("answers-never-ending", "answers-silence", "answers-half-closed", "answers-slowly"),
            "answers-without-commit",
            *("page", "old-asset-served", "old-page-served", "old-error-served", "service-worker-stuck"),
            *("status-page-lies", "status-page-down", "memory-leak", "render-metrics"),
            *("netlify-answers", "netlify-behaviour", "repository", "render-deploys"),
            *("auth-bypass", "cross-user-read", "feature-fails-for-some"),
            *("configuration-lost", "channel-fails", "code-errors", "site-missing", "model-down"),
        }
        assert catalogue["errors"]["flag"] == "PAM_ENHANCED_UI"
        assert all(kind["summary"] and kind["layer"] for kind in catalogue.values())

    @pytest.mark.parametrize(
        ("name", "parameters", "words"),
        [
            ("erors", {}, "did you mean 'errors'"),
            ("errors", {"shere": 0.5}, "'shere' is no parameter, did you mean 'share'"),
            ("errors", {"share": 2}, "share is 2"),
            ("errors", {"share": "0.5"}, "share is '0.5'"),
            ("errors", {"share": True}, "share is True"),
            ("errors", {"release": "old"}, "release is 'old'"),
            ("latency", {"ms": -1}, "ms is -1"),
            ("latency", {"ms": float("nan")}, "ms is nan"),
            ("answers-html", {}, "path is None"),
            ("answers-html", {"path": "health"}, "path is 'health'"),
            ("database-down", {"release": "stable"}, "'release' is no parameter"),
            ("auth-bypass", {"accepts": "mising"}, "accepts is 'mising'"),
            ("cross-user-read", {"what": "profiles"}, "what is 'profiles'"),
            ("feature-fails-for-some", {"percent": 130}, "percent is 130"),
            ("data", {}, "what is None"),
            ("data", {"what": "amounts-Nan"}, "what is 'amounts-Nan'"),
        ],
    )
    def test_a_wrong_fault_is_refused_with_the_right_spelling(
        self, found: Range, name: str, parameters: dict[str, Any], words: str
    ) -> None:
        """A drill with a typo does not run without its incident."""
        with pytest.raises(RangeError) as refused:
            found.remote.plant(name, **parameters)

        assert words in str(refused.value)
        assert found.remote.faults() == []

    @pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'"x"'])
    def test_a_body_that_is_no_object_is_refused(self, found: Range, body: bytes) -> None:
        """Nonsense is a 4xx, and the range stays as it is."""
        assert found.control("PUT", "/faults/errors", body).status == 422
        assert found.remote.faults() == []

    def test_planting_again_replaces(self, found: Range) -> None:
        """The same fault on the same release has one setting; on another release it is another fault."""
        found.remote.plant("errors", share=0.5)
        found.remote.plant("errors", share=0.9)
        found.remote.plant("errors", share=0.1, release="stable")

        assert [(fault["release"], fault["share"]) for fault in found.remote.faults()] == [
            ("candidate", 0.9),
            ("stable", 0.1),
        ]

    def test_clearing_what_is_not_planted_is_fine_and_a_wrong_name_is_not(self, found: Range) -> None:
        """Undo can be repeated; a typo in it is told."""
        found.remote.clear("latency")
        with pytest.raises(RangeError, match="latenci"):
            found.remote.clear("latenci")

    def test_a_range_that_is_not_there_is_told_as_such(self) -> None:
        """A stale state file is an error with advice, not a stack trace."""
        with pytest.raises(RangeError, match=r"(?s)expected an answer of the sandbox.*make sandbox"):
            Remote("http://127.0.0.1:9", "token").identity()

    def test_requests_are_counted(self, found: Range) -> None:
        """A test can prove that an action was sent once."""
        before = found.remote.request_counts().get("GET /health/live", 0)
        found.get("api", "/health/live?x=1")

        assert found.remote.request_counts()["GET /health/live"] == before + 1


class TestFaultsOfTheEdge:
    """Each is true on the wire, on both servers, on its path only, and gone when it is cleared."""

    @SERVERS
    def test_the_page_instead_of_json(self, found: Range, server: str) -> None:
        """As a single-page host answers for a path that does not exist."""
        found.remote.plant("answers-html", path=HEALTH)
        answer = found.get(server, HEALTH)

        assert (answer.status, answer.kind) == (200, "text/html")
        assert "<!doctype html>" in answer.text.lower()

    @SERVERS
    @pytest.mark.parametrize(
        ("name", "status", "told"), [("answers-unhealthy", 200, "unhealthy"), ("answers-503-healthy", 503, "healthy")]
    )
    def test_status_and_body_contradict_each_other(
        self, found: Range, server: str, name: str, status: int, told: str
    ) -> None:
        """Only who reads both sees it; the rest of the answer is the true one."""
        true = found.get(server, HEALTH).json
        found.remote.plant(name, path=HEALTH)
        answer = found.get(server, HEALTH)

        assert (answer.status, answer.kind, answer.json["status"]) == (status, "application/json", told)
        assert set(answer.json) >= set(true)
        assert answer.json["release"] == "1.42.0"

    @SERVERS
    def test_another_release_answers(self, found: Range, server: str) -> None:
        """Healthy, but not what was deployed."""
        found.remote.plant("answers-wrong-release", path=HEALTH)
        answer = found.get(server, HEALTH).json

        assert (answer["status"], answer["release"]) == ("healthy", "1.40.9")

    def test_only_the_commit_is_missing(self, found: Range) -> None:
        """As of a product that names its version only."""
        true = found.get("api", "/version").json
        found.remote.plant("answers-without-commit", path="/version", server="api")

        assert {"commit": true["commit"], **found.get("api", "/version").json} == true
        assert "commit" not in found.get("api", "/version").json

    @SERVERS
    def test_garbage_that_calls_itself_json(self, found: Range, server: str) -> None:
        """200 and the right content type prove nothing."""
        found.remote.plant("answers-garbage", path=HEALTH)
        answer = found.get(server, HEALTH)

        assert (answer.status, answer.kind) == (200, "application/json")
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(answer.text)

    @SERVERS
    def test_an_answer_that_never_ends(self, found: Range, server: str) -> None:
        """Headers come, bytes keep coming, the end does not: a time-out per read would wait for ever."""
        found.remote.plant("answers-never-ending", path=HEALTH)
        got, end = raw(found, server, HEALTH)

        assert got.startswith(b"HTTP/1.1 200")
        assert got.count(b"\r\n1\r\n \r\n") > 5 or got.count(b" ") > 10
        assert end == "open"

    @SERVERS
    def test_silence(self, found: Range, server: str) -> None:
        """The connection stands and nothing is sent; when the fault goes, the held request is cut, not answered."""
        found.remote.plant("answers-silence", path=HEALTH)
        assert raw(found, server, HEALTH, within_s=0.5) == (b"", "open")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(raw, found, server, HEALTH, 8.0)
            time.sleep(0.3)  # it has to be on its way before the fault goes
            found.remote.clear_all()
            got, end = waiting.result()

        assert got == b""
        assert end in {"cut", "closed"}
        assert found.get(server, HEALTH).status == 200

    @SERVERS
    def test_an_answer_that_breaks_off(self, found: Range, server: str) -> None:
        """Content-Length promises more than is there when the connection closes."""
        found.remote.plant("answers-half-closed", path=HEALTH)
        got, end = raw(found, server, HEALTH)
        head, _, body = got.partition(b"\r\n\r\n")

        assert (end, body) == ("closed", b'{"status": "healthy", ')
        assert b"Content-Length: 4096" in head
        with pytest.raises(http.client.IncompleteRead):
            found.get(server, HEALTH)

    @SERVERS
    def test_a_late_answer(self, found: Range, server: str) -> None:
        """The true answer, after the time that was asked for."""
        found.remote.plant("answers-slowly", path=HEALTH, ms=300)
        began_s = time.monotonic()
        answer = found.get(server, HEALTH)

        assert time.monotonic() - began_s >= 0.3
        assert answer.json["status"] == "healthy"

    def test_everything_is_late(self, found: Range) -> None:
        """One delay for API and site, as a slow network has it; it adds to a delay of a path."""
        found.remote.plant("delay-all", ms=200)
        found.remote.plant("answers-slowly", path=HEALTH, ms=100)
        taken = {}
        for server, path in (("api", "/version"), ("frontend", "/"), ("api", HEALTH)):
            began_s = time.monotonic()
            assert found.get(server, path).status == 200
            taken[server, path] = time.monotonic() - began_s

        assert taken["api", "/version"] >= 0.2
        assert taken["frontend", "/"] >= 0.2
        assert taken["api", HEALTH] >= 0.3

    def test_only_the_path_and_the_server_that_were_named(self, found: Range) -> None:
        """A check that goes red does so because of its own endpoint."""
        found.remote.plant("answers-html", path="/health/db", server="api")
        found.remote.plant("answers-html", path=HEALTH, server="frontend")

        assert found.get("api", "/health/db").kind == "text/html"
        assert found.get("api", HEALTH).kind == "application/json"
        assert found.get("frontend", HEALTH).kind == "text/html"
        assert found.get("api", "/health/pam").kind == "application/json"

    def test_a_star_stands_for_every_path(self, found: Range) -> None:
        """All health endpoints at once."""
        found.remote.plant("answers-unhealthy", path="/health/*", server="api")

        assert found.get("api", "/health/db").json["status"] == "unhealthy"
        assert found.get("api", HEALTH).json["status"] == "healthy"


class TestFaultsBelow:
    """Processes and servers that really stop."""

    def test_a_killed_release_and_its_return(self, found: Range) -> None:
        """502 while it is down; back with the faults that it had, as another process."""
        found.remote.plant("flags-partial", percent=7)
        before = found.remote.identity()["releases"]["candidate"]["pid"]
        found.remote.plant("release-down")
        down = found.get("api", HEALTH)
        pid = found.remote.identity()["releases"]["candidate"]["pid"]
        found.remote.clear("release-down")
        after = found.remote.identity()["releases"]["candidate"]["pid"]

        assert (down.status, pid) == (502, None)
        assert after not in {None, before}
        eventually(lambda: found.get("api", HEALTH).status == 200, "the release is back")
        assert [fault["name"] for fault in found.remote.faults()] == ["flags-partial"]

    def test_a_hung_release_accepts_and_does_not_answer(self, found: Range) -> None:
        """The connection stands, nothing comes; it goes on where it was."""
        found.remote.plant("release-down", how="hung")
        assert raw(found, "api", HEALTH, within_s=0.5) == (b"", "open")
        found.remote.clear("release-down")

        assert found.get("api", HEALTH).status == 200

    def test_a_hung_release_can_be_killed_too(self, found: Range) -> None:
        """Planting the other kind replaces the first, and one clearing mends it."""
        found.remote.plant("release-down", how="hung")
        found.remote.plant("release-down", how="killed")
        assert found.get("api", HEALTH).status == 502
        found.remote.clear_all()

        eventually(lambda: found.get("api", HEALTH).status == 200, "the release is back")

    def test_the_database_really_stops_and_comes_back(self, found: Range) -> None:
        """Connections are refused, the API says so truthfully, and the same address has the same rows afterwards."""
        dsn = found.variables["PAM_DATABASE_DSN"]

        def profiles() -> int:
            with psycopg.connect(dsn, connect_timeout=2) as connection:
                row = connection.execute("SELECT count(*) FROM public.profiles").fetchone()
            assert row is not None
            return int(row[0])

        before = profiles()
        found.remote.plant("database-down")
        with pytest.raises(psycopg.OperationalError):
            profiles()
        answer = found.get("api", "/health/db")
        found.remote.clear("database-down")

        assert (answer.status, answer.json["status"]) == (503, "unhealthy")
        assert profiles() == before > 100
        eventually(lambda: found.get("api", "/health/db").status == 200, "the release has its database back")

    def test_everything_at_once_is_mended_in_one_go(self, found: Range) -> None:
        """Whatever the order of planting, clearing all leaves a healthy range."""
        found.remote.plant("database-down")
        found.remote.plant("release-down")
        found.remote.plant("release-down", release="stable", how="hung")
        found.remote.plant("delay-all", ms=5)
        found.remote.clear_all()

        assert found.remote.faults() == []
        eventually(lambda: found.get("api", HEALTH).status == 200, "the range is healthy")

    def test_traffic_moves_to_the_other_release(self, found: Range) -> None:
        """API and site say the release that is live."""
        found.remote.go_live("stable")

        assert found.get("api", "/version").json["release"] == "1.41.3"
        assert found.get("frontend", "/version.json").json["release"] == "1.41.3"

    def test_traffic_does_not_move_to_a_release_that_is_down(self, found: Range) -> None:
        """Refused with the reason, and nothing moves."""
        found.remote.plant("release-down", release="stable")
        with pytest.raises(RangeError, match="release stable: expected a healthy answer"):
            found.remote.go_live("stable")

        assert found.remote.identity()["live"] == "candidate"

    def test_a_fault_of_a_release_that_does_not_run_is_refused(self, found: Range) -> None:
        """What cannot be planted is not listed as planted."""
        found.remote.plant("release-down")
        with pytest.raises(RangeError, match="its process does not run"):
            found.remote.plant("errors")

        assert [fault["name"] for fault in found.remote.faults()] == ["release-down"]


class TestSite:
    """The front end's host."""

    @pytest.mark.parametrize(
        "path", ["/", "/wins", "/assets/missing.js", "/..%2f..%2fcontrol.py", "/%00", "/" + "x" * 5000]
    )
    def test_an_unknown_path_is_the_page(self, found: Range, path: str) -> None:
        """As the real host: a 200 proves nothing; and nothing outside the site is ever served."""
        answer = found.get("frontend", path)

        assert (answer.status, answer.kind) == (200, "text/html")
        assert "<title>" in answer.text

    def test_files_have_their_type_and_can_be_asked_for_again(self, found: Range) -> None:
        """A browser takes a module only with its type, and does not load twice what did not change."""
        page = found.get("frontend", "/").text
        (script,) = re.findall(r'src="(/assets/[0-9a-f]{12}/app/main\.js)"', page)
        with urlopen(found.url("frontend", script), timeout=5) as answer:
            kind, tag = answer.headers.get_content_type(), answer.headers["ETag"]

        assert kind in {"text/javascript", "application/javascript"}
        assert found.get("frontend", script, **{"If-None-Match": tag}).status == 304

    def test_the_page_learns_where_its_api_is(self, found: Range) -> None:
        """One build serves every environment."""
        assert found.get("frontend", "/config.json").json == {
            "apiUrl": found.state["urls"]["api"],
            "release": "1.42.0",
        }

    def test_a_write_is_refused(self, found: Range) -> None:
        """It is a host of files."""
        assert call(Request(found.url("frontend", "/"), data=b"x", method="POST"), 5).status == 405


class TestSlack:
    """The incident channel answers in Slack's words."""

    def test_a_message_is_kept_as_it_came(self, found: Range) -> None:
        """A test sees text, headers and when it was received."""
        before_s = time.monotonic()
        answer = found.slack(b'{"text": "rolled back"}')
        (message,) = found.remote.slack_messages()

        assert (answer.status, answer.kind, answer.text) == (200, "text/plain", "ok")
        assert message["body"] == {"text": "rolled back"}
        assert message["headers"]["Content-Type"] == "application/json"
        assert before_s <= message["received_s"] <= time.monotonic()

    def test_a_form_with_a_payload_is_accepted(self, found: Range) -> None:
        """The older way of sending."""
        form = b"payload=%7B%22text%22%3A%22x%22%7D"

        assert found.slack(form, kind="application/x-www-form-urlencoded").text == "ok"

    @pytest.mark.parametrize(
        ("body", "kind", "status", "word"),
        [
            (b"{", "application/json", 400, "invalid_payload"),
            (b"[]", "application/json", 400, "invalid_payload"),
            (b"{}", "application/json", 400, "no_text"),
            (b'{"text": ""}', "application/json", 400, "no_text"),
            (b'{"text": "x"}', "application/x-www-form-urlencoded", 400, "invalid_payload"),
            (b'{"text": "x"}', "text/plain", 400, "invalid_payload"),
            (b"\xff\xfe", "application/json", 400, "invalid_payload"),
        ],
    )
    def test_a_wrong_message_is_refused_in_plain_text(
        self, found: Range, body: bytes, kind: str, status: int, word: str
    ) -> None:
        """The body has to be what its content type says; JSON that is sent as a form is not."""
        answer = found.slack(body, kind=kind)

        assert (answer.status, answer.kind, answer.text) == (status, "text/plain", word)
        assert found.remote.slack_messages() == []

    def test_a_wrong_address_is_refused(self, found: Range) -> None:
        """The address is the secret."""
        assert found.slack(b'{"text": "x"}', path="/services/T000/B000/guess").status == 403
        assert found.slack(b'{"text": "x"}', path="/services/T1/B1/guess").text == "no_service"

    def test_a_burst_is_slowed_down(self, found: Range) -> None:
        """One message a second in the long run, as documented; emptying the sink begins anew."""
        answers = [found.slack(b'{"text": "x"}').status for _ in range(12)]
        found.remote.forget_slack()

        assert answers[:10] == [200] * 10
        assert 429 in answers
        assert found.slack(b'{"text": "x"}').status == 200

    def test_the_channel_can_be_down(self, found: Range) -> None:
        """A drill can prove that a rollback goes on when nobody can be told."""
        found.remote.plant("notifications-down")
        answer = found.slack(b'{"text": "x"}')

        assert (answer.status, answer.text) == (500, "rollup_error")
        assert found.remote.slack_messages() == []
