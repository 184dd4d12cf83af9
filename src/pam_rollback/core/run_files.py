"""The names of files in a run's folder that one part of the suite writes and another one reads later, perhaps on another machine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pam_rollback import VERSION

JOURNAL = "journal.jsonl"
"""Every step and change, as it is made."""
KEPT_ELSEWHERE = ".state"
"""The run is, or is to be, kept beyond this machine: the hash of what is kept there, nothing while nothing is."""

# In the folder of a situation.
TIMELINE_FILE = "timeline.jsonl"
"""What the prober saw."""
RECOVERY_FILE = "recovery.json"
"""The moments of the incident."""
SETTINGS_FILE = "settings-before.json"
"""Flags and settings as they were."""

# In the state folder of an environment, which outlives sessions.
RAMP_JOURNAL = "ramp.jsonl"
"""Every event of the staged re-deployment."""
RAMP_FINISHED, RAMP_ROLLED_BACK = "finished", "rolled-back"
"""Its events after which a ramp goes by no earlier run any more."""
WATCH_RECORD = "watch.jsonl"
"""What the watch of an environment did; each line has the moment ``at_s`` (seconds since 1970)."""
WATCH_BEGAN, WATCH_LOOKED, WATCH_ENDED = "turn-began", "looked", "turn-ended"
"""Its events that tell whether it saw: the latter two have the ``looks`` of the turn, and how many of them proved nothing (``unknown``)."""


def is_run_id(name: str, environment: str) -> bool:
    """Whether a folder of that name is that of a run there, such as ``20261127T100000Z-staging-00aa``: people find a run by its id."""
    return re.fullmatch(rf"\d{{8}}T\d{{6}}Z-{re.escape(environment)}-[0-9a-f]{{4}}", name, re.ASCII) is not None


@dataclass(frozen=True)
class Event:
    """``at_s`` is in seconds since 1970: several sessions write, on several machines."""

    at_s: float
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)


FORMAT: Final = "schema_version"
WRITTEN_BY: Final = "suite"
"""The version of the suite that wrote the record."""
JOURNAL_FORMAT: Final = 1
RAMP_FORMAT: Final = 1
WATCH_FORMAT: Final = 1


def stamp(number: int) -> dict[str, Any]:
    """What a record carries to be recognised later."""
    return {FORMAT: number, WRITTEN_BY: VERSION}


def too_new(record: Mapping[str, Any], ours: int) -> str:
    """Why this version cannot read the record; empty when it can. What is no number is damage, which the reader reports."""
    found = record.get(FORMAT)
    if not isinstance(found, int | float) or isinstance(found, bool) or found <= ours:
        return ""
    return (
        f"it has format {found:g}, and pam-rollback {VERSION} reads format {ours}: repeat the command with the version that wrote "
        f"it ({record.get(WRITTEN_BY) or 'not named'}); nothing was changed"
    )


TO_FILL = "_For people to fill in._"
ROOT_CAUSE_FOUND = "Root cause found (UTC)"
FINISHED = "Finished (UTC)"
