"""Programs that are here, and the registry of packages, over a stand-in."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.rollback.npm_build import programs_here, registry_answers

NO_PACKAGE = json.dumps({"packages": {"": {"name": "site"}}})
ONE_PACKAGE = json.dumps({"packages": {"": {"name": "site"}, "node_modules/react": {"version": "19.0.0"}}})


@pytest.fixture
def registry() -> Iterator[str]:
    """One that answers a ping."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_programs_that_are_here_say_their_versions() -> None:
    """Git is: this repository came from it."""
    assert programs_here("git", deadline_s=10).startswith("git 2")


def test_a_program_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ActionFailed, match="there is no node on this machine; install it"):
        programs_here("node", "npm", deadline_s=10)


def test_a_registry_is_asked_only_where_a_build_needs_one(monkeypatch: pytest.MonkeyPatch, registry: str) -> None:
    """And answers, or not, or is not known."""
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9/")
    assert registry_answers(NO_PACKAGE, deadline_s=20) == "no build needs a package"
    with pytest.raises(ActionFailed, match=r"the registry cannot be reached: .*; a build needs 1 packages of it"):
        registry_answers(ONE_PACKAGE, deadline_s=20)
    for unknown in (None, "{", "{}"):
        with pytest.raises(MeasurementFailed, match="what a build needs is not known"):
            registry_answers(unknown, deadline_s=20)

    monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry)
    assert registry_answers(ONE_PACKAGE, deadline_s=20) == "the registry answers, for 1 packages"


def test_a_registry_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        with pytest.raises(ActionFailed, match="did not answer within 2 s"):
            registry_answers(ONE_PACKAGE, deadline_s=2)
