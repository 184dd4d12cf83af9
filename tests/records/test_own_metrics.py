"""Memory by the product's own metrics: of the process that answers users, or not known."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation import memory_readings
from pam_rollback.observation.memory import MemoryReading
from pam_rollback.observation.memory_readings import memory_reader
from pam_rollback.product.contract import Mark

MARK = Mark.model_validate({"path": "/health", "json": "/uptime", "tells": "uptime_s"})


def reader(
    monkeypatch: pytest.MonkeyPatch, *bodies: Any, started: float | None = 100.0, marks: tuple[Mark, ...] = (MARK,)
) -> tuple[Callable[[], MemoryReading], list[str]]:
    """Of a process that began so long ago, beside health answers with these bodies; and what was asked."""
    asked: list[str] = []

    def fetch(url: str, **_: object) -> Any:
        asked.append(url)
        return SimpleNamespace(json=bodies[min(len(asked), len(bodies)) - 1])

    def read(*_: object, **__: object) -> MemoryReading:
        return MemoryReading(0, 50.0, None if started is None else time.time() - started)

    monkeypatch.setattr(memory_readings, "fetch", fetch)
    monkeypatch.setattr(memory_readings, "read_memory", read)
    environment: Any = SimpleNamespace(
        url_of=lambda _: "http://m/metrics",
        urls=SimpleNamespace(api="http://m"),
        probing=SimpleNamespace(request_deadline_s=1),
        contract=SimpleNamespace(marks=marks),
    )
    return memory_reader(environment), asked


@pytest.mark.parametrize("body", [{"uptime": 100}, {"uptime": 120}, {}, None, {"uptime": "long"}])
def test_what_agrees_or_does_not_tell_is_taken(monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    """Asked once a minute, and not at each reading."""
    read, asked = reader(monkeypatch, body)

    assert {read().mb for _ in range(5)} == {50.0}
    assert len(asked) == 1


def test_one_of_several_processes_may_answer_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is the one whose figures they are."""
    read, asked = reader(monkeypatch, {"uptime": 5000}, {"uptime": 101})

    assert read().mb == 50.0
    assert asked == ["http://m/health"] * 2


def test_figures_of_another_process_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is read."""
    read, _ = reader(monkeypatch, {"uptime": 5000})

    for _ in range(2):
        with pytest.raises(
            MeasurementFailed, match="tells of a process that began 4900 s after the one that answers users"
        ):
            read()


@pytest.mark.parametrize(("started", "marks"), [(None, (MARK,)), (100.0, ())])
def test_without_a_start_or_a_mark_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, started: float | None, marks: tuple[Mark, ...]
) -> None:
    """Then nothing can be held against each other."""
    read, asked = reader(monkeypatch, {}, started=started, marks=marks)

    assert read().mb == 50.0
    assert asked == []
