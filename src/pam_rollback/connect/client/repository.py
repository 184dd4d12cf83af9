"""The clone in which the suite runs, as its own git says."""

import os
from pathlib import Path

from pam_rollback.connect.rules.workflows import FOLDER, suite_of
from pam_rollback.outside.programs import run_program

_WITHIN_S = 10.0


def suite_here(root: Path) -> str:
    """``OWNER/NAME@COMMIT`` of the suite's clone; empty where this is none, or not one of GitHub's."""
    if not (root / FOLDER / "session.yml").is_file():
        return ""
    return suite_of(_git(root, "remote", "get-url", "origin"), _git(root, "rev-parse", "HEAD"))


def _git(root: Path, *arguments: str) -> str:
    try:
        ended = run_program(["git", *arguments], folder=root, variables=os.environ, deadline_s=_WITHIN_S)
    except OSError:
        return ""
    return ended.out.strip() if ended.succeeded else ""
