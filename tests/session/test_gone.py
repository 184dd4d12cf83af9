"""Options that the suite had once."""

from pathlib import Path

import pytest

from pam_rollback.session.options import GONE
from tests.session.drilling import runbook_with


@pytest.mark.parametrize("option", GONE)
def test_it_is_refused_with_what_to_do_instead(tmp_path: Path, option: str) -> None:
    """In one line, and before anything begins."""
    said = runbook_with(tmp_path, "test_health.py").run("-m", "health", "--env=sandbox", option, "1")

    assert said.rc == pytest.ExitCode.USAGE_ERROR
    assert f"{option} is gone: {GONE[option]}" in said.out
