"""How many requests the service had while it was watched, kept beside the timeline: an incident is looked for again under this load."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import TIMELINE_FILE
from pam_rollback.observation.client.timeline import Timeline
from pam_rollback.observation.rules.journeys import PAGES

FILE = "requests.json"


@dataclass(frozen=True)
class RequestsSeen:
    """The most requests a second that the back end answered, and who counted them."""

    rate_hz: float
    counted_by: str


def keep(found: RequestsSeen | MeasurementFailed, file: Path) -> None:
    """Write it, or why it is not known."""
    told: dict[str, Any] = (
        {"requests_per_s": None, "why_unknown": str(found)}
        if isinstance(found, MeasurementFailed)
        else {"requests_per_s": round(found.rate_hz, 3), "counted_by": found.counted_by}
    )
    file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def kept(file: Path) -> RequestsSeen | None:
    """What was written; None where it was not known, or the file is no such file."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        rate_hz, counted_by = told["requests_per_s"], told["counted_by"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, int | float) or not math.isfinite(rate_hz) or rate_hz <= 0:
        return None
    return RequestsSeen(float(rate_hz), str(counted_by))


def counted_in(folder: Path) -> RequestsSeen | None:
    """The most requests a second that were counted in a run, whoever asked; None where nobody counted."""
    return _most(kept(file) for file in sorted(folder.glob(f"*/{FILE}")))


def probed_in(folder: Path) -> RequestsSeen | None:
    """The most requests a second that a run's own observation sent to the back end; None where nothing was observed."""
    return _most(_probed(Timeline(path)) for path in sorted(folder.glob(f"*/{TIMELINE_FILE}")))


def _most(known: Iterable[RequestsSeen | None]) -> RequestsSeen | None:
    return max(filter(None, known), key=lambda found: found.rate_hz, default=None)


def _probed(timeline: Timeline) -> RequestsSeen | None:
    try:
        asked = [name for name in timeline.header.journeys if name not in PAGES]
        return RequestsSeen(timeline.rate_hz(*asked), "its own probes") if asked else None
    except MeasurementFailed:
        return None
