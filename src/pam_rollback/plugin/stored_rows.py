"""Where the counts of rows of an earlier run are."""

from pathlib import Path

from pam_rollback.plugin.runbook import Runbook

ROWS_FILE = "rows-before.json"
"""Beside the baseline of a run; with ``--baseline FILE`` it is looked for beside that file."""


def stored_rows(runbook: Runbook) -> Path | None:
    """The file with the counts that belong to ``--baseline FILE``; None when there is none."""
    baseline = runbook.options.baseline
    beside = baseline.with_name(ROWS_FILE) if baseline is not None else None
    return beside if beside is not None and beside.is_file() else None
