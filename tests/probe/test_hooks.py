"""The hooks that tell how users fare, beside those of whoever else tells something."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin import fixtures, record
from pam_rollback.plugin.watched import users
from pam_rollback.probe.recovery import Recovery
from pam_rollback.report.record_parts import Watched
from pam_rollback.rollback.journal import Journal

PLAN = load_plan(Path(__file__).parents[2] / "plan.toml")


def test_how_users_fared_is_in_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing where nobody acted. What fails is named in the notes, and nothing is invented."""
    seen = Watched("after-own")
    runbook: Any = SimpleNamespace(folder=tmp_path, journal=Journal(tmp_path / "none"), started_s=0.0, plan=PLAN)

    def gone(*_: object, **__: object) -> list[Watched]:
        raise OSError("gone")

    assert record._watched(runbook) == ([], [])
    runbook.journal.append("action", strategy="own")
    monkeypatch.setattr("pam_rollback.plugin.watched.watched", lambda *_, **__: [seen])
    assert record._watched(runbook) == ([seen], [])
    monkeypatch.setattr("pam_rollback.plugin.watched.watched", gone)
    assert record._watched(runbook) == ([], ["how users fared is not known: OSError: gone"])


def begin(
    monkeypatch: pytest.MonkeyPatch, situation: str, *asked: str, fails: bool = False, **worker: object
) -> list[str]:
    """A situation is entered, of which one test has these fixtures; what is begun and told."""
    begun: list[str] = []

    def get(name: str) -> Any:
        begun.append(name)
        if fails:
            raise MeasurementFailed("no room for a record")

    told = SimpleNamespace(phase=lambda name, text: begun.append(f"{name} {text}"))
    monkeypatch.setattr(fixtures, "progress_of", lambda *_: told)
    session = SimpleNamespace(items=[SimpleNamespace(fixturenames=asked), SimpleNamespace()])
    request: Any = SimpleNamespace(config=SimpleNamespace(**worker), session=session, getfixturevalue=get)
    runbook: Any = None
    fixtures.begin_early(situation, runbook, request)
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
    assert begin(monkeypatch, "as-is", "watch", "held_writes") == ["observation", "window_writes"]


def test_when_users_were_well_again_is_said() -> None:
    """With the moment and the objective; who is not well again has missed it."""
    well = Recovery(5, 10, 5.1, 12.5, 3.0, 0.2, 12.5, (), (), 100)

    def told(objective_s: float) -> str:
        return users(well.within(objective_s), lambda at_s: datetime.fromtimestamp(at_s, UTC), UTC)

    assert "have been well again since" in told(60)
    assert "within the objective of" in told(60)
    assert "LATER than the objective of" in told(1)
