"""The workflows that a product's repository gets, held against the checkers that hold the suite's own."""

from pathlib import Path

import pytest

from pam_rollback.connect.rules.workflows import workflows
from tests.test_workflows import ran


@pytest.mark.parametrize("kind", ["production", "staging"])
def test_they_are_valid_and_hold_no_known_weakness(tmp_path: Path, kind: str) -> None:
    """By the schema of the service that runs them; the checkers are seen red in test_workflows.py."""
    for name, text in workflows(kind, kind, f"wheels/pam-rollback@{'0a' * 20}").items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    files = map(str, tmp_path.rglob("*.yml"))
    valid = ran("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    safe = ran("zizmor", "--offline", "--no-progress", "--quiet", str(tmp_path))

    assert valid.returncode == 0, valid.stdout
    assert safe.returncode == 0, safe.stdout + safe.stderr
