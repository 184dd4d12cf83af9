"""Whole sessions of the data at the end of the window: what is damaged meanwhile is seen."""

import pytest

from tests.plugin.test_windows import wait_for_samples
from tests.sessions import Project, Range

BEFORE, AFTER = "test_expenses_orphaned", "test_data_is_whole_when_the_window_is_over"


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """The invariants, before the window and after it."""
    return ("test_held_data.py", "integrity")


def test_damage_in_the_window_is_seen(practice_range: Range, project: Project) -> None:
    """All was well when the checks of the data asked; the window is over, and now it is not."""
    with project.start("-k", f"{BEFORE} or {AFTER}", f"--env={practice_range.file}") as session:
        wait_for_samples(project.run_folder / "as-is" / "timeline.jsonl")
        practice_range.remote.plant("data", what="expenses-orphaned")
        ended = project.finish(session)

    assert ended.outcomes() == {BEFORE: "passed", AFTER: "broken criterion"}, ended.out
    assert ended.rc == 10, ended.out
    assert "are broken: expenses-orphaned" in " ".join(ended.out.split())


def test_without_a_database_it_is_left_out_and_named(practice_range: Range, project: Project) -> None:
    """Nobody can say then, and nobody pretends."""
    file = project.folder / "without.toml"
    text = practice_range.file.read_text(encoding="utf-8")
    file.write_text(f'abilities = ["test_account"]\n{text}', encoding="utf-8")
    file.chmod(0o600)
    ended = project.run("-m", "window", f"--env={file}", "--dry-run")

    assert [left["reason"] for left in ended.record["deselected"]] == ["sandbox declares no database"], ended.out
