"""The load engine: Locust, in a process of its own that ends with this one, however it ends.

Importing Locust replaces sockets and threads, so a session never does: it starts ``load/locustfile.py``, gives it the order on stdin, waits
with a deadline, and reads what was recorded. What Locust thinks of the run (its exit code) decides nothing.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pam_rollback
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import cut
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.load.assembly import assemble
from pam_rollback.load.order import LoadOrder
from pam_rollback.load.record import LoadRecord
from pam_rollback.outside.programs import last_lines

_SOURCE = Path(pam_rollback.__file__).parents[1]
_LOCUSTFILE = _SOURCE.parent / "load" / "locustfile.py"
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""No proxy, no Python switch and no secret of the session reaches a generator by its environment: what it may know comes on its stdin."""
_OWN_VARIABLES = {"PAM_LOAD_ORDER_ON_STDIN": "1", "PYTHONUNBUFFERED": "1"}
_PATIENCE_S = 5.0
_LAST_LINES = 12
RECORD = "run.ndjson"
_LOG = "locust.log"
_HOW = ("--headless", "--only-summary", "--exit-code-on-error", "0")
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
    with contextlib.ExitStack() as running:
        engine = _Engine(order, folder, waiter or Waiter())
        running.callback(engine.end)
        late = engine.run()
    died = late or f"the engine ended before its time: {engine.last_words()}"
    record = assemble(order, _lines(folder / RECORD), died=died, files=_reports(folder))
    return replace(record, cut_short=late) if late else record


def recorded_load(order: LoadOrder, *, folder: Path) -> LoadRecord:
    """Give what Locust's master wrote there (``--result``). Raises MeasurementFailed where it is not what the session would ask."""
    path = folder / RECORD
    told = next(_lines(path), {}).get("order")
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
    return assemble(order, _lines(path), died="its master ended before its time", files=_reports(folder))


def _reports(folder: Path) -> tuple[Path, ...]:
    return tuple(path for name in _REPORTS if (path := folder / name).is_file())


class _Engine:
    """The process of one run."""

    def __init__(self, order: LoadOrder, folder: Path, waiter: Waiter) -> None:
        self._order = order
        self._folder = folder
        self._waiter = waiter
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> str:
        """Wait until it is over, and give why it was not over in time; empty when it was."""
        process = self._process = self._start()
        try:
            self._waiter.until(
                process.poll,
                holds=lambda code: code is not None,
                within_s=self._order.ends_within_s,
                what="the end of the load test",
                every_s=0.1,
            )
        except NotReached:
            return f"it was not over after {self._order.ends_within_s:g} s and had to be ended"
        return ""

    def end(self) -> None:
        """End the process: by asking, then by closing its stdin, at last by SIGKILL. Never raises for it."""
        process = self._process
        if process is None:
            return
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)
        assert process.stdin is not None  # stdin=PIPE
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        _signal(process, signal.SIGKILL)
        process.wait()

    def last_words(self) -> str:
        """The end of what its process said, without secrets."""
        return self._redacted(last_lines(self._folder / _LOG, _LAST_LINES))

    def _start(self) -> subprocess.Popen[bytes]:
        kept = {variable: os.environ[variable] for variable in _KEPT_VARIABLES if variable in os.environ}
        # Somebody's own ~/.locust.conf would be obeyed, too.
        own = {
            **_OWN_VARIABLES,
            "HOME": str(self._folder),
            "PAM_LOAD_FOLDER": str(self._folder),
            "PYTHONPATH": str(_SOURCE),
        }
        reports = (
            "--csv",
            str(self._folder / "locust"),
            "--csv-full-history",
            "--html",
            str(self._folder / "locust.html"),
        )
        with (self._folder / _LOG).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                # -P: a file in the working directory must not stand in for a module.
                [sys.executable, "-P", "-m", "locust", "-f", str(_LOCUSTFILE), *_HOW, *reports],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**kept, **own},
                cwd=self._folder,
                start_new_session=True,
            )
        assert process.stdin is not None  # stdin=PIPE
        with contextlib.suppress(BrokenPipeError):  # it ended at once: its record says nothing, its log says why
            process.stdin.write(self._order.model_dump_json().encode() + b"\n")
            process.stdin.flush()
        return process

    def _redacted(self, text: str) -> str:
        account = self._order.sign_in
        for secret in filter(None, (account.password, account.email) if account else ()):
            text = text.replace(secret, "[redacted]")
        return text


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To all that it started too: it leads a process group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, for a group of the dead
        os.killpg(process.pid, number)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The record's lines; the last one of a process that was killed may be half written. None, when there is no such file."""
    with contextlib.suppress(FileNotFoundError), path.open(encoding="utf-8") as file:
        yield from _parsed(file, path)


def _parsed(file: IO[str], path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, 1):
        if not line.endswith("\n"):
            return
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise MeasurementFailed(
                f"{path}, line {number}: expected a JSON object, found {cut(line, 60)!r}: the record is damaged"
            )
        yield found
