"""Records of earlier runs, of the ramp and of the watch: files, which other machines may have written."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import (
    RAMP_ADOPTED,
    RAMP_ENTERED,
    RAMP_STARTED,
    RAMP_WATCHED,
    WATCH_BEGAN,
    WATCH_ENDED,
    WATCH_LOOKED,
)
from pam_rollback.base.strict_json import read_json
from pam_rollback.readiness.rules import upkeep
from pam_rollback.readiness.rules.postmortems import Document, RealRun
from pam_rollback.readiness.rules.releases import Ramp, Stage
from pam_rollback.report.latest_runs import age_s
from pam_rollback.report.past_drills import read
from pam_rollback.report.verdict import Outcome

_LARGEST_BYTES = 1_000_000


def ramps(file: Path, share_of: Callable[[str], float]) -> list[Ramp]:
    """The ramps of a journal, in order. ``share_of`` gives the share of a stage, per cent, by its id.

    Raises MeasurementFailed for a journal that cannot be read: nothing is guessed from half of one.
    """
    found: list[Ramp] = []
    stages: list[Stage] = []
    watched_until_s = 0.0

    def close() -> None:
        if found:
            last = found[-1]
            found[-1] = Ramp(last.release, last.began_s, (*stages,), adopted=last.adopted)

    for number, entry in _lines(file):
        try:
            kind, at_s = str(entry["event"]), float(entry["at_s"])
            if kind in {RAMP_STARTED, RAMP_ADOPTED}:
                close()
                stages = []
                found.append(Ramp(str(entry["release"]), at_s, adopted=kind == RAMP_ADOPTED))
            elif kind == RAMP_ENTERED:
                stages.append(Stage(share_of(str(entry["stage"])), at_s))
                watched_until_s = at_s
            elif kind == RAMP_WATCHED and entry["state"] == "good" and stages:
                last, until_s = stages[-1], float(entry["until_s"])
                more_s = max(0.0, until_s - max(float(entry["from_s"]), watched_until_s))
                stages[-1] = Stage(last.share_pct, last.at_s, last.watched_s + more_s)
                watched_until_s = max(watched_until_s, until_s)
        except (KeyError, TypeError, ValueError) as problem:
            raise MeasurementFailed(f"{file}, line {number}: expected an event of a ramp ({problem!r})") from None
    close()
    return found


def last_look_s(file: Path) -> float | None:
    """When the watch is last known to have seen something (seconds since 1970); None where it never did. Raises MeasurementFailed.

    A watch that began, or whose looks prove nothing, is no watch.
    """
    last: float | None = None
    saw = 0
    for number, entry in _lines(file):
        try:
            at_s = float(entry["at_s"])
            if entry["event"] == WATCH_BEGAN:
                saw = 0
            elif entry["event"] in {WATCH_LOOKED, WATCH_ENDED}:
                before, saw = saw, int(entry["looks"]) - int(entry["unknown"])
                last = at_s if saw > before else last
        except (KeyError, TypeError, ValueError):
            raise MeasurementFailed(
                f"{file}, line {number}: expected a line of the watch, with at_s and event"
            ) from None
    return last


def real_runs(out: Path, environment: str) -> list[RealRun]:
    """The real rollbacks of that environment that are on record. Half a folder is nobody's record.

    Raises MeasurementFailed where no run of it is, of whatever kind: then its rollbacks may be on record elsewhere, too.
    """
    records = (read(path) for path in sorted(out.glob("*/run.json")))
    here = [record for record in records if record is not None and record.environment.name == environment]
    if not here:
        raise MeasurementFailed(f"{out} has no run of {environment}: are its records on another machine? See --state")
    return [
        RealRun(record.run_id, datetime.fromisoformat(record.finished.iso))
        for record in here
        if record.mode == "real" and record.actions
    ]


def exchanges(out: Path, environments: Collection[str], *, item: str) -> list[tuple[str, bool, float]]:
    """Each run that judged the exchange of releases by trying it: its words, whether it was good, and its age in days."""
    found = []
    for path in sorted(out.glob("*/run.json")):
        record = read(path)
        if record is None or (environments and record.environment.name not in environments):
            continue
        results = [one for one in record.results if item in one.criteria]
        if any(figure.what == upkeep.EXCHANGE for one in results for figure in one.measured):
            good = all(one.outcome is Outcome.PASSED for one in results)
            found.append((f"{record.run_id} ({record.environment.name})", good, age_s(record) / 86_400))
    return found


def documents(folder: Path) -> list[Document]:
    """The post-mortems of a folder. Raises MeasurementFailed when it cannot be read."""
    if not folder.is_dir():
        raise MeasurementFailed(f"{folder}: expected the folder of post-mortems, found none ([readiness] postmortems)")
    try:
        return [Document(file.name, file.read_text(encoding="utf-8")) for file in sorted(folder.glob("**/*.md"))]
    except (OSError, UnicodeDecodeError) as problem:
        raise MeasurementFailed(f"{folder}: a post-mortem cannot be read: {problem}") from None


def text_of(file: Path) -> str:
    """A file of the project. Raises MeasurementFailed when it cannot be read, or is too large to be one."""
    try:
        if file.stat().st_size > _LARGEST_BYTES:
            raise MeasurementFailed(f"{file}: larger than {_LARGEST_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise MeasurementFailed(f"{file} cannot be read: {problem}") from None


def _lines(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each whole line; what follows the last newline was never finished. A file that is not there has none."""
    if not file.is_file():
        return
    for number, line in enumerate(file.read_bytes().split(b"\n")[:-1], start=1):
        try:
            entry = read_json(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise MeasurementFailed(f"{file}, line {number}: expected a JSON object")
        yield number, entry
