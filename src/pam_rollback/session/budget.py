"""What this session asks of the product is told before anything is sent, and never exceeded.

On a sandbox that has no limits nobody is told, and nothing is counted. A real rollback is told, too, and waits for nobody until it
is done: a browser that the product shuts out finds nothing but its refusals.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.outside import pace
from pam_rollback.outside.pace import PAGE_LOAD, QUESTION, SIGN_IN, Pace
from pam_rollback.product.rules.limits import Budget
from pam_rollback.session import listeners, markers
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.asks import Around, asks_of
from pam_rollback.session.progress import progress_of
from pam_rollback.session.runbook import Runbook

_TAKES = "taken_baseline"
_ENDLESS = ("watch", "ramp", "load")
"""Phases that ask again and again: how fast is told, not how often."""


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell it, and hold to it. Raises pytest.UsageError for what is asked over and over and more than the product bears."""
    config = session.config
    runbook = runbook_module.of(config)
    if runbook is None or runbook.worker or runbook.options.dry_run or config.option.collectonly or not session.items:
        return
    environment = runbook.environment
    limits = environment.contract.limits
    if runbook.on_sandbox and not limits.known:
        return
    around = Around(environment, runbook.plan, runbook.pace, compares=runbook.stored is not None)
    budget = Budget(asks_of(session.items, around, _parts(session.items, config, environment)), limits)
    progress = progress_of(config, runbook)
    progress.phase("asks", str(budget))
    for lacking in budget.asks.too_few:
        progress.phase("too short", lacking)
    if budget.beyond:
        if runbook.options.real:
            return
        raise pytest.UsageError(f"{environment.name}: {'; '.join(budget.beyond)}")
    endless = any(markers.asks_for(config.option.markexpr, phase) for phase in _ENDLESS)
    kept = runbook.kept_to = _pace_of(runbook, budget, counted=not (endless or runbook.options.real))
    kept.patient = not runbook.options.real
    kept.told = progress.tell
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

    return Pace(
        {urlsplit(url).netloc for url in (urls.api, urls.backend) if url},
        paths=ours.paths,
        address=left(ours.address, sum(steady.values())),
        without_token=left(ours.without_token, sum(steady.values())),
        with_token=left(ours.with_token, steady[True]),
        client=left(ours.client, sum(steady.values())),
        free=limits.free,
        reserved=frozenset(one.path for one in asks.steady),
        budget={SIGN_IN: asks.sign_ins, PAGE_LOAD: asks.page_loads, QUESTION: asks.questions} if counted else {},
        sleep=Waiter(stop=runbook.stop).pause,
    )


def pytest_pam_notes(runbook: Runbook) -> list[str]:
    """What was asked of what was told."""
    kept = runbook.kept_to
    if kept is None:
        return []
    said = [f"{kept.spent[what]} of {most} {_plural(what)}" for what, most in kept.budget.items() if most]
    return [f"asked of the product, of what was told beforehand: {', '.join(said)}"] if said else []


def _plural(what: str) -> str:
    noun, _, rest = what.partition(" to ")
    return f"{noun}s{' to ' + rest if rest else ''}"
