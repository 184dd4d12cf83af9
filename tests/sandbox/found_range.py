"""A running sandbox, seen through real sockets."""

import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pam_sandbox.launch import launch
from pam_sandbox.remote import Remote
from tests.sandbox.answer import Answer, asked

BACK_WITHIN_S = 10
SETTLED_WITHIN_S = 30
RUNNING = {"created", "queued", "build_in_progress", "update_in_progress"}


@dataclass(frozen=True)
class RunningSandbox:
    """A running sandbox of the plan's product."""

    state: Mapping[str, Any]
    remote: Remote

    @property
    def variables(self) -> Mapping[str, str]:
        """The invented secrets."""
        found: Mapping[str, str] = self.state["sandbox"]["variables"]
        return found

    def get(self, server: str, path: str) -> Answer:
        """What the `api` or the `frontend` answers."""
        return asked(f"{self.state['urls'][server]}{path}")

    def control(self, method: str, path: str, body: bytes | None = None, token: str | None = None) -> Answer:
        """A bare request to the control API."""
        given = token if token is not None else f"Bearer {self.state['sandbox']['token']}"
        headers = {"Authorization": given} if given else {}
        return asked(f"{self.state['sandbox']['control_url']}{path}", method, body, headers)

    def render(self, method: str, path: str = "", body: object = None) -> Answer:
        """Ask Render for something of the service."""
        table = self.state["render"]
        headers = {"Authorization": f"Bearer {self.variables['RENDER_API_KEY']}"}
        return asked(f"{table['api_url']}/services/{table['service_id']}{path}", method, body, headers)

    def deploys(self, **query: object) -> list[dict[str, Any]]:
        """Render's list, the newest first."""
        answer = self.render("GET", f"/deploys?{urlencode(query, doseq=True)}")
        assert answer.status == 200, answer
        return [item["deploy"] for item in answer.json]

    def settled(self, deploy_id: str) -> str:
        """How a deploy ended."""
        found: dict[str, Any] = {}

        def is_over() -> bool:
            found.update(self.render("GET", f"/deploys/{deploy_id}").json)
            return found["status"] not in RUNNING

        eventually(is_over, f"{deploy_id} is over", SETTLED_WITHIN_S)
        return str(found["status"])

    def roll_back(self) -> str:
        """Ask for the release before; gives the new deploy."""
        answer = self.render("POST", "/rollback", {"deployId": self.deploys()[-1]["id"]})
        assert answer.status == 201, answer
        return str(answer.json["id"])


def eventually(holds: Callable[[], bool], what: str, within_s: float = BACK_WITHIN_S) -> None:
    """Wait until `holds`."""
    end_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end_s, what
        time.sleep(0.02)


@pytest.fixture(scope="session")
def whole_range() -> Iterator[RunningSandbox]:
    """One sandbox for all tests of this folder."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.toml"
        with launch(file):
            state = tomllib.loads(file.read_text(encoding="utf-8"))
            yield RunningSandbox(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def found(whole_range: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox as it was at the start."""
    whole_range.remote.reset()
    yield whole_range
    whole_range.remote.reset()
    whole_range.remote.forget_received()
    whole_range.remote.set_status_page()
