"""Puts together what the engine's processes wrote: one record of a whole run, in which each due time is accounted for."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.load.order import Due, LoadOrder, asked, due_times
from pam_rollback.load.record import LoadRecord, LoadRequest, LoadWorker

_DIGITS = 6


@dataclass
class _Written:
    """What the lines say, before it is a record."""

    began_s: float | None = None
    served: dict[str, str] = field(default_factory=dict)
    """Which release each target said it is when the run began."""
    rows: dict[int, list[list[Any]]] = field(default_factory=dict)
    heard_s: dict[int, float] = field(default_factory=dict)
    failed: str = ""
    end: dict[str, Any] | None = None

    def take(self, line: Mapping[str, Any]) -> None:
        if "rows" in line:
            self.rows.setdefault(line["worker"], []).extend(line["rows"])
            self.heard_s[line["worker"]] = line["heard_s"]
        elif "began_s" in line:
            self.began_s, self.served = line["began_s"], line["served"]
        elif "failed" in line:
            self.failed = line["failed"]
        elif "ended_s" in line:
            self.end = dict(line)


def assemble(
    order: LoadOrder, lines: Iterable[Mapping[str, Any]], *, died: str, files: tuple[Path, ...] = ()
) -> LoadRecord:
    """Give the record. ``died`` says what to call an end that nobody wrote down: the engine's last words.

    Raises MeasurementFailed where no generator began, or when one says that it is done and requests of it are missing.
    """
    written = _Written()
    for line in lines:
        written.take(line)
    if written.began_s is None:
        raise MeasurementFailed(f"the load test did not begin: {written.failed or died}")
    began_s = written.began_s
    planned_end_s = began_s + order.duration_s
    if written.end is None:
        cut_short, ended_s = died, min(max(written.heard_s.values(), default=began_s), planned_end_s)
    else:
        cut_short = written.end["cut_short"]
        ended_s = min(written.end["ended_s"], planned_end_s) if cut_short else planned_end_s
    workers = tuple(_worker(number, written) for number in range(order.workers))
    requests = [
        request
        for number, worker in enumerate(workers)
        for request in (
            *_requests(order, written.rows.get(number, []), worker.name, began_s),
            *_not_accounted(order, written, number, worker, ended_s),
        )
    ]
    return LoadRecord(
        shape=order.shape.name,
        began_s=began_s,
        ended_s=ended_s,
        asked=asked(order.shape, order.duration_s, began_s=began_s),
        requests=tuple(sorted(requests, key=lambda request: request.due_s)),
        workers_expected=order.workers,
        workers=workers,
        cut_short=cut_short,
        not_one="; ".join(_changed(written)),
        served=written.served.get(order.targets[-1].name, ""),
        files=files,
    )


def _changed(written: _Written) -> Iterator[str]:
    """Why what was asked is not one release's. A target that names none says nothing about it."""
    if written.end is None or not written.served:
        return
    for target, before in written.served.items():
        after = written.end["served"].get(target, "")
        which = f"the {target} release" if target else "the API"
        if not after:
            yield f"which release answered at the end of the load is not known: {which} was {before} before, and names none then"
        elif after != before:
            yield (
                f"{which} was {before} when the load began and {after} when it was over: what was asked is not one release's; "
                "deploy nothing meanwhile, and test again"
            )


def _worker(number: int, written: _Written) -> LoadWorker:
    name = f"generator {number + 1}"
    n = len(written.rows.get(number, []))
    if written.end is None:
        return LoadWorker(name, n, written.heard_s.get(number, written.began_s))
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
            sent_s=math.nan if sent_s is None else began_s + sent_s,
            done_s=began_s + done_s,
            status=status,
            ok=not why,
            why=why,
            worker=worker,
        )


def _not_accounted(
    order: LoadOrder, written: _Written, number: int, worker: LoadWorker, ended_s: float
) -> Iterator[LoadRequest]:
    """The due times of a generator that went away: they are requests that never left, not requests that never were.

    One that is done and has such times has lost a part of its record.
    """
    began_s = written.began_s or 0.0
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
            sent_s=math.nan,
            done_s=max(ended_s, began_s + due.due_s),
            status=None,
            ok=False,
            why=f"{worker.name} went away",
            worker=worker.name,
        )
