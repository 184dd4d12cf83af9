"""The load engine: Locust, in a process of its own that ends with this one, however it ends.

Importing Locust replaces sockets and threads, so a session never does: it starts ``load/locustfile.py``, gives it the order on stdin, waits
with a deadline, and reads what was recorded. What Locust thinks of the run (its exit code) decides nothing.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pam_rollback
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.probe.child import Child, LineReader
from pam_rollback.redeploy.load.order import Due, LoadOrder, due_times, steps_of
from pam_rollback.redeploy.load.record import LoadRecord, LoadRequest, LoadWorker

_LOCUSTFILE = Path(pam_rollback.__file__).parents[2] / "load" / "locustfile.py"
FOLDER = "PAM_LOAD_FOLDER"
"""The variable that names the record's folder to the process of a session; without it somebody puts the load by hand."""
RECORD = "run.ndjson"
_HOW = (
    "--headless",
    "--only-summary",
    "--exit-code-on-error",
    "0",
    "--csv",
    "locust",
    "--csv-full-history",
    "--html",
    "locust.html",
)
_REPORTS = (
    "locust_stats.csv",
    "locust_stats_history.csv",
    "locust_failures.csv",
    "locust_exceptions.csv",
    "locust.html",
)
"""What Locust itself writes, for the report."""


def run_load(order: LoadOrder, *, folder: Path, waiter: Waiter | None = None) -> LoadRecord:
    """Carry out the order, and give what was recorded; it lies in ``folder``, which must not hold an earlier run.

    Raises MeasurementFailed when it did not begin, or when its record cannot be read; StopRequested as every wait. Whatever else became of
    it is in the record: ``cut_short`` says why it ended before its time.
    """
    if not _LOCUSTFILE.is_file():
        raise MeasurementFailed(f"{_LOCUSTFILE}: there is no such file; load tests run from a checkout of this project")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    engine = Child(
        "load generator",
        "locust",
        order.model_dump_json(),
        folder / RECORD,
        arguments=["-f", str(_LOCUSTFILE), *_HOW],
        # Somebody's own ~/.locust.conf would be obeyed, too.
        variables={FOLDER: str(folder), "HOME": str(folder)},
        folder=folder,
    )
    late = ""
    try:
        (waiter or Waiter()).until(
            lambda: engine.alive,
            holds=lambda alive: not alive,
            within_s=order.ends_within_s,
            what="the end of the load test",
            every_s=0.1,
        )
    except NotReached:
        late = f"it was not over after {order.ends_within_s:g} s and had to be ended"
    finally:
        engine.stop(within_s=0)
    died = late or f"the engine ended before its time: {order.redacted(engine.last_words())}"
    record = assemble(order, _lines(folder / RECORD), died=died, files=_reports(folder))
    return replace(record, cut_short=late) if late else record


def recorded_load(order: LoadOrder, *, folder: Path) -> LoadRecord:
    """Give what Locust's master wrote there (``--result``). Raises MeasurementFailed where it is not what the session would ask."""
    path = folder / RECORD
    lines = [*_lines(path)]
    told = next((line["order"] for line in lines if "order" in line), None)
    if told is None:
        raise MeasurementFailed(
            f"{path}: there is no load test; put it first (docs/how-to/redeploy.md#from-many-machines)"
        )
    order = order.model_copy(update={"workers": told["workers"]})
    ours = order.without_secrets.model_dump(mode="json")
    differs = sorted(key for key in ours if key != "run" and ours[key] != told.get(key))
    if differs:
        raise MeasurementFailed(
            f"{path}: another load than the plan's and this environment's ({', '.join(differs)} differ): put it again, with the same "
            "--env and --pace"
        )
    return assemble(order, lines, died="its master ended before its time", files=_reports(folder))


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    """The record's lines; none where nothing was recorded."""
    return LineReader(path).records() if path.exists() else ()


def _reports(folder: Path) -> tuple[Path, ...]:
    return tuple(path for name in _REPORTS if (path := folder / name).is_file())


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
        steps=steps_of(order, began_s=began_s),
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
