"""The hooks that tell how users fare, beside those of whoever else tells something."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.journal.journal import Journal
from pam_rollback.observation import hooks as of_observation
from pam_rollback.observation.recovery import Recovery
from pam_rollback.plan.plan import load_plan
from pam_rollback.report.record_parts import Watched
from pam_rollback.rollback import hooks as of_rollback
from pam_rollback.session import listeners, phases
from pam_rollback.session.runbook import KEY
from tests.listening import NO_ONE, listened_to

PLAN = load_plan(Path(__file__).parents[2] / "plan.toml")


class Phases:
    """A conftest.py with a fixture of its own to tell of, or one that fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def pytest_pam_phase_begins(self, fixture: str) -> tuple[str, str] | None:
        """Before it is set up."""
        if self.fails:
            raise OSError("gone")
        return ("own", "begins") if fixture == "own" else None

    def pytest_pam_phase_ended(self, fixture: str, found: object) -> tuple[str, str] | None:
        """What it gave."""
        if self.fails:
            raise OSError("gone")
        return ("own", f"gave {found}") if fixture == "own" else None


def test_pytest_pam_phase_begins() -> None:
    """Said of the fixture that begins a phase and of no other; what fails says nothing."""
    config = listened_to(Phases(), phases, of_observation)
    told = [listeners.phase_begins(config, name) for name in ("own", "plan", "held_window", "sandbox_controls")]

    assert told[:2] == [[("own", "begins")], []]
    assert [phase for [(phase, _)] in told[2:]] == ["window", "sandbox"]
    assert listeners.phase_begins(config, "answers_from_s")[0][0] == "baseline"
    assert listeners.phase_begins(listened_to(Phases(fails=True)), "own") == []


def test_pytest_pam_phase_ended() -> None:
    """Incident, action and users are told when they are known; what cannot be told fails nothing."""
    config = listened_to(Phases(), of_observation, of_rollback)
    runbook = SimpleNamespace(plan=PLAN, started=datetime(2026, 1, 1, tzinfo=UTC), started_s=0.0)
    given = {"situation": "after-gradual"}
    request: Any = SimpleNamespace(getfixturevalue=given.__getitem__, config=SimpleNamespace(stash={KEY: runbook}))
    recovery = Recovery(5, 10, 5.1, 12.5, 3.0, 0.2, 12.5, (), (), 100)

    def told(fixture: str, found: object) -> list[tuple[str, str]]:
        return listeners.phase_ended(config, fixture, found, request)

    assert told("own", 7) == [("own", "gave 7")]
    assert told("incident", SimpleNamespace(description="errors")) == [("incident", "errors")]
    assert told("in_situation", ActionFailed("HTTP 503")) == [("NOT DONE", "gradual: HTTP 503")]
    done = SimpleNamespace(decided_s=1.0, finished_s=3.0, steps=(1, 2))
    assert told("in_situation", done) == [("done", "gradual: 2 steps, 2.0 s after the decision")]
    assert [phase for phase, _ in told("recovery", recovery)] == ["users"]
    assert told("recovery", None) == []
    given["situation"] = "as-is"
    assert told("in_situation", None) == told("recovery", recovery) == []


def test_pytest_pam_watched(tmp_path: Path) -> None:
    """It is kept in the record; whoever fails is named in its notes, and nothing is invented."""
    seen = Watched("after-own")

    class Own:
        def pytest_pam_watched(self, runbook: object) -> list[Watched]:
            if runbook is NO_ONE:
                raise OSError("gone")
            return [seen]

    runbook: Any = SimpleNamespace(folder=tmp_path, journal=Journal(tmp_path / "none"), started_s=0.0, plan=PLAN)

    assert listeners.watched(listened_to(Own(), of_observation), runbook) == ([seen], [])
    assert listeners.watched(listened_to(Own()), NO_ONE) == ([], ["a hook failed: OSError: gone"])


def begin(
    monkeypatch: pytest.MonkeyPatch, situation: str, *fixtures: str, fails: bool = False, **worker: object
) -> list[str]:
    """A situation is entered, of which one test has these fixtures; what is begun and told."""
    begun: list[str] = []

    def get(name: str) -> Any:
        begun.append(name)
        if fails:
            raise MeasurementFailed("no room for a record")

    told = SimpleNamespace(phase=lambda name, text: begun.append(f"{name} {text}"))
    monkeypatch.setattr(of_observation, "progress_of", lambda *_: told)
    session = SimpleNamespace(items=[SimpleNamespace(fixturenames=fixtures), SimpleNamespace()])
    request: Any = SimpleNamespace(
        config=SimpleNamespace(stash={KEY: None}, **worker), session=session, getfixturevalue=get
    )
    of_observation.pytest_pam_situation_begins(situation, request)
    return begun


def test_a_window_opens_before_the_first_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one is judged and nobody acts. Whoever waits for it later asks for a prober that could not begin once more."""
    assert begin(monkeypatch, "as-is", "held_window") == [
        "prober",
        "window open: users are watched while the checks run",
    ]
    assert begin(monkeypatch, "as-is", "held_window", fails=True) == ["prober"]
    assert begin(monkeypatch, "as-is", "monitored") == []
    assert begin(monkeypatch, "baseline", "held_window") == []
    assert begin(monkeypatch, "after-frontend", "held_window") == []
    assert begin(monkeypatch, "as-is", "held_window", workerinput={}) == []
