"""The stand-in for Render's API: its contract, and that what it tells is what really happened."""

from __future__ import annotations

import json
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    json: Any


@dataclass(frozen=True)
class Render:
    """A running range, seen through its provider."""

    state: Mapping[str, Any]
    remote: Remote

    @property
    def service(self) -> str:
        """The id of the service."""
        return str(self.state["render"]["service_id"])

    def get(self, path: str, query: Mapping[str, object] | None = None, *, key: str | None = None) -> Answer:
        """Ask the provider."""
        token = self.state["sandbox"]["variables"]["RENDER_API_KEY"] if key is None else key
        url = f"{self.state['render']['api_url']}{path}?{urlencode(query or {})}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return Answer(
                    answer.status, {k.lower(): v for k, v in answer.headers.items()}, json.loads(answer.read())
                )
        except urllib.error.HTTPError as error:
            with error:
                lowered = {k.lower(): v for k, v in error.headers.items()}
                return Answer(error.code, lowered, json.loads(error.read()))

    def metric(self, name: str, since: float, **more: object) -> list[dict[str, Any]]:
        """The series of a metric since a moment, by seconds."""
        start = datetime.fromtimestamp(since, UTC).isoformat()
        answer = self.get(
            f"/metrics/{name}", {"resource": self.service, "startTime": start, "resolutionSeconds": 1, **more}
        )
        assert answer.status == 200, answer
        series: list[dict[str, Any]] = answer.json
        return series

    def visit(self, path: str, timeout_s: float = 10) -> int:
        """Ask the product; 0 when the visitor gave up."""
        try:
            with urllib.request.urlopen(self.state["urls"]["api"] + path, timeout=timeout_s) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except TimeoutError:
            return 0


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Render]:
    """A sandbox of its own."""
    with launch(tmp_path_factory.mktemp("render") / "sandbox.toml") as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        yield Render(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def render(started: Render) -> Render:
    """The provider, telling the truth."""
    started.remote.clear_all()
    return started


def fresh_second() -> float:
    """Wait for the next whole second, so that what follows is told apart from what was."""
    now = time.time()
    time.sleep(1.01 - now % 1)
    return float(int(time.time()))


def labels(series: Mapping[str, Any]) -> dict[str, str]:
    """As a mapping."""
    return {label["field"]: label["value"] for label in series["labels"]}


def total(series: Mapping[str, Any]) -> float:
    """Of all its values."""
    return float(sum(value["value"] for value in series["values"]))


def test_requests_are_those_that_were_made(render: Render) -> None:
    """By status and in all, at the moments at which they were."""
    since = fresh_second()
    statuses = [render.visit(path) for path in ("/health",) * 7 + ("/api/v1/expenses",) * 3 + ("/nowhere",) * 2]
    by_status = render.metric("http-requests", since, aggregateBy="statusCode")

    assert {labels(series)["statusCode"]: total(series) for series in by_status} == {
        str(status): statuses.count(status) for status in set(statuses)
    }
    assert [total(series) for series in render.metric("http-requests", since)] == [12]
    assert {series["unit"] for series in by_status} == {"unitless"}
    moments = [datetime.fromisoformat(value["timestamp"]).timestamp() for value in by_status[0]["values"]]
    assert all(since <= moment <= time.time() for moment in moments)


def test_what_fails_and_what_is_given_up_is_on_record(render: Render) -> None:
    """Errors of the proxy as 5xx; a visitor who went away as 499, as Render has it."""
    since = fresh_second()
    render.remote.plant("answers-503-healthy", path="/health", server="api")
    render.remote.plant("answers-silence", path="/version", server="api")
    assert (render.visit("/health"), render.visit("/version", timeout_s=0.3)) == (503, 0)
    time.sleep(0.2)
    found = {
        labels(series)["statusCode"]: total(series)
        for series in render.metric("http-requests", since, aggregateBy="statusCode")
    }

    assert found == {"503": 1, "499": 1}


def test_latency_is_what_visitors_waited(render: Render) -> None:
    """The quantile that was asked for, in ms."""
    since = fresh_second()
    render.remote.plant("answers-slowly", path="/health", server="api", ms=300)
    for _ in range(3):
        render.visit("/health")
    [series] = render.metric("http-latency", since, quantile=0.95)

    assert series["unit"] == "ms"
    assert all(295 < value["value"] < 1500 for value in series["values"])


def test_memory_is_that_of_the_live_process_and_a_new_one_is_another_instance(render: Render) -> None:
    """In bytes; a release that goes live is a process of its own."""
    since = fresh_second()
    pids = []
    for name in ("candidate", "stable", "candidate"):
        render.remote.go_live(name)
        pids.append(render.remote.identity()["releases"][name]["pid"])
        time.sleep(1.2)
    found = {labels(series)["instance"]: series for series in render.metric("memory", since)}

    assert len(set(pids)) == 3
    assert set(found) == {f"{render.service}-{pid}" for pid in pids}
    held = int(Path(f"/proc/{pids[-1]}/statm").read_text(encoding="ascii").split()[1]) * 4096
    told = found[f"{render.service}-{pids[-1]}"]
    assert told["unit"] == "bytes"
    assert told["values"][-1]["value"] == pytest.approx(held, rel=0.2)


def test_steps_are_as_long_as_asked(render: Render) -> None:
    """Each begins at a multiple of its length, and has everything of its time."""
    render.visit("/health")
    start = datetime.fromtimestamp(time.time() - 600, UTC).isoformat()
    query = {"resource": render.service, "startTime": start}
    coarse = render.get("/metrics/http-requests", {**query, "resolutionSeconds": 300}).json[0]["values"]
    fine = render.get("/metrics/http-requests", {**query, "resolutionSeconds": 1}).json[0]["values"]

    assert all(datetime.fromisoformat(value["timestamp"]).timestamp() % 300 == 0 for value in coarse)
    assert sum(value["value"] for value in coarse) <= sum(value["value"] for value in fine)


@pytest.mark.parametrize(
    ("path", "query", "status", "message"),
    [
        ("/metrics/memory", {}, 400, "resource is required"),
        ("/metrics/memory", {"resource": "srv-other"}, 404, "not found: srv-other"),
        ("/services/srv-other", {}, 404, "not found"),
        ("/nowhere", {}, 404, "not found"),
        ("/metrics/memory", {"resource": "", "resolutionSeconds": 0}, 400, "resolutionSeconds must be at least 1"),
        ("/metrics/memory", {"resource": "", "startTime": "yesterday"}, 400, "invalid query"),
        ("/metrics/memory", {"resource": "", "startTime": "2026-11-25T10:00:00"}, 400, "has no time zone"),
        (
            "/metrics/memory",
            {"resource": "", "endTime": "2020-01-01T00:00:00Z", "startTime": "2021-01-01T00:00:00Z"},
            400,
            "",
        ),
        ("/metrics/http-requests", {"resource": "", "aggregateBy": "colour"}, 400, "aggregateBy 'colour'"),
        (
            "/metrics/memory",
            {
                "resource": "",
                "startTime": "2026-01-01T00:00:00Z",
                "endTime": "2026-01-08T00:00:00Z",
                "resolutionSeconds": 1,
            },
            500,
            "internal server error",
        ),
    ],
)
def test_bad_questions_are_refused_as_render_does(
    render: Render, path: str, query: dict[str, object], status: int, message: str
) -> None:
    """With an id and a message."""
    own = {name: value or (render.service if name == "resource" else value) for name, value in query.items()}
    answer = render.get(path, own)

    assert (answer.status, set(answer.json)) == (status, {"id", "message"})
    assert message in answer.json["message"]


def test_the_service_is_known_and_only_to_whom_has_the_key(render: Render) -> None:
    """Whose it is, and that it is not suspended."""
    found = render.get(f"/services/{render.service}")

    assert found.status == 200
    assert (found.json["ownerId"], found.json["suspended"]) == (render.state["render"]["owner_id"], "not_suspended")
    refused = render.get(f"/services/{render.service}", key="rnd_wrong")
    assert (refused.status, refused.json["message"]) == (401, "unauthorized")


def test_the_limit_is_told_with_each_answer(render: Render) -> None:
    """How many are left, and when it begins anew."""
    first = render.get(f"/services/{render.service}").headers
    second = render.get(f"/services/{render.service}").headers

    assert first["ratelimit-limit"] == "400"
    assert int(second["ratelimit-remaining"]) in {int(first["ratelimit-remaining"]) - 1, 399}
    assert 0 < int(second["ratelimit-reset"]) <= 60


def test_a_refusal_for_the_limit_is_lifted_with_its_fault(render: Render) -> None:
    """What was planted leaves nothing behind."""
    render.remote.plant("render-metrics", what="rate-limited")
    refused = render.get(f"/services/{render.service}")
    render.remote.clear_all()

    assert (refused.status, refused.json["message"]) == (429, "rate limit exceeded")
    assert int(refused.headers["ratelimit-reset"]) > 0
    assert render.get(f"/services/{render.service}").status == 200
