"""What this session asks of the product is told before anything is sent, and never exceeded.

On a sandbox that has no limits nobody is told, and nothing is counted. A real rollback is told, too, and waits for nobody until it
is done: a browser that the product shuts out finds nothing but its refusals. What workers of pytest-xdist do counts together.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.outside import pace
from pam_rollback.outside.pace import PAGE_LOAD, QUESTION, SIGN_IN, Pace
from pam_rollback.outside.pace_book import Book, Line, Tally
from pam_rollback.product.rules.limits import Budget, Steady
from pam_rollback.session import listeners, markers
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.asks import Around, asks_of
from pam_rollback.session.progress import progress_of
from pam_rollback.session.runbook import Runbook

_TAKES = "taken_baseline"
_ENDLESS = ("watch", "ramp", "load")
"""Phases that ask again and again: how fast is told, not how often."""
_FIRST_WORKER = "gw0"
_TOLD, _DONE = "asks.json", "asked.txt"
"""Files of a run whose tests are spread over workers: what was told beforehand, and what was done of it."""


def pytest_configure(config: pytest.Config) -> None:
    """A worker of pytest-xdist knows before its controller does what the session asks."""
    runbook = runbook_module.of(config)
    if runbook is not None and runbook.worker:
        config.pluginmanager.register(_InWorker(), "pam-budget-of-a-worker")


class _InWorker:
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Each worker knows all tests: what it finds is what the session asks. The controller refuses, and tells."""
        runbook = runbook_module.of(session.config)
        assert runbook is not None  # as it was registered
        try:
            _hold(session, runbook)
        except pytest.UsageError as error:
            _write(runbook, {"refused": str(error)})


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell it, and hold to it. Raises pytest.UsageError for what is asked over and over and more than the product bears."""
    runbook = runbook_module.of(session.config)
    if runbook is not None and not runbook.worker:
        _hold(session, runbook)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """The same in the controller, before a worker is given the first test."""
    runbook = runbook_module.of(node.config)
    if runbook is not None and (refused := _told(runbook).get("refused")):
        raise pytest.UsageError(refused)


def _hold(session: pytest.Session, runbook: Runbook) -> None:
    config, real = session.config, runbook.options.real
    if runbook.options.dry_run or config.option.collectonly or not session.items:
        return
    environment = runbook.environment
    limits = environment.contract.limits
    if runbook.on_sandbox and not limits.known:
        return
    around = Around(environment, runbook.plan, runbook.pace, compares=runbook.stored is not None)
    budget = Budget(asks_of(session.items, around, _parts(session.items, config, environment)), limits)
    progress = progress_of(config, runbook)
    if runbook.worker in {"", _FIRST_WORKER}:
        progress.phase("asks", str(budget))
        for lacking in budget.asks.too_few:
            progress.phase("too short", lacking)
    if budget.beyond and real:
        return
    endless = any(markers.asks_for(config.option.markexpr, phase) for phase in _ENDLESS)
    kept = _pace_of(runbook, budget, counted=not (endless or real))
    kept.told = progress.tell
    beyond: list[str] = []

    def beside(others: Sequence[Line]) -> None:
        steady = tuple(Steady(one.what, one.per_minute, token=one.token) for one in others)
        beyond.extend(replace(budget, others=steady).beyond)
        if beyond and not real:
            raise pytest.UsageError(f"{environment.name}: {'; '.join(beyond)}")

    kept.begin(beside)
    if not beyond:  # else it would wait without end, also when it is done
        runbook.kept_to = kept
    if runbook.worker:
        _write(runbook, {"budget": dict(kept.budget)})
    with ExitStack() as held:
        held.enter_context(pace.held_to(kept))
        config.add_cleanup(held.pop_all().close)


def _parts(items: Sequence[pytest.Item], config: pytest.Config, environment: Environment) -> list[str]:
    """The fixtures that record the parts of a baseline, where one is taken."""
    if not any(_TAKES in getattr(item, "fixturenames", ()) for item in items):
        return []
    return [
        one.fixture
        for one in listeners.baseline_parts(config)
        if one.fixture and {*one.abilities} <= environment.abilities
    ]


def _pace_of(runbook: Runbook, budget: Budget, *, counted: bool) -> Pace:
    """What another process asks over and over is its own; the rest is what may be asked here."""
    urls, limits, ours, asks = runbook.environment.urls, budget.limits, budget.limits.ours, budget.asks
    steady = {token: round(budget.per_minute(token=token)) for token in (False, True)}

    def left(most: int | None, taken: int) -> int | None:
        return None if most is None else max(1, most - taken)

    hosts = [urlsplit(url).netloc for url in (urls.api, urls.backend) if url]
    return Pace(
        {*hosts},
        paths=ours.paths,
        address=left(ours.address, sum(steady.values())),
        without_token=left(ours.without_token, sum(steady.values())),
        with_token=left(ours.with_token, steady[True]),
        client=left(ours.client, round(budget.per_minute_of_client(browser=False))),
        free=limits.free,
        steady=[(one.path, 0.0 if one.path in limits.free else one.per_minute, one.token) for one in asks.steady],
        patient=not runbook.options.real,
        budget={SIGN_IN: asks.sign_ins, PAGE_LOAD: asks.page_loads, QUESTION: asks.questions} if counted else {},
        sleep=Waiter(stop=runbook.stop).pause,
        book=Book.of(hosts[0]) if hosts and limits.known else Book(),
        tally=Tally(runbook.folder / _DONE) if runbook.worker else None,
        session=f"{runbook.id} {runbook.folder}",  # people may call two runs the same, in two places
        worker=runbook.worker,
    )


def pytest_pam_notes(runbook: Runbook) -> list[str]:
    """What was asked of what was told."""
    kept = runbook.kept_to
    budget: Mapping[str, int] = _told(runbook).get("budget", {}) if kept is None else kept.budget
    spent = Counter(Tally(runbook.folder / _DONE).done) if kept is None else kept.spent
    said = [f"{spent[what]} of {most} {_plural(what)}" for what, most in budget.items() if most]
    return [f"asked of the product, of what was told beforehand: {', '.join(said)}"] if said else []


def _write(runbook: Runbook, told: Mapping[str, Any]) -> None:
    """For the controller, which does not know the tests."""
    draft = runbook.folder / f"{_TOLD}.{runbook.worker}"
    draft.write_text(json.dumps(told), encoding="utf-8")
    draft.replace(runbook.folder / _TOLD)


def _told(runbook: Runbook) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads((runbook.folder / _TOLD).read_text(encoding="utf-8"))
    except OSError:
        return {}
    return told


def _plural(what: str) -> str:
    noun, _, rest = what.partition(" to ")
    return f"{noun}s{' to ' + rest if rest else ''}"
