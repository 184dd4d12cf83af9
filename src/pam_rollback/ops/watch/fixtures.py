"""The watch: a turn of looks at what users are answered, the incident that they may show, and its options and notes."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.wait import Waiter
from pam_rollback.decision.deciding import Here, recommended, refused_in
from pam_rollback.decision.decision import decide
from pam_rollback.decision.decision_states import MEMORY
from pam_rollback.decision.watcher import Watcher
from pam_rollback.ops.watch.channel import people
from pam_rollback.ops.watch.eyes import Eyes, before, criteria, look, probing, with_memory
from pam_rollback.ops.watch.looks import Look, Moment, Streaks, Turn, length_s
from pam_rollback.ops.watch.turn_polls import NOTES, Advised, Tell, WatchFiles, Watching, WatchTools
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin import listeners, markers
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.progress import Progress
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.records.memory_lately import memory_lately
from pam_rollback.target.environment import Environment

_ON_SANDBOX_S, _ELSEWHERE_S = 15.0, 60.0


_OWN_SANDBOX_S = 120.0


@pytest.fixture(scope="session")
@titled("The watch looks until its turn is over")
def watched(
    in_situation: object,
    environment: Environment,
    plan: Plan,
    runbook: Runbook,
    clock: Clock,
    waiter: Waiter,
    progress: Progress,
    pytestconfig: pytest.Config,
) -> Turn:
    """One turn. Raises MeasurementFailed when the prober does not begin, or the journal cannot be read."""
    del in_situation  # entered before anybody looks
    lines: list[str] = []

    def say(line: str) -> None:
        shown = runbook.secrets.show(f"{clock.wall():%H:%M:%S} UTC watch: {line}")
        lines.append(shown)
        del lines[1 : 1 - _NOTED]  # the first says what nobody judges
        progress.announce(f"  {shown}")

    def looked() -> Look:
        return with_memory(look(environment, eyes, clock), lately, plan)

    with ExitStack() as stack:
        eyes = Eyes(
            lambda number: probing(environment, runbook, clock, number),
            lambda seen: Watcher(seen, plan, runbook.pace, before(runbook)),
        )
        stack.callback(eyes.close)
        option = pytestconfig.option
        usual_s = _ON_SANDBOX_S if runbook.on_sandbox else _ELSEWHERE_S
        lately = memory_lately(environment)
        every_s = length_s(option.pam_look_every) if option.pam_look_every else usual_s
        watched = criteria(runbook) if lately is None else (*criteria(runbook), MEMORY)
        tools = WatchTools(
            files=WatchFiles(_folder(environment, runbook, pytestconfig), runbook.secrets.redact),
            look=looked,
            advise=lambda criteria, streaks: _advised(pytestconfig, runbook, criteria, streaks),
            title=lambda criterion: plan.item(criterion).title,
            listeners=_listeners(pytestconfig, environment, runbook),
            now=lambda: Moment(_passed_s(), clock.wall().timestamp()),
            pause=waiter.pause,
            say=say,
            environment=environment.name,
            run=runbook.id,
            every_s=every_s,
            length_s=length_s(option.pam_turn)
            if option.pam_turn
            else _OWN_SANDBOX_S
            if runbook.own_sandbox
            else _FOR_EVER_S,
            watched=watched,
            not_judged=tuple(
                name for name in (*plan.immediate_criteria, *plan.consider_criteria) if name not in watched
            ),
        )
        say(f"does not judge {', '.join(tools.not_judged)}: pytest -m decision does")
        say(f"looks every {every_s:g} s at {', '.join(watched)}; tells {', '.join(tools.listeners) or 'nobody'}")
        try:
            turn = Watching(tools).turn()
            say(str(turn))
        finally:
            runbook.folder.joinpath(NOTES).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return turn


_NOTED = 50


_FOR_EVER_S = float("inf")


def _folder(environment: Environment, runbook: Runbook, config: pytest.Config) -> Path:
    where = runbook.options.state_dir or config.rootpath / "reports" / "state"
    return runbook.folder / "state" if runbook.own_sandbox else where / environment.name


def _passed_s() -> float:
    """Since this machine started, its sleep included where the system counts that."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _listeners(config: pytest.Config, environment: Environment, runbook: Runbook) -> dict[str, Tell]:
    """Who listens, by names that are the same on another machine."""
    found = people(environment, runbook.plan, runbook.journal)
    for name, shown in listeners.of_incidents(config).items():
        found[shown.removeprefix(f"{config.rootpath}/")] = lambda what, incident, name=name: listeners.tell_one(
            config, what, name, incident
        )  # type: ignore[misc]
    return found


def _advised(config: pytest.Config, runbook: Runbook, criteria: Sequence[str], streaks: Streaks) -> Advised:
    """What the decision would say of these criteria."""
    latest = [streak.latest for name in criteria if (streak := streaks.of.get(name)) is not None]
    asking = [one for one in latest if one is not None]
    refused = refused_in(runbook.plan, runbook.environment)
    decision = decide(runbook.plan, asking, observed={}, vouched={}, refused=refused)
    here = Here(
        plan=runbook.plan,
        root=config.rootpath,
        environment=runbook.environment.name,
        env=runbook.options.env,
        on_sandbox=runbook.on_sandbox,
        answer_with="",
    )
    record = recommended(here, decision)
    strategy = record.strategy
    if strategy is None:
        return Advised(record.recommendation, "", record.caution or "no strategy is named for it", "", "")
    title = f"first: {record.caution}; then: {strategy.title}" if record.caution else strategy.title
    return Advised(record.recommendation, strategy.id, title, strategy.past, strategy.command)


PHASE = "watch"


def pytest_pam_begins(config: pytest.Config) -> None:
    """Refuse times that are none."""
    if not markers.asks_for(config.option.markexpr, PHASE):
        return
    for option in ("--turn", "--look-every"):
        text = getattr(config.option, f"pam{option[1:].replace('-', '_')}")
        try:
            _ = length_s(text) if text else 0
        except ValueError as error:
            raise pytest.UsageError(f"{option} {error}") from None


def pytest_pam_notes(run_folder: Path) -> list[str]:
    """What it said."""
    file = run_folder / NOTES
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
