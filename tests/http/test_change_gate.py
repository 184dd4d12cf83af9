"""Every client asks right before each request that changes something: whoever lost the lock sends nothing more, by whichever way."""

import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed, LockLost
from pam_rollback.core.wait import before_change, gated_by
from pam_rollback.plan.flags import Flag
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.providers.netlify import NetlifySite, netlify_api
from pam_rollback.rollback.providers.render import RenderDeploys, render_api
from pam_rollback.target.hosts import Netlify, Render
from pam_rollback.target.pam_api import CacheApi, EmergencyApi, FlagApi
from tests.bare_repository import git


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A host that answers everything with a busy gateway, and what it was asked."""
    asked: list[str] = []

    class Host(BaseHTTPRequestHandler):
        def answer(self) -> None:
            """As busy as can be."""
            asked.append(f"{self.command} {self.path}")
            self.send_response(HTTPStatus.BAD_GATEWAY)
            self.end_headers()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - names of the library

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", asked
    listening.shutdown()
    listening.server_close()


def lost(what: str) -> None:
    """Another session has the lock."""
    raise LockLost(f"stopped before {what}")


def netlify(url: str) -> NetlifySite:
    """The client of a site."""
    settings = Netlify(site_id="s-1", api_url=url)
    return NetlifySite(netlify_api(settings, "token", patience_s=0), settings)


def render(url: str) -> RenderDeploys:
    """The client of a service."""
    settings = Render(service_id="srv-1", api_url=url)
    return RenderDeploys(render_api(settings, "token", patience_s=0), settings)


CHANGES: dict[str, Callable[[str], object]] = {
    "flags": lambda url: FlagApi(url, "t").set_flags({"A": Flag(enabled=False, rollout_pct=0)}),
    "emergency": lambda url: EmergencyApi(url, "t").call("why", "who"),
    "caches": lambda url: CacheApi(url, "t").clear(),
    "netlify, restore": lambda url: netlify(url).restore("d-1"),
    "netlify, lock": lambda url: netlify(url).lock("d-1"),
    "render, rollback": lambda url: render(url).restore("dep-1"),
    "render, settings": lambda url: render(url).set_auto_deploy(on=False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_sent_without_the_lock(server: tuple[str, list[str]], change: str) -> None:
    """The same call sends its request where the gate is open."""
    url, asked = server
    with gated_by(lost), pytest.raises(LockLost, match="stopped before"):
        CHANGES[change](url)
    assert asked == []
    with gated_by(lambda _what: None), pytest.raises(ActionFailed):
        CHANGES[change](url)
    assert asked
    assert not any(request.startswith("GET") for request in asked)


def test_reading_goes_on_without_the_lock(server: tuple[str, list[str]]) -> None:
    """Whoever lost it may look."""
    url, asked = server
    with gated_by(lost), pytest.raises(ActionFailed, match="could not be read"):
        FlagApi(url, "t").read_flags()
    assert asked == ["GET /"]


def test_nothing_is_pushed_without_the_lock(tmp_path: Path) -> None:
    """The branch stays where it is."""
    origin, work = tmp_path / "origin.git", tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--bare", "--template=", str(origin))
    git(tmp_path, "init", "--quiet", "--template=", str(work))
    git(work, "commit", "--quiet", "--allow-empty", "-m", "one")
    git(work, "push", "--quiet", str(origin), "HEAD:refs/heads/main")
    head = git(work, "rev-parse", "HEAD")
    with open_repository(GitCommand(str(origin))) as repository:
        with gated_by(lost), pytest.raises(LockLost):
            repository.push(head, "emergency", seen=None)
        assert git(origin, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
        repository.push(head, "emergency", seen=None)
    assert "refs/heads/emergency" in git(origin, "for-each-ref", "--format=%(refname)")


def test_a_gate_is_gone_with_its_block() -> None:
    """Also when it objected."""
    with pytest.raises(LockLost), gated_by(lost):
        before_change("the flags")
    before_change("the flags")
