"""The suite's own hooks: what a slice, or a product's own conftest.py, is asked and told. docs/reference/hooks.md lists them.

pytest takes a function for a hook only when its name begins with ``pytest_``. Each hook has its test, named after it, in tests/session or
beside a topic that listens.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pam_rollback.base.question import Call
    from pam_rollback.environment.environment import Environment
    from pam_rollback.environment.known_before import Finding
    from pam_rollback.journal.journal import Journal, Undo
    from pam_rollback.journal.undoing import UndoKinds
    from pam_rollback.plan.plan import Plan
    from pam_rollback.plan.stories import Story
    from pam_rollback.product.served_release import ExpectedReleases
    from pam_rollback.report.record_parts import DecisionRecord, Watched
    from pam_rollback.report.run_record import ActionStep, RunRecord
    from pam_rollback.report.watched_incident import IncidentNews, WatchedIncident
    from pam_rollback.session.baseline_files import BaselinePart
    from pam_rollback.session.options import Options
    from pam_rollback.session.runbook import Runbook
    from pam_rollback.session.seen import Seen
    from pam_rollback.session.selection import LeftOut


def pytest_pam_command_line(config: pytest.Config, environment: "Environment") -> None:
    """Raise pytest.UsageError for options that lead nowhere: plan and environment were read, and nothing was written or sent."""


def pytest_pam_stories() -> "Sequence[Story] | None":
    """Give ways of a strategy that are yours: each has its file in ``drills/`` and its way in the plan."""


@pytest.hookspec(firstresult=True)
def pytest_pam_provider(name: str) -> object | None:
    """Say who answers for a site whose environment has ``provider = "name"`` in ``[frontend_host]`` or ``[backend_host]``.

    It is a module, or an object, with ``host(environment, asking)`` (``rollback/provider_access.py``).
    """


@pytest.hookspec(firstresult=True)
def pytest_pam_flag_service(name: str) -> object | None:
    """Say who switches flags where the environment's file has ``flag_service = "name"``.

    It is a module, or an object, with ``admin``, ``evaluation`` and ``door`` (``product/flag_service.py``).
    """


def pytest_pam_earlier_runs(config: pytest.Config, options: "Options", environment: "Environment") -> None:
    """Have in ``reports/out`` what later parts of this session look for there: nobody has looked yet, and nothing was sent.

    A real rollback waits meanwhile, so be done within seconds. What fails in it ends the session as a defect.
    """


def pytest_pam_notes(run_folder: Path, runbook: "Runbook") -> list[str] | None:
    """Give lines for the notes of any session, such as what it did and when to come back.

    Asked before its record is written: whoever answers looks at nothing outside. What fails in it is named in the notes.
    """


def pytest_pam_preflight(environment: "Environment", plan: "Plan", to: "ExpectedReleases") -> "list[Call] | None":
    """Say what a rollback stands on of yours, as questions that change nothing.

    ``to``: what a rollback would go back to. Only what the environment declares is asked, all of it side by side. What fails here leaves
    all of preflight unknown.
    """


def pytest_pam_baseline_parts() -> "list[BaselinePart] | None":
    """Give what a baseline has of yours. Each part names the fixture that records it, which is set up when one is taken, and no earlier.

    Asked when a baseline is recorded, and for tests that need a part of one: be quick. Whoever fails is named as not recorded.
    """


def pytest_pam_known_before(runbook: "Runbook") -> "tuple[Sequence[Finding], Mapping[str, str]] | None":
    """Give what ``--baseline FILE`` has in a part of yours: findings that are known, as far as a waiver answers for them.

    With them, by plan item, the tools that found them (``axe-core 4.14.1 (npm), …``): others are told where something counts. None: it has
    no such part. Raise MeasurementFailed when the part cannot be read (``session.baseline_files.stored``): then nothing of the baseline is
    known.
    """


def pytest_pam_alarm(environment: "Environment", text: str) -> str | None:
    """In a real run: say at once what must not be lost, such as a change that no disk took. Give why that did not work, if it did not.

    Called from a thread of its own, for which the end waits some seconds. The text is without secrets. What fails in it is dropped.
    """


def pytest_pam_verdict_known(runbook: "Runbook", record: "RunRecord", news: str) -> list[str] | None:
    """A rollback was begun, for real or where nothing was planted, and its verdict was printed. Tell the team, and give who was not told.

    ``news`` has the verdict, its reasons and where the report is, without secrets. What fails in it is named as not told.
    """


@pytest.hookspec(firstresult=True)
def pytest_pam_sole_writer(
    config: pytest.Config, runbook: "Runbook", journal: "Journal"
) -> "AbstractContextManager[list[str]] | None":
    """``--undo`` is about to put back what a run owes. Give a context manager that keeps other sessions away until it is done.

    It gives what is wrong with that and stops nobody: whole once its block is over. Raise Refused in it when another session changes the
    same. The first answer counts; where nobody answers, that is said.
    """


def pytest_pam_undo_begins(
    runbook: "Runbook", journal: "Journal", owed: "Sequence[Undo]"
) -> "AbstractContextManager[list[str]] | None":
    """``--undo`` puts back what a run owes. Give a context manager: its block is the undo, which may raise. It gives who was not told.

    Within the lock, after the journal has noted that the undo begins. Whatever takes time is done beside the undo. One that cannot be
    entered is named.
    """


def pytest_pam_undo_kinds() -> "UndoKinds | None":
    """Give the kinds of change that a journal may owe (``journal.owe``), each with what puts it back and sees that it is back.

    Asked at the end of a drill, by ``--undo`` and by ``--resume``. Of whoever fails no kind is known, and what the journal owes of an
    unknown kind is a person's matter: the exit code is 14.
    """


def pytest_pam_phase_begins(fixture: str) -> tuple[str, str] | None:
    """A fixture is set up next. Give the phase that begins with it, and what it does, as whoever watches the session reads it.

    Asked of each fixture: be quick. What fails in it is left out.
    """


def pytest_pam_phase_ended(fixture: str, found: object, request: pytest.FixtureRequest) -> tuple[str, str] | None:
    """A fixture was set up and gave ``found``. Give the phase and what is known now. Otherwise as ``pytest_pam_phase_begins``."""


def pytest_pam_watched(runbook: "Runbook") -> "list[Watched] | None":
    """Give how users fared around each rollback of this run, from what was recorded: the record keeps it, and its page draws it.

    Asked of every session that was not a dry run, before its record is written. What fails in it is named in the notes.
    """


def pytest_pam_planned(
    plan: "Plan", environment: "Environment", phases: Collection[str], stories: Sequence[str]
) -> "list[ActionStep] | None":
    """Give the steps that a session with tests of these phases, and with these stories, would do. Asked with ``--dry-run``; sends nothing.

    What fails in it is named among the steps.
    """


def pytest_pam_run_ended(run_folder: Path, environment: "Environment") -> str | None:
    """A real run that began an action is over: its verdict is shown and its record written. Give what to say on the terminal, if anything.

    Nobody waits for what is done here. A session that somebody asked to stop does not call it. What fails in it is named on the terminal.
    """


def pytest_pam_undone(config: pytest.Config, run_folder: Path, environment: "Environment", undone: str) -> str | None:
    """``--undo`` put back what the real run of this folder left changed, or could not: ``undone`` says which, and is without secrets.

    Give what to say on the terminal, if anything. Nobody waits for what is done here. What fails in it is named on the terminal.
    """


@pytest.hookspec(firstresult=True)
def pytest_pam_criterion_retest(
    criterion: str, environment: "Environment"
) -> tuple[str, Callable[[Any], tuple[bool, str]]] | None:
    """At the gate: say how a criterion that went red in a recorded incident is measured once more.

    Give the name of the fixture that measures it, and a function of its value that gives whether it is good now, and figures in words; it
    raises MeasurementFailed when that cannot be told: then it is neither gone nor back. Give None for a criterion that is another one's.
    The first answer counts, that of a conftest.py before the suite's own.
    """


def pytest_pam_unproven(request: pytest.FixtureRequest) -> str | None:
    """Say what a test would not notice that stands on a fixture of yours (``request.fixturenames``): a condition of the verdict.

    Asked for each fact that a test enters into the table of criteria. What fails in it is such a condition.
    """


@pytest.hookspec(firstresult=True)
def pytest_pam_on_record(config: pytest.Config, environment: "Environment") -> tuple[bool, str] | None:
    """Say whether the incident of this environment is on record in a tracker (PRE-4), and where. None: no tracker is known.

    Raise MeasurementFailed when it cannot be told: then a person's word counts. The first answer counts.
    """


@pytest.hookspec(firstresult=True)
def pytest_pam_why_left_out(item: pytest.Item) -> str | None:
    """Say why a test that was selected would tell nothing in this session: it is left out, and named with that reason. None: it runs."""


def pytest_pam_situation_begins(situation: str, request: pytest.FixtureRequest) -> None:
    """A situation is entered, before its action and its tests. ``request`` gives fixtures: what they set up lasts as long as the situation.

    What fails in it fails all tests of the situation.
    """


def pytest_pam_incomplete(config: pytest.Config, left_out: "LeftOut", answered: Collection[str]) -> list[str] | None:
    """Say what this session did not ask and should have: each reason makes the verdict PARTIAL, also where all is green.

    ``answered`` are the plan items for which a person or a dated waiver answers. Asked more than once, and of every session. One that fails
    is a reason itself.
    """


@pytest.hookspec(firstresult=True)
def pytest_pam_recommendation(
    config: pytest.Config, tests: "Sequence[Seen]", left_out: "LeftOut", partial: Sequence[str]
) -> "DecisionRecord | None":
    """Of a session of the phase decision: recommend what to do, by what its tests said. Its exit code is the recommendation's.

    ``partial`` says why the selection is not whole: then "no rollback" is not known. The first answer counts. Where nobody answers, or one
    fails, nothing is known, and that is a reason of the verdict.
    """


def pytest_pam_report(record: "RunRecord") -> list[tuple[str, Sequence[str]]] | None:
    """Give headings, each with its lines, for the scorecard and the summary of a CI job. The record is without secrets.

    What fails in it is named there.
    """


def pytest_pam_incident(config: pytest.Config, incident: "WatchedIncident", what: "IncidentNews") -> str | None:
    """A watch found an incident. Tell whoever has to know, and give a reference to what was made of it, such as its address.

    ``opened``: it is new. ``updated``: what is found of it, or what is recommended, changed. ``closed``: nothing asked for a rollback for
    three looks in a row.

    Each listener is told by itself, once, and hears of the rest only when it was told of the first. One that fails is named in a line, and
    told what is true by then at the next look, with ``told_before``: so raise for whatever is not known to have been told, and NotTold
    where it is certain that nothing was. A reference takes the place of the one before, and None leaves it; it comes back in
    ``incident.reference``, also to a watch of another day.
    """
