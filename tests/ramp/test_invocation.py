"""One invocation over the real journal, in simulated time: what comes first, what is never done, and what is written down."""

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, Refused
from pam_rollback.plan.flags import FlagName
from pam_rollback.redeploy.ramp.due import Do, World
from pam_rollback.redeploy.ramp.facts import Look
from pam_rollback.redeploy.ramp.invocation import RampJournal, RampRun, RampTools, Yes, go_on
from pam_rollback.redeploy.ramp.state import UNKNOWN
from tests.ramp.simulated import FLAGS, RULES, START_S, WATCH_S, Killer, SimulatedRamp


@pytest.fixture
def simulated(tmp_path: Path) -> SimulatedRamp:
    """Nobody has the features, nothing is wrong, and nobody kills."""
    return SimulatedRamp(tmp_path / "state" / "ramp.jsonl", Killer(random.Random(0)), None, random.Random(0))


def invoke(ramp: SimulatedRamp, *approvals: Yes, **other: object) -> RampRun:
    """One invocation, with other tools where a case needs them."""
    tools: RampTools = replace(ramp.tools(), **other)  # type: ignore[arg-type]
    return go_on(tools, RULES, by="kim", approvals=approvals)


def unknown(_stage: str) -> Look:
    """Nobody knows how users fare."""
    return Look(START_S, START_S + 5, UNKNOWN, "the prober is gone")


def test_an_invocation_enters_one_stage_and_watches_it(simulated: SimulatedRamp) -> None:
    """A look, 10 %, two hours; the next stage is 20 h from its beginning."""
    run = invoke(simulated)

    assert simulated.service.share == 10
    assert len(run.fared.looks) == 1 + 8
    assert run.progressed.did == ("raised to RA-1 (10 %)", "the window of RA-1 (10 %) is complete and green")
    assert run.progressed.next.do is Do.WATCH
    assert run.progressed.next.until_s == START_S + WATCH_S + 72_000
    again = invoke(simulated)
    assert (simulated.service.share, len(again.fared.looks)) == (10, 1), "between two stages users are looked at once"


@pytest.mark.parametrize("waited_s", [0, 72_000 * 1.5], ids=["between two stages", "while a person is waited for"])
def test_what_cannot_be_measured_is_never_green(simulated: SimulatedRamp, waited_s: float) -> None:
    """Nothing is due, so nobody would be let in: it is not known how users fare all the same."""
    for _ in range(3 if waited_s else 1):
        invoke(simulated)
        simulated.clock.sleep(waited_s)
    before = simulated.service.share
    with pytest.raises(MeasurementFailed, match="the prober is gone"):
        invoke(simulated, look=unknown)

    assert simulated.service.share == before


def test_a_breach_is_rolled_back_although_nothing_else_can_be_asked(simulated: SimulatedRamp) -> None:
    """The product is down: it says neither its release nor what users get. Users are looked at before anybody asks that."""

    def down(_sample: int) -> Mapping[str, Mapping[FlagName, bool]]:
        raise MeasurementFailed("no answer")

    invoke(simulated)
    simulated.fault_s = simulated.clock.now_s
    run = invoke(simulated, users=down, world=lambda: pytest.fail("was asked for the world first"))

    assert run.fared.breach == "as simulated"
    assert simulated.service.share == 0
    with pytest.raises(MeasurementFailed):
        _ = run.let_in.outside


def test_a_rollback_that_failed_is_tried_again_first_of_all(simulated: SimulatedRamp) -> None:
    """12, and at the next invocation no look, no gate, no question comes before it."""

    def refuses(_why: str) -> str:
        raise ActionFailed("the flag API is down")

    invoke(simulated)
    simulated.fault_s = simulated.clock.now_s
    with pytest.raises(ActionFailed):
        invoke(simulated, roll_back=refuses)
    assert simulated.service.share == 10
    run = invoke(simulated, look=lambda _stage: pytest.fail("looked before it rolled back"))

    assert (run.fared.breach, simulated.service.share) == ("as simulated", 0)


def test_a_raise_that_lets_the_wrong_users_in_is_a_breach(simulated: SimulatedRamp) -> None:
    """The flags say 10 %, and everybody has the features: rolled back at once, not watched."""

    def everybody(_sample: int) -> Mapping[str, Mapping[FlagName, bool]]:
        on = simulated.service.share > 0
        return {f"u{number}": dict.fromkeys(FLAGS, on) for number in range(200)}

    run = invoke(simulated, users=everybody)

    assert "RA-1 (10 %) let the wrong users in: A at 10 %: 200 of 200 users have it, too many" in run.fared.breach
    assert simulated.service.share == 0


def test_users_who_do_not_get_what_the_flags_say_stop_the_ramp(simulated: SimulatedRamp) -> None:
    """The flags say 10 %, half of the users have the features: a broken criterion, nothing is changed, nobody more is let in."""

    def half(_sample: int) -> Mapping[str, Mapping[FlagName, bool]]:
        return {f"u{number}": dict.fromkeys(FLAGS, number % 2 == 0) for number in range(200)}

    invoke(simulated)
    simulated.clock.sleep(72_000)
    run = invoke(simulated, users=half)

    assert run.let_in.outside
    assert run.progressed.next.do is Do.REFUSE
    assert "A at 10 %: 100 of 200 users have it, too many" in str(run.progressed)
    assert simulated.service.share == 10


def test_a_yes_is_asked_for_once_written_down_and_refused_elsewhere(simulated: SimulatedRamp) -> None:
    """Too early and for another stage: refused, and nothing is changed. In time: with name and reason in the journal."""
    told: list[str] = []
    yes = Yes("RA-4", "kim", "two quiet days")
    invoke(simulated)
    with pytest.raises(Refused, match="the next stage is RA-2"):
        invoke(simulated, yes)
    for _ in range(2):
        simulated.clock.sleep(72_000)
        invoke(simulated)
    simulated.clock.sleep(72_000)
    waiting = invoke(simulated, tell=told.append)
    invoke(simulated, tell=told.append)
    given = invoke(simulated, yes)

    assert (waiting.progressed.next.do, simulated.service.share) == (Do.WAIT, 100)
    assert sum("waits for a yes" in text for text in told) == 1
    assert given.progressed.next.do is Do.FINISHED
    journal = simulated.path.read_text(encoding="utf-8")
    assert '"event": "raising", "stage": "RA-4"' in journal
    assert '"who": "kim", "why": "two quiet days"' in journal


def test_a_journal_that_is_damaged_is_refused(simulated: SimulatedRamp) -> None:
    """With file, line and what to do: a ramp is never guessed from half a journal."""
    invoke(simulated)
    text = simulated.path.read_text(encoding="utf-8")
    simulated.path.write_text(text.replace('"event"', '"evnt"', 1), encoding="utf-8")

    with pytest.raises(Refused, match=r"ramp\.jsonl, line 1: expected an event of a ramp"):
        invoke(simulated)
    assert simulated.service.share == 10


def test_no_secret_is_written(tmp_path: Path) -> None:
    """What a product answers is quoted in the journal, and it may quote its token."""
    journal = RampJournal(tmp_path / "ramp.jsonl", lambda: START_S, lambda text: text.replace("s3cret", "***"))
    journal.begin()
    journal.append("breach", why="HTTP 500: token s3cret")

    assert "s3cret" not in journal.path.read_text(encoding="utf-8")
    assert journal.events()[0].facts == {"why": "HTTP 500: token ***"}


def test_a_watch_of_another_commit_counts_for_nothing(simulated: SimulatedRamp) -> None:
    """The same version from another commit: nobody saw how the ramp's own fares. The stage stays, and both commits are named."""
    now = simulated.tools().world
    served = ["7cce05406677"] * 5 + ["0d1e2f3a4b5c"] * 99

    def world() -> World:
        found = now()
        gate = replace(found.gate, commits=served[:1]) if found.gate is not None else None
        return replace(found, commit=served.pop(0), gate=gate)

    with pytest.raises(
        Refused, match=r"about commit 7cce05406677 of release 1\.42\.0, and commit 0d1e2f3a4b5c of it answers"
    ):
        invoke(simulated, world=world)
    journal = simulated.path.read_text(encoding="utf-8")
    assert '"commit": "7cce05406677"' in journal
    assert '"state": "unknown", "words": "this ramp is about commit 7cce05406677' in journal
    with pytest.raises(Refused, match="commit 0d1e2f3a4b5c of it answers"):
        invoke(simulated, world=world)
    assert simulated.service.share == 10


def test_the_next_release_is_looked_at_as_one_that_nobody_has(simulated: SimulatedRamp) -> None:
    """After a ramp that is finished nobody has the features: users of its last stage, whom nobody finds, are not asked for."""
    journal = RampJournal(simulated.path, lambda: START_S)
    journal.begin()
    journal.append("started", release="1.41.0", terms=RULES.terms)
    for number in range(1, 5):
        journal.append("entered", stage=f"RA-{number}")
    journal.append("finished")
    stages: list[str] = []

    def look(stage: str) -> Look:
        stages.append(stage)
        return unknown(stage) if stage == "RA-4" else simulated.tools().look(stage)

    invoke(simulated, look=look)

    assert stages[0] == ""
    assert simulated.service.share == 10
