"""Options and hooks that the suite had once."""

from pathlib import Path

import pytest

from pam_rollback.plugin.options import GONE
from tests.plugin.drilling import runbook_with


@pytest.mark.parametrize("option", GONE)
def test_it_is_refused_with_what_to_do_instead(tmp_path: Path, option: str) -> None:
    """In one line, and before anything begins."""
    said = runbook_with(tmp_path, "test_health.py").run("-m", "health", "--env=sandbox", option, "1")

    assert said.rc == pytest.ExitCode.USAGE_ERROR
    assert f"{option} is gone: {GONE[option]}" in said.out


def test_a_hook_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    """In one line: what listened to it would never be called."""
    project = runbook_with(tmp_path, "test_health.py")
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write("\n\ndef pytest_pam_undone(undone):\n    return undone\n")
    said = project.run("-m", "health", "--env=sandbox")

    assert said.rc == pytest.ExitCode.USAGE_ERROR
    assert "there is no hook pytest_pam_undone: docs/reference/extending.md#hooks has those there are" in said.out
