"""Two accounts of one record become one, and nothing of either is lost."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from pam_rollback.base.run_files import WATCH_LOOKED, WATCH_RECORD
from pam_rollback.state.rules.kept import RECORD, Files

_LINES = ".jsonl"
_NEVER = float("-inf")


def merged(theirs: Files, ours: Files) -> dict[str, str]:
    """All files of both. What both have: journals line by line, of a run's record the later one, else what was there first."""
    both = {path: of_both(path, theirs[path], ours[path]) for path in theirs.keys() & ours.keys()}
    return thinned({**theirs, **ours, **both})


def of_both(path: str, theirs: str, ours: str) -> str:
    """One file that both have."""
    if path.endswith(_LINES):
        return lines_of_both(theirs, ours)
    if path == RECORD and _finished_s(ours) >= _finished_s(theirs):
        return ours
    return theirs


def thinned(files: Files) -> dict[str, str]:
    """A watch's signs of life but the latest left out: nobody asks for the others, and there are 144 a day."""
    text = files.get(WATCH_RECORD)
    if text is None:
        return {**files}
    lines = text.splitlines(keepends=True)
    alive = [number for number, line in enumerate(lines) if f'"event": "{WATCH_LOOKED}"' in line]
    left_out = {*alive[:-1]}
    return {**files, WATCH_RECORD: "".join(line for number, line in enumerate(lines) if number not in left_out)}


def lines_of_both(theirs: str, ours: str) -> str:
    """An account that goes on from the other one as it is; else every line of both once, by time."""
    if theirs.startswith(ours):
        return theirs
    if ours.startswith(theirs):
        return ours
    lines = dict.fromkeys(line for text in (theirs, ours) for line in text.split("\n") if line)
    return "".join(f"{line}\n" for line in _by_time(lines))


def lacking(known: str, whole: str) -> str:
    """The lines that the second has and the first has not, in their order."""
    if whole.startswith(known):
        return whole[len(known) :]
    has = set(known.split("\n"))
    return "".join(f"{line}\n" for line in whole.split("\n") if line and line not in has)


def _by_time(lines: Iterable[str]) -> Iterator[str]:
    """A line that does not say when, such as one that was cut short, stays behind the one before it."""
    at_s = _NEVER
    stamped = []
    for line in lines:
        at_s = _said_s(line, at_s)
        stamped.append((at_s, line))
    yield from (line for _, line in sorted(stamped, key=lambda pair: pair[0]))


def _said_s(line: str, otherwise: float) -> float:
    try:
        return datetime.fromisoformat(json.loads(line)["at"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return otherwise


def _finished_s(record: str) -> float:
    try:
        return datetime.fromisoformat(json.loads(record)["finished"]["iso"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return _NEVER
