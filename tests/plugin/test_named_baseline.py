"""``--baseline newest`` and ``--baseline RUN``: the file that is meant, and no other environment's."""

import json
from pathlib import Path

import pytest

from pam_rollback.plugin.baseline_files import NEWEST, found_baseline


def recorded(out: Path, run: str, environment: str) -> Path:
    """A baseline of that environment."""
    index = out / run / "baseline" / "baseline.json"
    index.parent.mkdir(parents=True)
    index.write_text(json.dumps({"origin": {"environment": environment}}), encoding="utf-8")
    return index


def test_newest_is_that_of_the_environment(tmp_path: Path) -> None:
    """Another environment's is newer, and half a file is none."""
    recorded(tmp_path, "20260101T000000Z-staging-00aa", "staging")
    wanted = recorded(tmp_path, "20260102T000000Z-staging-00aa", "staging")
    recorded(tmp_path, "20260103T000000Z-production-00aa", "production")
    recorded(tmp_path, "20260104T000000Z-staging-00aa", "staging").write_text("{", encoding="utf-8")

    assert found_baseline(NEWEST, tmp_path, "staging") == wanted


def test_without_one_it_is_said(tmp_path: Path) -> None:
    """With the command that records one."""
    recorded(tmp_path, "20260103T000000Z-production-00aa", "production")

    with pytest.raises(pytest.UsageError, match=r"no baseline of staging is recorded here.*-m baseline --env staging"):
        found_baseline(NEWEST, tmp_path, "staging")


def test_a_run_is_its_baseline(tmp_path: Path) -> None:
    """A file is that file, and what is not there is left to whoever opens it."""
    wanted = recorded(tmp_path, "20260101T000000Z-staging-00aa", "staging")

    assert found_baseline(Path("20260101T000000Z-staging-00aa"), tmp_path, "staging") == wanted
    assert found_baseline(wanted, tmp_path, "staging") == wanted
    assert found_baseline(Path("nowhere.json"), tmp_path, "staging") == Path("nowhere.json")
    assert found_baseline(None, tmp_path, "staging") is None
