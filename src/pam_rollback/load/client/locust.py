"""The load engine: Locust, in processes of its own that end with this one, however it ends.

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
from math import ceil
from pathlib import Path
from typing import IO, Any

import pam_rollback
from pam_rollback.base.addresses import host_and_port
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import cut
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.load.rules.assembly import NeverBegan, assemble
from pam_rollback.load.rules.order import LoadOrder
from pam_rollback.load.rules.record import LoadRecord
from pam_rollback.outside.programs import last_lines

_SOURCE = Path(pam_rollback.__file__).parents[1]
_LOCUSTFILE = _SOURCE.parent / "load" / "locustfile.py"
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""No proxy, no Python switch and no secret of the session reaches a generator by its environment: what it may know comes on its stdin."""
_OWN_VARIABLES = {"PAM_LOAD_ORDER_ON_STDIN": "1", "PYTHONUNBUFFERED": "1"}
_PATIENCE_S = 5.0
_SIGN_ON_WITHIN_S = 30.0
_LAST_LINES = 12
_RECORD = "run.ndjson"
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
    it is in the record: ``cut_short`` and ``workers`` name generators that went away.
    """
    if not _LOCUSTFILE.is_file():
        raise MeasurementFailed(f"{_LOCUSTFILE}: there is no such file; load tests run from a checkout of this project")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / _RECORD).exists():
        raise MeasurementFailed(
            f"{folder / _RECORD} exists already: a record belongs to one load test, choose another folder"
        )
    with contextlib.ExitStack() as running:
        engine = _Engine(order, folder, waiter or Waiter())
        running.callback(engine.end)
        late = engine.run()
    files = tuple(path for name in _REPORTS if (path := folder / name).is_file())
    died = late or f"the engine ended before its time: {engine.last_words()}"
    try:
        record = assemble(order, _lines(folder / _RECORD), died=died, files=files)
    except NeverBegan as error:
        raise MeasurementFailed(f"the load test did not begin: {error}{_how_to_join(order)}") from None
    return replace(record, cut_short=late) if late else record


class _Engine:
    """The processes of one run: a leader and, where there are several generators on this machine, its workers."""

    def __init__(self, order: LoadOrder, folder: Path, waiter: Waiter) -> None:
        self._order = order
        self._folder = folder
        self._waiter = waiter
        self._processes: list[subprocess.Popen[bytes]] = []

    def run(self) -> str:
        """Wait until it is over, and give why it was not over in time; empty when it was."""
        clock = self._waiter.clock
        began_s = clock.monotonic_s()
        leader = self._start("leader", *self._leading())
        try:
            if self._order.workers.count > 1 and not self._order.workers.remote:
                port = self._port_of(leader)
                for number in range(self._order.workers.count if port else 0):
                    self._start(
                        f"worker-{number}", "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)
                    )
            self._waiter.until(
                leader.poll,
                holds=lambda code: code is not None,
                within_s=self._order.ends_within_s - (clock.monotonic_s() - began_s),
                what="the end of the load test",
                every_s=0.1,
            )
        except NotReached:
            return f"it was not over after {self._order.ends_within_s:g} s and had to be ended"
        return ""

    def end(self) -> None:
        """End every process: by asking, then by closing its stdin, at last by SIGKILL. Never raises for it."""
        for process in self._processes:
            _signal(process, signal.SIGTERM)
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_S)
            assert process.stdin is not None  # stdin=PIPE
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            _signal(process, signal.SIGKILL)
            process.wait()

    def last_words(self) -> str:
        """The end of what its processes said, without secrets."""
        said = [last_lines(log, _LAST_LINES) for log in sorted(self._folder.glob("*.log"))]
        return self._redacted("\n".join(said))

    def _leading(self) -> Iterator[str]:
        yield from ("--headless", "--only-summary", "--csv", str(self._folder / "locust"), "--csv-full-history")
        yield from ("--html", str(self._folder / "locust.html"), "--exit-code-on-error", "0")
        # A user that is one too many, after a spike, still gets its answer.
        yield from ("--stop-timeout", str(ceil(self._order.timeout_s) + 1))
        workers = self._order.workers
        if workers.count > 1 or workers.remote:
            host, port = host_and_port(workers.listen) if workers.remote else ("127.0.0.1", 0)
            yield from ("--master", "--master-bind-host", host, "--master-bind-port", str(port))
            within_s = round(workers.within_s if workers.remote else _SIGN_ON_WITHIN_S)
            yield from ("--expect-workers", str(workers.count), "--expect-workers-max-wait", str(max(within_s, 1)))

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        kept = {variable: os.environ[variable] for variable in _KEPT_VARIABLES if variable in os.environ}
        # Somebody's own ~/.locust.conf would be obeyed, too.
        own = {
            **_OWN_VARIABLES,
            "HOME": str(self._folder),
            "PAM_LOAD_FOLDER": str(self._folder),
            "PYTHONPATH": str(_SOURCE),
        }
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                # -P: a file in the working directory must not stand in for a module.
                [sys.executable, "-P", "-m", "locust", "-f", str(_LOCUSTFILE), *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**kept, **own},
                cwd=self._folder,
                start_new_session=True,
            )
        self._processes.append(process)
        assert process.stdin is not None  # stdin=PIPE
        with contextlib.suppress(BrokenPipeError):  # it ended at once: its record says nothing, its log says why
            process.stdin.write(self._order.model_dump_json().encode() + b"\n")
            process.stdin.flush()
        return process

    def _port_of(self, leader: subprocess.Popen[bytes]) -> int:
        """Where the leader listens for workers of this machine; 0 when it ended before it could say so."""
        found = self._waiter.until(
            lambda: leader.poll() is not None or next(_lines(self._folder / _RECORD), None),
            holds=bool,
            within_s=self._order.ends_within_s,
            what="the load test's leader listens",
            every_s=0.05,
        )
        return int(found["listening"]) if isinstance(found, dict) else 0

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


def _how_to_join(order: LoadOrder) -> str:
    if not order.workers.remote:
        return ""
    host, port = host_and_port(order.workers.listen)
    command = f"python -m locust -f load/locustfile.py --worker --master-host {host} --master-port {port}"
    return f"\nstart each worker in a checkout of this version with: {command}"
