"""A running sandbox, seen through real sockets."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.answer import Answer, asked
from tests.sessions import RunningSandbox

BACK_WITHIN_S = 10
SETTLED_WITHIN_S = 30
RUNNING = {"created", "queued", "build_in_progress", "update_in_progress"}


@dataclass(frozen=True)
class Found(RunningSandbox):
    """A running sandbox of the plan's product."""

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


@pytest.fixture
def found(running_sandbox: RunningSandbox) -> Iterator[Found]:
    """The sandbox as it was at the start, and what these tests ask of the hosts is forgotten afterwards."""
    running_sandbox.remote.reset()
    yield Found(running_sandbox.file, running_sandbox.state, running_sandbox.remote)
    running_sandbox.remote.reset()
