"""Puts together what the engine's processes wrote: one record of a whole run, in which each due time is accounted for."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.load.order import Due, LoadOrder, asked, due_times
from pam_rollback.load.record import LoadRecord, LoadRequest, LoadWorker

_DIGITS = 6


class _Written:
    """What the lines say, before it is a record."""

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        self.began: Mapping[str, Any] | None = None
        self.end: Mapping[str, Any] | None = None
        self.failed = ""
        self.rows: dict[int, list[list[Any]]] = {}
        self.heard_s: dict[int, float] = {}
        for line in lines:
            if "rows" in line:
                self.rows.setdefault(line["worker"], []).extend(line["rows"])
                self.heard_s[line["worker"]] = line["heard_s"]
            elif "began_s" in line:
                self.began = line
            elif "failed" in line:
                self.failed = line["failed"]
            elif "ended_s" in line:
                self.end = line


def assemble(
    order: LoadOrder, lines: Iterable[Mapping[str, Any]], *, died: str, files: tuple[Path, ...] = ()
) -> LoadRecord:
    """Give the record. ``died`` says what to call an end that nobody wrote down: the engine's last words.

    Raises MeasurementFailed where no generator began, or when one says that it is done and requests of it are missing.
    """
    written = _Written(lines)
    if written.began is None:
        raise MeasurementFailed(f"the load test did not begin: {written.failed or died}")
    began_s: float = written.began["began_s"]
    served: Mapping[str, str] = written.began["served"]
    planned_end_s = began_s + order.duration_s
    if written.end is None:
        cut_short, ended_s = died, min(max(written.heard_s.values(), default=began_s), planned_end_s)
    else:
        cut_short = written.end["cut_short"]
        ended_s = min(written.end["ended_s"], planned_end_s) if cut_short else planned_end_s
    workers = tuple(_worker(number, written, began_s) for number in range(order.workers))
    requests = [
        request
        for number, worker in enumerate(workers)
        for request in (
            *_requests(order, written.rows.get(number, []), worker.name, began_s),
            *_not_accounted(order, written, number, worker, began_s, ended_s),
        )
    ]
    return LoadRecord(
        began_s=began_s,
        ended_s=ended_s,
        asked=asked(order, began_s=began_s),
        requests=tuple(sorted(requests, key=lambda request: request.due_s)),
        workers_expected=order.workers,
        workers=workers,
        cut_short=cut_short,
        not_one="; ".join(_changed(served, written.end)),
        served=served.get(order.targets[-1].name, ""),
        files=files,
    )


def _changed(served: Mapping[str, str], end: Mapping[str, Any] | None) -> Iterator[str]:
    """Why what was asked is not one release's. A target that names none says nothing about it."""
    if end is None:
        return
    for target, before in served.items():
        after = end["served"].get(target, "")
        which = f"the {target} release" if target else "the API"
        if not after:
            yield f"which release answered at the end of the load is not known: {which} was {before} before, and names none then"
        elif after != before:
            yield (
                f"{which} was {before} when the load began and {after} when it was over: what was asked is not one release's; "
                "deploy nothing meanwhile, and test again"
            )


def _worker(number: int, written: _Written, began_s: float) -> LoadWorker:
    name = f"generator {number + 1}"
    n = len(written.rows.get(number, []))
    if written.end is None:
        return LoadWorker(name, n, written.heard_s.get(number, began_s))
    told = written.end["workers"][str(number)]
    if told["lost_s"] is None and told["requests"] != n:
        raise MeasurementFailed(
            f"the load test's record is damaged: {name} says it made {told['requests']} requests, {n} were written"
        )
    return LoadWorker(name, n, told["lost_s"])


def _requests(order: LoadOrder, rows: Iterable[list[Any]], worker: str, began_s: float) -> Iterator[LoadRequest]:
    for target, journey, due_s, sent_s, done_s, status, why in rows:
        yield LoadRequest(
            target=order.targets[target].name,
            journey=order.journeys[journey].name,
            due_s=began_s + due_s,
            latency_ms=(done_s - due_s) * 1000,
            lag_ms=None if sent_s is None else (sent_s - due_s) * 1000,
            status=status,
            ok=not why,
            why=why,
            worker=worker,
        )


def _not_accounted(
    order: LoadOrder, written: _Written, number: int, worker: LoadWorker, began_s: float, ended_s: float
) -> Iterator[LoadRequest]:
    """The due times of a generator that went away: they are requests that never left, not requests that never were.

    One that is done and has such times has lost a part of its record.
    """
    rows = written.rows.get(number, [])
    accounted = Counter((target, journey, round(due_s, _DIGITS)) for target, journey, due_s, *_ in rows)
    missing: list[Due] = [
        due
        for due in due_times(order, worker=number, workers=order.workers)
        if began_s + due.due_s < ended_s and not accounted[due.target, due.journey, round(due.due_s, _DIGITS)]
    ]
    if missing and worker.lost_s is None and written.end is not None and not written.end["cut_short"]:
        raise MeasurementFailed(
            f"the load test's record is damaged: {len(missing)} due times of {worker.name} are missing"
        )
    for due in missing:
        yield LoadRequest(
            target=order.targets[due.target].name,
            journey=order.journeys[due.journey].name,
            due_s=began_s + due.due_s,
            latency_ms=math.nan,
            lag_ms=None,
            ok=False,
            why=f"{worker.name} went away",
            worker=worker.name,
        )
