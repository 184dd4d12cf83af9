"""What a preflight found, in words: the same lines in the terminal and in the job summary; and what a decision says of it later."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from pam_rollback.report import wording
from pam_rollback.report.latest_runs import age_s, latest
from pam_rollback.report.readiness_record import RemainingWays
from pam_rollback.report.run_record import RunRecord

HEADING: Final = "Could we roll back right now?"
STANDS_ON: Final = "What each way stands on"
WITHOUT: Final = "If one of these is down, these ways remain"
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
    return [*([(HEADING, lines)] if lines else []), *_standing(record)]


def _standing(record: RunRecord) -> list[tuple[str, tuple[str, ...]]]:
    """A line for each way, and one for each on whom ways stand."""
    found = record.standing
    if found is None:
        return []
    ways = tuple(
        f"{_SIGNS.get(way.state, '[ ]')} {way.name}: {', '.join(way.stands_on)}"
        + (f"; {way.state.upper()}: {way.words}" if way.state != "ready" else "")
        for way in found.ways
    )
    ready = [way.name for way in found.ways if way.state == "ready"]
    without = tuple(
        f"{one.party}: {_remaining(one, ready)}" + (f" ({one.note})" if one.note else "") for one in found.without
    )
    return [(STANDS_ON, ways), (WITHOUT, without)]


def in_short(record: RunRecord) -> list[tuple[str, tuple[str, ...]]]:
    """For one screen: what is ready by its name alone, and what a ready way stands on by who else would be missed."""
    ready = [one.name for one in record.readiness if one.state == "ready"]
    short = f"{_SIGNS['ready']} ready: {', '.join(ready)}"
    found = []
    for heading, lines in paragraphs(record):
        left = tuple(one for one in lines if heading == WITHOUT or not one.startswith(_SIGNS["ready"]))
        told = (short, *left) if heading == HEADING and ready else left
        found += [(heading, told)] if told else []
    return found


def _remaining(one: RemainingWays, ready: Sequence[str]) -> str:
    """Those that remain, or those that do not, whichever is told in fewer words."""
    if not one.remaining:
        return "NONE"
    gone = [name for name in ready if name not in one.remaining]
    if not gone:
        return "all"
    return f"all but {', '.join(gone)}" if len(gone) < len(one.remaining) else ", ".join(one.remaining)


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
