"""What a preflight found, in words: the same lines in the terminal and in the job summary; and what a decision says of it later."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from pam_rollback.reporting import wording
from pam_rollback.reporting.latest_runs import age_s, latest
from pam_rollback.reporting.run_record import RunRecord

HEADING: Final = "Could we roll back right now?"
HOLDS_FOR: Final = timedelta(days=1)
"""Tokens expire and deploys are deleted: an older preflight says nothing."""
_SIGNS: Final = {"ready": "[x]", "not ready": "[!]"}


def paragraphs(record: RunRecord) -> list[tuple[str, tuple[str, ...]]]:
    """A line for each strategy; nothing when this was no preflight."""
    lines = tuple(
        f"{_SIGNS.get(one.state, '[ ]')} {one.name}: {one.state.upper() if one.state != 'ready' else one.state}"
        + (f": {one.words}" if one.words else "")
        for one in record.readiness
    )
    return [(HEADING, lines)] if lines else []


def last_known(out: Path, *, environment: str) -> dict[str, str]:
    """By strategy: what the newest preflight of the environment said, and how long ago. Nothing when there is none of the last day."""
    record = latest(out, environment=environment, holds=lambda one: bool(one.readiness), within=HOLDS_FOR)
    if record is None:
        return {}
    when = f"by the preflight of {wording.duration(age_s(record))} ago ({record.run_id})"
    return {
        one.name: f"{one.state.upper() if one.state != 'ready' else 'yes'}, {when}"
        + (f": {one.words}" if one.state != "ready" else "")
        for one in record.readiness
    }
