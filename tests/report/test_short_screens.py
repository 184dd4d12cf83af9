"""Does a decision, or a plan, fit into one screen?  It begins with what its reader came for, whatever was found."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.report.run_record import ActionStep, NotRun, Result, RunRecord
from pam_rollback.report.screen import LINES_MAX
from pam_rollback.report.terminal_page import Page, command
from pam_rollback.report.verdict import Outcome
from tests.report.screens import shown
from tests.report.test_recommendation import NOW, found, strategy

GOLDEN = Path(__file__).parent / "golden"
COMMAND = (
    "pytest drills/test_backend_restore.py --env production --mode real --execute --confirm production "
    '--reason "it is down" --initiated-by "Ada"'
)
WORD = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=300)


@pytest.fixture
def urgent(good_record: RunRecord) -> RunRecord:
    """Roll back now, with a command, a way on, and a question."""
    decision = replace(NOW, strategy=strategy("ST-4", COMMAND), next=(strategy("ST-5"), strategy("ST-6")))
    return replace(good_record, verdict="NO-GO", exit_code=10, decision=decision)


@pytest.fixture
def planned(good_record: RunRecord) -> RunRecord:
    """A dry run of a story and its checks."""
    steps = ("write the undo to the journal", "run the target", "see that it answers")
    return replace(
        good_record,
        verdict="PLANNED",
        exit_code=11,
        scope="backend-restore",
        steps=tuple(ActionStep("backend-restore", step, "planned", 0, 0) for step in steps),
        results=tuple(replace(one, outcome=Outcome.NOT_RUN, measured=()) for one in good_record.results),
        deselected=(NotRun("checks/test_a.py::test_x", "staging declares no prometheus"),),
    )


@pytest.mark.parametrize("name", ["urgent", "planned"])
def test_the_screen_reads_as_approved(request: pytest.FixtureRequest, name: str) -> None:
    """Every line is as it was approved; a change is seen and read before it is committed."""
    text = "\n".join(shown(request.getfixturevalue(name))) + "\n"

    assert text == (GOLDEN / f"screen-{name}.txt").read_text(encoding="utf-8")


def test_a_command_on_several_lines_can_be_copied() -> None:
    """A shell reads it as the one command that it is, however narrow the screen; a quoted word stays whole."""
    lines = command("command", COMMAND, Page.of(80, color=False))
    pasted = "\n".join(lines).replace("command", "", 1)

    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert shlex.split(pasted.replace("\\\n", " ")) == shlex.split(COMMAND)
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert not any(line.endswith(("--mode \\", "--env \\", "--confirm \\")) for line in lines), (
        "a value beside its option"
    )


def test_a_decision_without_a_strategy_says_what_it_means(urgent: RunRecord) -> None:
    """Nothing to do is said as such: no command, and no all-clear where something is unknown."""
    decision = replace(NOW, recommendation="NOT KNOWN", strategy=None, next=(), why=("IR-6",))
    text = " ".join("\n".join(shown(replace(urgent, decision=decision))).split())

    assert "this is no all-clear" in text
    assert "command" not in text
    assert "not known IR-6" in text
    assert "add it to pytest -m decision --env production" in text


@settings(deadline=None, max_examples=60)
@given(words=st.lists(WORD, max_size=30), criteria=st.integers(1, 11), state=st.sampled_from(["holds", "not known"]))
def test_a_decision_fits_into_one_screen(good_record: RunRecord, words: list[str], criteria: int, state: str) -> None:
    """At most 40 lines of 80 columns, however much was found, and however long people's sentences are."""
    names = [f"IR-{number}" for number in range(1, 1 + criteria)]
    text = " ".join(words)
    decision = replace(
        NOW,
        criteria=tuple(found(name, state, text) for name in names),
        why=tuple(names) if state == "holds" else (),
        unknown=tuple(names) if state == "not known" else (),
        strategy=replace(strategy("ST-4", COMMAND), title=text, past=text, readiness=text),
        chosen_because=text,
        next=(replace(strategy("ST-5"), title=text),) * 4,
    )
    lines = shown(replace(good_record, verdict="NO-GO", exit_code=10, decision=decision, reasons=tuple(words)))

    assert len(lines) <= LINES_MAX, "\n".join(lines)
    assert max(map(len, lines)) <= 80, max(lines, key=len)


@settings(deadline=None, max_examples=60)
@given(words=st.lists(WORD, max_size=60), actions=st.integers(0, 12), steps=st.integers(1, 30))
def test_a_plan_fits_into_one_screen(good_record: RunRecord, words: list[str], actions: int, steps: int) -> None:
    """At most 40 lines of 80 columns, for all drills at once, too."""
    record = replace(
        good_record,
        verdict="PLANNED",
        steps=tuple(
            ActionStep(f"action-{one}", f"step {step}", "planned", 0, 0)
            for one in range(actions)
            for step in range(steps)
        ),
        results=tuple(Result(f"a::{n}", "t", Outcome.NOT_RUN, (f"SC-{n}",), kind=f"kind{n}") for n in range(99)),
        deselected=tuple(NotRun(f"b::{number}", reason) for number, reason in enumerate(words)),
        notes=tuple(words),
    )
    lines = shown(record)

    assert len(lines) <= LINES_MAX, "\n".join(lines)
    assert max(map(len, lines)) <= 80, max(lines, key=len)
