"""What is kept of a run, without addresses of people, and how long.

=====================================  ==========================================================================
a run is kept because                  although it is older than ``keep``
=====================================  ==========================================================================
it owes an undo                        its journal is the only way to put that back; not one on a machine's own sandbox
its journal cannot be read             it may owe an undo
a ramp that is under way names it      the ramp goes by its gate's verdict
it has its environment's newest        later runs are compared with it
baseline
=====================================  ==========================================================================
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pam_rollback.base.addresses import is_loopback
from pam_rollback.base.run_files import JOURNAL, RAMP_FINISHED, RAMP_ROLLED_BACK

Files = Mapping[str, str]
"""The texts of one record's files, by their paths in it."""
RECORD = "run.json"
BASELINE = "baseline/baseline.json"
KEEP = timedelta(days=90)
LARGEST_BYTES = 4_000_000
"""Of one file. A record of all ten drills with every check has a tenth of it."""
_RUN = re.compile(r"(?P<begun>\d{8}T\d{6}Z)-(?P<environment>[a-z0-9][a-z0-9-]*)-[0-9a-f]{4}", re.ASCII)
_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_FILE = re.compile(
    r"run\.json|journal\.jsonl|baseline/[a-z0-9][a-z0-9-]*\.json|[a-z0-9][a-z0-9-]*/requests\.json", re.ASCII
)
_ADDRESS = re.compile(r"(?!git@)\b[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_OWED, _SETTLED = "undo-owed", "undo-done"


@dataclass(frozen=True)
class Name:
    """What the id of a run says."""

    begun: datetime
    environment: str


def name_of(run: str) -> Name | None:
    """What the id says; None for something else, which is nobody's run."""
    found = _RUN.fullmatch(run)
    if found is None:
        return None
    try:
        begun = datetime.strptime(found["begun"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Name(begun, found["environment"])


def is_environment(name: str) -> bool:
    """Whether it is the name of an environment, and no path to somewhere else."""
    return _ENVIRONMENT.fullmatch(name) is not None


def is_kept(path: str) -> bool:
    """Whether a file of a run is kept: what later runs read, and no evidence."""
    return _FILE.fullmatch(path) is not None


def is_told(files: Files) -> bool:
    """Whether there is a run to keep at all: a plan that sent nothing is none."""
    if JOURNAL in files:
        return True
    try:
        return bool(json.loads(files[RECORD])["verdict"] != "PLANNED")
    except (KeyError, ValueError, TypeError):
        return False


def without_people(path: str, text: str) -> str:
    """The text without mail addresses. What an undo needs stays as it is: it is about things, and would not work without."""
    if path != JOURNAL:
        return _ADDRESS.sub("[mail address]", text)
    lines = text.split("\n")
    return "\n".join(line if f'"event": "{_OWED}"' in line else _ADDRESS.sub("[mail address]", line) for line in lines)


def old(runs: Iterable[str], *, now: datetime, keep: timedelta) -> list[str]:
    """The runs that began longer ago than that."""
    return [run for run in runs if (name := name_of(run)) is not None and now - name.begun > keep]


def newest_baselines(paths: Iterable[str]) -> set[str]:
    """Of each environment the run with its newest baseline; ``paths`` are those of all files, each below its run's id."""
    newest: dict[str, str] = {}
    for run in sorted(path.partition("/")[0] for path in paths if path.partition("/")[2] == BASELINE):
        name = name_of(run)
        if name is not None:
            newest[name.environment] = run
    return set(newest.values())


def owes(journal: str) -> bool:
    """Whether a change was not put back that somebody could put back from another machine; also when that cannot be read."""
    open_: dict[object, bool] = {}
    for line in journal.split("\n"):
        if not line:
            continue
        try:
            entry = json.loads(line)
            if entry["event"] == _OWED:
                open_[entry["number"]] = not is_loopback(str(entry.get("api", "")))
            elif entry["event"] == _SETTLED:
                open_.pop(entry["number"], None)
        except (ValueError, KeyError, TypeError):
            return True
    return any(open_.values())


def referred_to(ramp: str) -> Iterator[str]:
    """The runs that a ramp goes by which is neither finished nor taken back; of one that cannot be read, all that it names."""
    named: list[str] = []
    for line in ramp.split("\n"):
        try:
            event = json.loads(line)
            if event["event"] in {RAMP_FINISHED, RAMP_ROLLED_BACK}:
                named = []
            elif "run" in event:
                named.append(str(event["run"]))
        except (ValueError, KeyError, TypeError):
            continue
    yield from named


def dropped(candidates: Mapping[str, Files], *, needed: Collection[str]) -> set[str]:
    """Of runs that are old enough, with their files: those that nobody needs."""
    return {run for run, files in candidates.items() if run not in needed and not owes(files.get(JOURNAL, ""))}
