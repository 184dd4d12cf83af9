"""The load engine: Locust, in a process of its own that ends with this one, however it ends.

Importing Locust replaces sockets and threads, so a session never does: it starts ``load/locustfile.py``, gives it the order on stdin, waits
with a deadline, and reads what was recorded. What Locust thinks of the run (its exit code) decides nothing.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pam_rollback
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.load.assembly import assemble
from pam_rollback.load.order import LoadOrder
from pam_rollback.load.record import LoadRecord
from pam_rollback.observation.child import Child, LineReader

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
    if (folder / RECORD).exists():
        raise MeasurementFailed(
            f"{folder / RECORD} exists already: a record belongs to one load test, choose another folder"
        )
    engine = Child(
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
        raise MeasurementFailed(f"{path}: there is no load test; put it first (docs/how-to/load-from-many-machines.md)")
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
