"""Every fault of the edge, seen through real sockets on a real range."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.found_range import HEALTH, SERVERS, RunningSandbox, raw


class TestFaultsOfTheEdge:
    """Each is true on the wire, on both servers, on its path only, and gone when it is cleared."""

    @SERVERS
    def test_the_page_instead_of_json(self, found: RunningSandbox, server: str) -> None:
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
        self, found: RunningSandbox, server: str, name: str, status: int, told: str
    ) -> None:
        """Only who reads both sees it; the rest of the answer is the true one."""
        true = found.get(server, HEALTH).json
        found.remote.plant(name, path=HEALTH)
        answer = found.get(server, HEALTH)

        assert (answer.status, answer.kind, answer.json["status"]) == (status, "application/json", told)
        assert set(answer.json) >= set(true)
        assert answer.json["release"] == "1.42.0"

    @SERVERS
    def test_another_release_answers(self, found: RunningSandbox, server: str) -> None:
        """Healthy, but not what was deployed."""
        found.remote.plant("answers-wrong-release", path=HEALTH)
        answer = found.get(server, HEALTH).json

        assert (answer["status"], answer["release"]) == ("healthy", "1.40.9")

    def test_only_the_commit_is_missing(self, found: RunningSandbox) -> None:
        """As of a product that names its version only."""
        true = found.get("api", "/version").json
        found.remote.plant("answers-without-commit", path="/version", server="api")

        assert {"commit": true["commit"], **found.get("api", "/version").json} == true
        assert "commit" not in found.get("api", "/version").json

    def test_two_builds_of_one_release_take_turns(self, found: RunningSandbox) -> None:
        """Only the commit tells them apart."""
        true = found.get("api", HEALTH).json
        found.remote.plant("answers-of-two-builds", path=HEALTH, server="api")
        told = [found.get("api", HEALTH).json for _ in range(4)]

        assert {one["release"] for one in told} == {true["release"]}
        assert [one["commit"] for one in told].count(true["commit"]) == 2
        assert {one["commit"] for one in told} == {true["commit"], "0" * 40}

    @SERVERS
    def test_garbage_that_calls_itself_json(self, found: RunningSandbox, server: str) -> None:
        """200 and the right content type prove nothing."""
        found.remote.plant("answers-garbage", path=HEALTH)
        answer = found.get(server, HEALTH)

        assert (answer.status, answer.kind) == (200, "application/json")
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(answer.text)

    @SERVERS
    def test_an_answer_that_never_ends(self, found: RunningSandbox, server: str) -> None:
        """Headers come, bytes keep coming, the end does not: a time-out per read would wait for ever."""
        found.remote.plant("answers-never-ending", path=HEALTH)
        got, end = raw(found, server, HEALTH)

        assert got.startswith(b"HTTP/1.1 200")
        assert got.count(b"\r\n1\r\n \r\n") > 5 or got.count(b" ") > 10
        assert end == "open"

    @SERVERS
    def test_silence(self, found: RunningSandbox, server: str) -> None:
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
    def test_an_answer_that_breaks_off(self, found: RunningSandbox, server: str) -> None:
        """Content-Length promises more than is there when the connection closes."""
        found.remote.plant("answers-half-closed", path=HEALTH)
        got, end = raw(found, server, HEALTH)
        head, _, body = got.partition(b"\r\n\r\n")

        assert (end, body) == ("closed", b'{"status": "healthy", ')
        assert b"Content-Length: 4096" in head
        with pytest.raises(http.client.IncompleteRead):
            found.get(server, HEALTH)

    @SERVERS
    def test_a_late_answer(self, found: RunningSandbox, server: str) -> None:
        """The true answer, after the time that was asked for."""
        found.remote.plant("answers-slowly", path=HEALTH, ms=300)
        began_s = time.monotonic()
        answer = found.get(server, HEALTH)

        assert time.monotonic() - began_s >= 0.3
        assert answer.json["status"] == "healthy"

    def test_everything_is_late(self, found: RunningSandbox) -> None:
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

    def test_only_the_path_and_the_server_that_were_named(self, found: RunningSandbox) -> None:
        """A check that goes red does so because of its own endpoint."""
        found.remote.plant("answers-html", path="/health/db", server="api")
        found.remote.plant("answers-html", path=HEALTH, server="frontend")

        assert found.get("api", "/health/db").kind == "text/html"
        assert found.get("api", HEALTH).kind == "application/json"
        assert found.get("frontend", HEALTH).kind == "text/html"
        assert found.get("api", "/health/pam").kind == "application/json"

    def test_a_star_stands_for_every_path(self, found: RunningSandbox) -> None:
        """All health endpoints at once."""
        found.remote.plant("answers-unhealthy", path="/health/*", server="api")

        assert found.get("api", "/health/db").json["status"] == "unhealthy"
        assert found.get("api", HEALTH).json["status"] == "healthy"
