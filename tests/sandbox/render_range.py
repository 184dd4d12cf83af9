"""A running range, seen through the stand-in for Render, and its visitors."""

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
from typing import Any
from urllib.parse import urlencode

import pytest

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote
from tests.sandbox.answer import Answer

SETTLED_WITHIN_S = 30
RUNNING = {"created", "queued", "build_in_progress", "update_in_progress"}


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


def newest(render: Render, commit: str) -> dict[str, Any]:
    """The deploy of a commit, as soon as there is one."""
    end_s = time.monotonic() + 5
    while time.monotonic() < end_s:
        deploy = render.deploys()[0]
        if deploy["commit"]["id"] == commit:
            return deploy
        time.sleep(0.02)
    raise AssertionError(f"no deploy of {commit}")


@pytest.fixture(scope="module")
def render_started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Render]:
    """A sandbox of its own."""
    with launch(tmp_path_factory.mktemp("deploys") / "sandbox.toml") as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        yield Render(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def render(render_started: Render) -> Render:
    """The provider as at the start."""
    render_started.remote.reset()
    return render_started
