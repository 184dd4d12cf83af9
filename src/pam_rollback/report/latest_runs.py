"""What earlier runs of the same environment recorded: the newest that has what is asked for."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.report import run_record
from pam_rollback.report.run_record import RunRecord, UnreadableRecord

_NEWEST = 200
"""Runs that are looked at: their names begin with the time."""


def latest(out: Path, *, environment: str, holds: Callable[[RunRecord], bool], within: timedelta) -> RunRecord | None:
    """The newest record of that environment for which it holds; None when there is none, or only an older one.

    One that a clock dates into the future is not known to be young.
    """
    now = datetime.now(UTC)
    return next(
        (record for _, record in newest(out, environment) if now - within <= begun(record) <= now and holds(record)),
        None,
    )


def newest(out: Path, environment: str) -> Iterator[tuple[Path, RunRecord]]:
    """The folders and records of that environment, the newest first.

    Records of another version, and half a folder, are nobody's: an old file keeps nobody from anything.
    """
    for path in sorted(out.glob("*/run.json"), reverse=True)[:_NEWEST]:
        with suppress(UnreadableRecord, OSError):
            record = run_record.read(path)
            if record.environment.name == environment:
                yield path.parent, record


def begun(record: RunRecord) -> datetime:
    """When the session began."""
    return datetime.fromisoformat(record.started.iso)


def age_s(record: RunRecord) -> float:
    """How long ago that was, in seconds."""
    return (datetime.now(UTC) - begun(record)).total_seconds()
