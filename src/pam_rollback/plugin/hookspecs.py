"""The suite's own hooks: what a topic, or a product's own conftest.py, is asked and told. docs/reference/extending.md#hooks lists them.

pytest takes a function for a hook only when its name begins with ``pytest_``. Each hook has its test, named after it, in tests/plugin or
beside a topic that listens.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pam_rollback.core.question import Call
    from pam_rollback.plan.plan import Plan
    from pam_rollback.plugin.baseline_files import BaselinePart
    from pam_rollback.plugin.options import Options
    from pam_rollback.plugin.runbook import Runbook
    from pam_rollback.plugin.selection import LeftOut
    from pam_rollback.report.run_record import ActionStep
    from pam_rollback.report.watched_incident import IncidentNews, WatchedIncident
    from pam_rollback.rollback.undoing import UndoKinds
    from pam_rollback.target.environment import Environment
    from pam_rollback.target.served_release import ExpectedReleases


def pytest_pam_begins(config: pytest.Config, options: "Options", environment: "Environment") -> None:
    """Raise pytest.UsageError for options that lead nowhere, or have in ``reports/out`` what is looked for there later.

    Plan and environment were read; nothing was written or sent, and nobody has looked for earlier runs. A real rollback waits meanwhile, so
    be done within seconds. Anything else that fails in it ends the session as a defect.
    """


def pytest_pam_run_ended(
    config: pytest.Config, run_folder: Path, environment: "Environment", undone: str
) -> str | None:
    """A real run that began an action is over: its verdict is shown and its record written. Give a line for the terminal, if any.

    Where ``--undo`` put back what it left changed, or could not, ``undone`` says so, without secrets; else it is empty. Nobody waits for
    what is done here. A session that somebody asked to stop does not call it. What fails in it is named on the terminal.
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


def pytest_pam_undo_kinds() -> "UndoKinds | None":
    """Give the kinds of change that a journal may owe (``journal.owe``), each with what puts it back and sees that it is back.

    Asked at the end of a drill, by ``--undo`` and by ``--resume``. Of whoever fails no kind is known, and what the journal owes of an
    unknown kind is a person's matter: the exit code is 14.
    """


def pytest_pam_planned(
    plan: "Plan", environment: "Environment", phases: Collection[str], stories: Sequence[str]
) -> "list[ActionStep] | None":
    """Give the steps that a session with tests of these phases, and with these stories, would do. Asked with ``--dry-run``; sends nothing.

    What fails in it is named among the steps.
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

    ``answered`` are the plan items for which a person or a dated waiver answers. Asked of every session. One that fails is a reason itself.
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
