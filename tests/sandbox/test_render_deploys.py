"""The stand-in for Render's deploys: what it calls live is what users get, and what it does not do by itself."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.sandbox.found_range import Found, eventually


@contextmanager
def visitors(found: Found, count: int = 4) -> Iterator[list[str]]:
    """Ask the API all the time; gives what was answered: the release, or the status."""
    answers: list[str] = []
    stop = threading.Event()

    def visit() -> None:
        while not stop.wait(0.005):
            answer = found.get("api", "/version")
            answers.append(answer.json["release"] if answer.status == 200 else str(answer.status))

    threads = [threading.Thread(target=visit) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_no_request_is_dropped_by_a_rollback(found: Found) -> None:
    """Under load each is answered, by the old release and then by the new one; only the live one keeps running."""
    with visitors(found) as answers:
        time.sleep(0.5)
        status = found.settled(found.roll_back())
        time.sleep(0.5)

    assert status == "live"
    assert set(answers) == {"1.42.0", "1.41.3"}
    assert "1.42.0" not in answers[answers.index("1.41.3") + 20 :]
    eventually(lambda: found.remote.identity()["releases"]["candidate"]["pid"] is None, "the old release has ended")


@pytest.mark.parametrize(("trigger", "brought_back"), [("commit", "1.42.0"), ("off", "1.41.3")])
def test_the_next_push_brings_the_bad_release_back_unless_autodeploy_is_off(
    found: Found, trigger: str, brought_back: str
) -> None:
    """What a rollback does not do by itself, and what comes of it."""
    found.render("PATCH", "", {"autoDeployTrigger": trigger})
    rolled_back = found.roll_back()
    found.settled(rolled_back)
    commit = found.remote.push()
    if trigger == "commit":
        eventually(lambda: bool(found.deploys()[0]["commit"]["id"] == commit), "a deploy of the push")
        found.settled(found.deploys()[0]["id"])
    else:
        time.sleep(0.3)
        assert found.deploys()[0]["id"] == rolled_back

    assert found.get("api", "/version").json["release"] == brought_back


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "deployId is required"),
        (b"deployId=dep-1", 400, "must be a JSON object"),
        ({"deployId": "dep-unknown"}, 404, "not found: dep-unknown"),
        ({"deployId": "dep-unknown", "force": True}, 400, "not described: force"),
    ],
)
def test_what_is_refused(found: Found, body: object, status: int, words: str) -> None:
    """With the provider's two fields, and nothing moves."""
    answer = found.render("POST", "/rollback", body)

    assert (answer.status, set(answer.json)) == (status, {"id", "message"})
    assert words in answer.json["message"]
    assert len(found.deploys()) == 2


def test_a_release_that_does_not_get_healthy_leaves_the_traffic_where_it_is(found: Found) -> None:
    """update_failed, and users keep what they had."""
    found.remote.plant("release-down", release="stable")

    assert found.settled(found.roll_back()) == "update_failed"
    assert found.get("api", "/version").json["release"] == "1.42.0"
    assert found.deploys(status="live")[0]["trigger"] == "new_commit"
