"""The folder of one run, whole or cut short by a kill, as far as it can be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import JOURNAL, TIMELINE_FILE
from pam_rollback.journal.journal import TRACKED, Journal
from pam_rollback.observation.client.timeline import Anchor, Timeline
from pam_rollback.observation.rules.journeys import HEALTH_JOURNEY, PAGES
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.postmortem.rules.facts import Collected
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_record import RunRecord, UnreadableRecord, read

SLOW_MS = 500.0
"""Where the environment's own figure is not known any more."""


@dataclass(frozen=True)
class Watched:
    """What the prober of one situation recorded."""

    source: str
    samples: tuple[Sample, ...]
    anchor: Anchor


@dataclass(frozen=True)
class Run:
    """The folder of one run, as far as it can be read. Nothing in it is taken for granted: a run may have been killed at any moment."""

    folder: Path
    record: RunRecord | None
    no_record: str
    entries: tuple[Mapping[str, Any], ...]
    slow_ms: float = SLOW_MS
    problems: tuple[Collected, ...] = ()
    watched: Mapping[str, Watched] = field(default_factory=dict)
    """By situation."""

    @property
    def id(self) -> str:
        """The run's name."""
        began = next((entry for entry in self.entries if entry["event"] == "action"), {})
        return self.record.run_id if self.record else str(began.get("run") or self.folder.name)

    @property
    def environment(self) -> str:
        """The name of its environment; empty when nothing says so."""
        said = (entry.get("environment") for entry in self.entries if entry["event"] in {"action", "planting"})
        return self.record.environment.name if self.record else str(next(said, "") or "")

    @property
    def api(self) -> str:
        """The address of the API that it changed; empty when it changed none."""
        said = (entry.get("api") for entry in self.entries if entry["event"] in {"action", "planting"})
        return str(next(said, "") or "")

    @property
    def issue(self) -> str:
        """Where its incident is in the tracker; empty where it is in none."""
        return next((str(one.get("url", "")) for one in reversed(self.entries) if one["event"] == TRACKED), "")

    @property
    def situations(self) -> tuple[str, ...]:
        """Those with an incident: after a story, else whatever was watched; one without a name where nothing was."""
        acted = tuple(
            dict.fromkeys(f"after-{entry['strategy']}" for entry in self.entries if entry["event"] == "action")
        )
        return acted or tuple(self.watched) or ("",)


def read_run(folder: Path, *, slow_ms: float = SLOW_MS) -> Run:
    """Read whatever there is. Raises MeasurementFailed when the folder is no run's."""
    run = RunFolder(folder)
    record, no_record = None, ""
    try:
        record = read(run.record)
    except FileNotFoundError:
        no_record = "the session ended before it wrote run.json"
    except UnreadableRecord as problem:
        no_record = f"run.json cannot be read: {str(problem).splitlines()[0]}"
    entries, problems = [], []
    try:
        entries = Journal(folder / JOURNAL).entries()
    except (OSError, ValueError) as problem:
        problems.append(Collected("journal", (), f"{JOURNAL} cannot be read: {problem}"))
    watched = {}
    for path in sorted(folder.glob(f"*/{TIMELINE_FILE}")):
        name = f"{path.parent.name}/{TIMELINE_FILE}"
        try:
            told = Timeline(path)
            journeys = [journey for journey in told.header.journeys if journey != HEALTH_JOURNEY]
            of_users = journeys if set(journeys) - set(PAGES) else list(told.header.journeys)
            watched[path.parent.name] = Watched(name, told.samples(None, None, *of_users), told.anchor)
        except MeasurementFailed as problem:
            problems.append(Collected(f"answers to users ({name})", (), str(problem)))
    if not (record or entries or watched or run.results.is_dir()):
        raise MeasurementFailed(
            f"{folder}: expected the folder of a run (run.json, {JOURNAL}, or what its prober recorded), found none of it; "
            "name the run's id or folder with RUN"
        )
    return Run(folder, record, no_record, tuple(entries), slow_ms, tuple(problems), watched)
