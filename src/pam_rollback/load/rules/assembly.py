"""Puts together what the engine's processes wrote: one record of a whole run, in which each due time of the open model is accounted for."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.load.rules.order import LoadOrder
from pam_rollback.load.rules.record import LoadRecord, LoadRequest, LoadWorker
from pam_rollback.load.rules.shapes import asked, due_times

_DIGITS = 6


class NeverBegan(MeasurementFailed):
    """The generators did not begin; the message says why."""


@dataclass
class _Written:
    """What the lines say, before it is a record."""

    began_s: float | None = None
    workers: dict[str, float] = field(default_factory=dict)
    """Their clocks' offsets, in the order of their numbers."""
    signed_on: list[str] = field(default_factory=list)
    rows: dict[str, list[list[Any]]] = field(default_factory=dict)
    heard_s: dict[str, float] = field(default_factory=dict)
    failed: str = ""
    end: dict[str, Any] | None = None

    def take(self, line: Mapping[str, Any]) -> None:
        if "rows" in line:
            self.rows.setdefault(line["worker"], []).extend(line["rows"])
            self.heard_s[line["worker"]] = line["heard_s"]
        elif "signed_on" in line:
            self.signed_on.append(line["signed_on"])
        elif "began_s" in line:
            self.began_s, self.workers = line["began_s"], dict(line["workers"])
        elif "failed" in line:
            self.failed = line["failed"]
        elif "ended_s" in line:
            self.end = dict(line)


def assemble(
    order: LoadOrder, lines: Iterable[Mapping[str, Any]], *, died: str, files: tuple[Path, ...] = ()
) -> LoadRecord:
    """Give the record. ``died`` says what to call an end that nobody wrote down: the engine's last words.

    Raises NeverBegan where no generator began, and MeasurementFailed when one says that it is done and requests of it are missing.
    """
    written = _Written()
    for line in lines:
        written.take(line)
    if written.began_s is None:
        signed_on = f"{len(written.signed_on)} of {order.workers.count} generators signed on"
        raise NeverBegan(f"{signed_on}; {written.failed or died}")
    began_s = written.began_s
    planned_end_s = began_s + order.duration_s
    if written.end is None:
        cut_short, ended_s = died, min(max(written.heard_s.values(), default=began_s), planned_end_s)
    else:
        cut_short = written.end["cut_short"]
        ended_s = min(written.end["ended_s"], planned_end_s) if cut_short else planned_end_s
    workers = tuple(_worker(name, written) for name in written.workers)
    requests = [
        request
        for name in written.workers
        for request in _requests(order, written.rows.get(name, []), name, began_s + written.workers[name])
    ]
    if order.shape.open_model:
        for number, worker in enumerate(workers):
            requests += _not_accounted(order, written.rows.get(worker.name, []), worker, number, written, ended_s)
    return LoadRecord(
        shape=order.shape.name,
        open_model=order.shape.open_model,
        began_s=began_s,
        ended_s=ended_s,
        asked=asked(order.shape, order.duration_s, began_s=began_s),
        requests=tuple(sorted(requests, key=lambda request: request.due_s)),
        workers_expected=order.workers.count,
        workers=workers,
        cut_short=cut_short,
        files=files,
    )


def _worker(name: str, written: _Written) -> LoadWorker:
    n = len(written.rows.get(name, []))
    offset_s = written.workers[name]
    if written.end is None:
        return LoadWorker(name, n, written.heard_s.get(name, written.began_s), offset_s)
    told = written.end["workers"][name]
    if told["lost_s"] is None and told["requests"] != n:
        raise MeasurementFailed(
            f"the load test's record is damaged: {name} says it made {told['requests']} requests, {n} were written"
        )
    return LoadWorker(name, n, told["lost_s"], offset_s)


def _requests(order: LoadOrder, rows: Iterable[list[Any]], worker: str, began_s: float) -> Iterable[LoadRequest]:
    """``began_s`` is the beginning by the worker's own clock, as its moments are."""
    targets = [target.name for target in order.targets]
    journeys = [journey.name for journey in order.journeys]
    for target, journey, due_s, sent_s, done_s, status, why in rows:
        yield LoadRequest(
            target=targets[target],
            journey=journeys[journey],
            due_s=began_s + due_s,
            sent_s=math.nan if sent_s is None else began_s + sent_s,
            done_s=began_s + done_s,
            status=status,
            ok=not why,
            why=why,
            worker=worker,
        )


def _not_accounted(
    order: LoadOrder, rows: Iterable[list[Any]], worker: LoadWorker, number: int, written: _Written, ended_s: float
) -> Iterable[LoadRequest]:
    """The due times of a generator that went away: they are requests that never left, not requests that never were.

    One that is done and has such times has lost a part of its record.
    """
    began_s = (written.began_s or 0.0) + worker.clock_offset_s
    ended_s += worker.clock_offset_s
    accounted = Counter((target, journey, round(due_s, _DIGITS)) for target, journey, due_s, *_ in rows)
    missing = [
        due
        for due in due_times(order, worker=number, workers=order.workers.count)
        if began_s + due.due_s < ended_s and not accounted[due.target, due.journey, round(due.due_s, _DIGITS)]
    ]
    if missing and worker.lost_s is None and written.end is not None and not written.end["cut_short"]:
        raise MeasurementFailed(
            f"the load test's record is damaged: {len(missing)} due times of {worker.name} are missing"
        )
    why = f"its generator {worker.name} went away"
    for due in missing:
        yield LoadRequest(
            target=order.targets[due.target].name,
            journey=order.journeys[due.journey].name,
            due_s=began_s + due.due_s,
            sent_s=math.nan,
            done_s=max(ended_s, began_s + due.due_s),
            status=None,
            ok=False,
            why=why,
            worker=worker.name,
        )
