"""The environment that a session works on, its situation, and the table of criteria."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import allure
import pytest

from pam_rollback.core.clock import Clock, SystemClock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.figures import Entered, Fact, Scored, duration
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import SITUATIONS
from pam_rollback.plugin import guard, pytest_options
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.baseline_files import stored_baseline
from pam_rollback.plugin.classification import FIGURES, KNOWN, STOOD_IN_THE_WAY, UNANSWERED
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.progress import Progress, progress_of
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS
from pam_rollback.rollback.journal import ACTION_FAILED, Journal
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.known_before import (
    Finding,
    Judge,
    Judged,
    JudgedFindings,
    KnownBefore,
    answers_in,
    unanswered_on,
)
from pam_rollback.target.served_release import ExpectedReleases

if TYPE_CHECKING:
    from pam_rollback.report.baseline_record import Baseline
    from pam_sandbox.remote import Remote


def pytest_configure(config: pytest.Config) -> None:
    """Whoever reads conftest.py without the suite's plug-in would have pytest's own verdict, which knows nothing of GO."""
    pytest_options.refuse_missing_parts(config)


@pytest.fixture(scope="session")
def runbook(pytestconfig: pytest.Config) -> Runbook:
    """This session: its folder, options, plan and journal."""
    found = runbook_module.of(pytestconfig)
    if found is None:
        raise MeasurementFailed("this session does not run the runbook: name checks/ or drills/")
    return found


@pytest.fixture(scope="session")
def plan(runbook: Runbook) -> Plan:
    """The rollback plan, with the figures that hold in this environment."""
    return runbook.plan


@pytest.fixture(scope="session")
def clock() -> Clock:
    """The machine's clock."""
    return SystemClock()


@pytest.fixture(scope="session")
def waiter(runbook: Runbook, clock: Clock) -> Waiter:
    """Waits that end when somebody asks this run to stop."""
    return Waiter(clock, runbook.stop)


@pytest.fixture(scope="session")
@titled("The environment is there")
def environment(
    runbook: Runbook, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """The environment with all its addresses: the one named by ``--env``, or a sandbox that lives as long as the session."""
    if not runbook.own_sandbox:
        yield runbook.environment
        return
    from pam_sandbox.launch import launch  # noqa: PLC0415 - for sessions that start one
    from pam_sandbox.problems import SandboxError  # noqa: PLC0415 - the same

    state_file = tmp_path_factory.mktemp("sandbox") / "sandbox.toml"
    try:
        with launch(state_file):
            started = _load(state_file, pytestconfig)
            # What the file extends, and the variables of this process, may name other addresses than the sandbox made.
            guard.prove(started)
            runbook.use(started)
            yield started
    except SandboxError as error:
        raise MeasurementFailed(f"the sandbox does not start: {error}") from error


@pytest.fixture(scope="session")
def sandbox_controls(environment: Environment, runbook: Runbook, pytestconfig: pytest.Config) -> "Remote":
    """The sandbox's controls: faults, releases and what its sinks received. Only a sandbox has them."""
    if runbook.own_sandbox:
        progress_of(pytestconfig, runbook).phase("sandbox", "starting")
    if environment.sandbox is None:
        raise MeasurementFailed(f"{environment.name} is not the sandbox: nothing can be planted there")
    from pam_sandbox.remote import Remote  # noqa: PLC0415 - for sessions on a sandbox

    return Remote(environment.sandbox.control_url, environment.sandbox.token)


def _load(state_file: Path, config: pytest.Config) -> Environment:
    return load_environment(str(state_file), config.rootpath / "environments", os.environ)


@pytest.fixture(scope="session")
def progress(pytestconfig: pytest.Config, runbook: Runbook) -> Progress:
    """Tells people how far a long wait is."""
    return progress_of(pytestconfig, runbook)


@pytest.fixture(scope="session")
def evidence(situation: str, runbook: Runbook) -> Path:
    """The folder of what is recorded in this situation. Raises MeasurementFailed when it cannot be made."""
    return runbook.evidence(situation)


@pytest.fixture(scope="session")
def situation(request: pytest.FixtureRequest) -> str:
    """The state of the world in which a test runs: as-is, baseline, or after a story's rollback."""
    return str(request.param)


@pytest.fixture(scope="session")
def journal(situation: str, environment: Environment, runbook: Runbook) -> Journal:
    """What the action of this situation did. What it owes says to which environment; it reads no other situation's notes."""
    return runbook.journal_of(situation)


_EARLY = (("watch", "observation"), ("held_window", "prober"), ("held_writes", "window_writes"))
"""What is judged over a time, and what has to run for it: as early as this, the checks before it run inside its time."""


def begin_early(situation: str, runbook: Runbook, request: pytest.FixtureRequest) -> None:
    """Where a test judges a time and nobody acts, begin what it needs, which lasts as long as the situation.

    With pytest-xdist each worker knows all tests and runs some of them: the one that judges begins.
    """
    if situation != AS_IS or hasattr(request.config, "workerinput"):
        return
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for judged, needed in _EARLY:
        if judged in asked:
            with suppress(Exception):  # whoever asks for it gets it again: no other check has to fail for it
                request.getfixturevalue(needed)  # declared, it would start a process in every session
                if needed == "prober":
                    told = "open: users are watched while the checks run"
                    progress_of(request.config, runbook).phase("window", told)


@pytest.fixture(scope="session")
@titled("The situation is entered")
def in_situation(situation: str, runbook: Runbook, request: pytest.FixtureRequest) -> Any:
    """Performs the situation's action once. When it failed the checks run all the same: they say how bad it is."""
    request.config.hook.pytest_pam_situation_begins(situation=situation, request=request)
    begin_early(situation, runbook, request)
    story = SITUATIONS.get(situation)
    if story is None:
        return None
    progress = progress_of(request.config, runbook)
    try:
        done = request.getfixturevalue(story.name)  # the situation names the story, whose fixture acts
    except ActionFailed as error:
        # The checks go on, but the session must not read as if the rollback had been done, also when no test of the story is selected.
        runbook.journal_of(situation).append(ACTION_FAILED, problem=str(error))
        progress.phase("NOT DONE", f"{story.name}: {error}")
        return error
    took = duration(max(0.0, done.finished_s - done.decided_s))
    progress.phase("done", f"{story.name}: {len(done.steps)} steps, {took} after the decision")
    return done


UNPROVEN = "unproven"
"""What could go wrong without being noticed by this test."""


UNPROVEN_BY = pytest.StashKey[dict[str, str]]()
"""The same of every test that stands on a fixture, by the fixture's name."""


RESTS_ON = "rests-on"
"""What the answer of this test rests on."""


def tell_cause(item: pytest.Item, fact: object) -> None:
    """What stood in the fact's way, should the test's assertion be on it."""
    if cause := _told(fact, "cause"):
        sentence = str(fact).strip().partition("\n")[0]
        item.stash.setdefault(STOOD_IN_THE_WAY, []).append((cause, sentence))


def _told(fact: object, name: str) -> str:
    """What a fact says of itself under that name, or what it measured does."""
    said = getattr(fact, name, "") or (getattr(fact.measured, name, "") if isinstance(fact, Fact) else "")
    return str(said)


@pytest.fixture
def scored(request: pytest.FixtureRequest) -> Scored:
    """Enters a fact's figures into the table of criteria and gives the fact back, for the test to judge.

    A fact may have ``details``: facts that belong to it and are reported beside it; ``unproven``: what it would not notice; and
    ``rests_on``: what its answer rests on. The verdict names both. ``cause`` is what stood in its way, and in that of others. ``judges``
    are the plan items that it says something of, where the test's marker names more.
    """

    def enter(fact: Entered, /) -> Entered:
        if unproven := _told(fact, "unproven"):
            request.node.user_properties.append((UNPROVEN, unproven))
        by_fixture = request.config.stash.get(UNPROVEN_BY, {})
        request.node.user_properties.extend(
            (UNPROVEN, unproven) for name, unproven in by_fixture.items() if unproven and name in request.fixturenames
        )
        if rests_on := _told(fact, "rests_on"):
            request.node.user_properties.append((RESTS_ON, rests_on))
        if judges := _told(fact, "judges"):
            request.node.user_properties.append(("criterion", judges))
        tell_cause(request.node, fact)
        for part in (fact, *getattr(fact, "details", ())):
            request.node.user_properties.append((FIGURES, part.measured.row))
            with allure.step(part.measured.in_figures):
                pass
        return fact

    return enter


@pytest.fixture(scope="session")
def known_before(environment: Environment, runbook: Runbook, expected_releases: ExpectedReleases) -> KnownBefore:
    """What ``--baseline FILE`` has, and who answers for it. One that is stale, of an ill service or another release makes nothing known."""
    answers, today = answers_in(environment.waivers), datetime.now(UTC).date()
    if runbook.stored is None:
        return KnownBefore(answers=answers, today=today)
    before = [*runbook.stored.red, *runbook.stored.found]
    recorded = {(one.item, one.text): one.count for one in before}
    placed = {(one.item, one.place): one.text for one in before if one.place}
    tools = {(one.item, one.by): None for one in before if one.by}
    found_by = {item: ", ".join(by for of, by in tools if of == item) for item, _ in tools}
    ill: tuple[Finding, ...] = runbook.stored.ill(unanswered_on(today, environment.waivers))
    try:
        stored_baseline(runbook)
        refused = _of_another_release(runbook.stored, expected_releases)
    except MeasurementFailed as failed:
        refused = str(failed)
    return KnownBefore(recorded, answers, refused, today, found_by, ill, placed)


@pytest.fixture
def known(known_before: KnownBefore, request: pytest.FixtureRequest) -> Judge:
    """Gives a fact without what is known of it. A test that has nothing else to object to is told as known before."""

    def judged(fact: Judged, /) -> Judged:
        tell_cause(request.node, fact)
        findings = fact.findings
        if not findings:
            return fact
        return tell(request, fact, known_before.told(findings))

    return judged


def tell(request: pytest.FixtureRequest, fact: Judged, told: JudgedFindings) -> Judged:
    """Note with the test what is known and what nobody answers for; gives the fact without what is known."""
    note(request, told)
    return fact.without(told)


def note(request: pytest.FixtureRequest, told: JudgedFindings) -> None:
    """Note it with the test alone."""
    if told.known:
        request.node.user_properties.append((KNOWN, str(told)))
    if told.unanswered or told.ill:
        request.node.user_properties.append((UNANSWERED, told.as_data()))


def _of_another_release(baseline: "Baseline", expected: ExpectedReleases) -> str:
    """What a release brought that is gone again was not there before it."""
    recorded, wanted = baseline.origin.release, {expected.frontend, expected.backend} - {""}
    if not recorded or not wanted or recorded in wanted:
        return ""
    return (
        f"{baseline.origin} is of another release than {' and '.join(sorted(wanted))}, which is expected here: "
        "what was red there may be its damage"
    )
