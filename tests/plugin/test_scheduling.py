"""Who gets which tests with ``-n``: a situation stays on one worker, health comes first, and the window is opened beside it."""

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.plugin.scheduling import BySituation

DIES = 0.3
"""How often a worker does, of the tests that it runs."""
HEALTH = [f"checks/test_health.py::test_{part}[as-is]" for part in ("api", "database", "front", "pam")]
ROWS = [f"checks/integrity/{name}.sql::{name}[as-is]" for name in ("orphans", "settings", "twice")]
PAGES = [f"checks/test_journeys.py::test_{name}[as-is-chromium]" for name in ("chat", "expense", "setting")]
WATCHED = [
    "checks/test_performance.py::test_memory_is_low[as-is]",
    "checks/test_performance.py::test_few_answers_are_errors[as-is]",
    "checks/test_success_criteria.py::test_error_rate_stays_low[as-is]",
    "checks/test_held_data.py::test_data_is_whole[as-is]",
    "checks/test_decision.py::test_errors_are_few[as-is]",
]


class Worker:
    """One that notes what it is asked to run."""

    def __init__(self, collected: list[str]) -> None:
        self.shutting_down = False
        self.gateway = SimpleNamespace(id="gw")
        self.config: Any = None
        self.asked: list[str] = []
        self._collected = collected

    def send_runtest_some(self, indices: list[int]) -> None:
        """What to run next."""
        self.asked += [self._collected[index] for index in indices]

    def shutdown(self) -> None:
        """There is no more."""
        self.shutting_down = True

    @property
    def begins(self) -> bool:
        """It runs a test when it knows what comes after it, or that nothing does."""
        return len(self.asked) > 1 or (self.shutting_down and bool(self.asked))


def scheduled(collected: list[str], workers: int) -> tuple[BySituation, list[Worker]]:
    """When all have collected, and before any test has begun."""
    config: Any = SimpleNamespace(
        option=SimpleNamespace(loadscopereorder=True), getvalue=lambda _: ["popen"] * workers, hook=SimpleNamespace()
    )
    scheduler = BySituation(config, SimpleNamespace(loadscopesched=lambda *_: None))
    nodes = [Worker(collected) for _ in range(workers)]
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, collected)
    scheduler.schedule()
    return scheduler, nodes


def spread(collected: list[str], workers: int) -> list[list[str]]:
    """What each is asked to run before any test has ended."""
    return [node.asked for node in scheduled(collected, workers)[1]]


def test_the_window_is_opened_beside_health() -> None:
    """Not when the rows and pages before it have been looked at: its time is as long as ever, and all others work inside it."""
    assert spread([*HEALTH, *ROWS, *WATCHED[:2], *PAGES, *WATCHED[2:]], 2) == [HEALTH, WATCHED]
    assert spread([*HEALTH, *ROWS, *WATCHED, *PAGES], 3) == [HEALTH, WATCHED, ROWS]


@pytest.mark.parametrize("collected", [[*HEALTH, *ROWS, *PAGES], [*ROWS, *HEALTH]])
def test_without_a_window_the_order_stays(collected: list[str]) -> None:
    """What comes first in one process comes first with several."""
    first, second = spread(collected, 2)
    assert [*first, *second] == collected[: len(first) + len(second)]


def test_a_situation_stays_on_one_worker() -> None:
    """Its action is done once, whatever files its tests stand in."""
    story = [name.replace("as-is", "after-frontend-restore") for name in (*HEALTH, *WATCHED, *PAGES)]
    assert spread([*HEALTH, *story], 2) == [HEALTH, story]


@settings(deadline=None, max_examples=200)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6), workers=st.integers(1, 3), turns=st.randoms())
def test_a_worker_that_dies_keeps_nobody_waiting(sizes: list[int], workers: int, turns: Random) -> None:
    """Whoever replaces it begins; all tests are run, each once, also that in which one died: its action would be done twice."""
    collected = [f"checks/test_{file}.py::test_{n}[as-is]" for file, tests in enumerate(sizes) for n in range(tests)]
    scheduler, _ = scheduled(collected, workers)
    starting: list[Worker] = []
    run: list[str] = []
    while scheduler.has_pending:
        able = [node for node in scheduler.nodes if node.begins]
        assert able or starting, "they all wait"
        node = turns.choice([*able, *starting])
        if node in starting:
            # As pytest-xdist: it is known before it has collected, and then all are looked at.
            starting.remove(node)
            scheduler.add_node_collection(node, collected)
            scheduler.schedule()
            continue
        run.append(node.asked.pop(0))
        if turns.random() < DIES:
            assert scheduler.remove_node(node) == run[-1]
            starting.append(Worker(collected))
            scheduler.add_node(starting[-1])
        else:
            scheduler.mark_test_complete(node, collected.index(run[-1]))

    assert sorted(run) == sorted(collected)
