"""Runs in Locust's process: reads the order, drives the generators by the clock, and writes ``run.ndjson``."""

import gc
import os
import signal
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gevent
from gevent import monkey
from gevent.pool import Pool
from gevent.timeout import Timeout
from locust.event import EventHook
from pydantic import ValidationError

from pam_rollback.core.open_loop import why_not_sent
from pam_rollback.probe.child import LineWriter, read_config_line, wait_for_end_of_stdin
from pam_rollback.redeploy.load.asking import Asker, Client, origin_and_path
from pam_rollback.redeploy.load.locust import FOLDER, RECORD
from pam_rollback.redeploy.load.order import LoadOrder, due_times

_PARENT_GONE = 70


def order_of_parent() -> LoadOrder | None:
    """Return the order of the session that started this process; None where no session did."""
    if not os.environ.get(FOLDER):
        return None
    # A terminal sends Ctrl-C and hang-ups to every process of the session; what they mean is the parent's decision.
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    line = read_config_line()
    # A real thread, beside gevent's loop: it ends this process also while that is busy.
    end = partial(os._exit, _PARENT_GONE)
    monkey.get_original("_thread", "start_new_thread")(wait_for_end_of_stdin, (end,))
    try:
        return LoadOrder.model_validate_json(line)
    except ValidationError as error:
        sys.exit(f"the order is not valid: {error}")


_SILENT_S = 10.0
"""Workers report every three seconds; one that is silent for longer is not waited for at the end."""
_GRACE_S = 8.0
_LOOKS, _LOOK_WITHIN_S = 3, 3.0
"""What was just under load may need a moment to say which release it is."""


class Recording:
    """The record of one run, in its master's process or in the only one."""

    def __init__(self, order: LoadOrder, folder: Path) -> None:
        self._order = order
        self._heard_s: dict[int, float] = {}
        self._requests: dict[int, int] = {}
        self._done: set[int] = set()
        self._began_s: float | None = None
        self._began = 0.0
        self._closed = False
        self._file = LineWriter(folder / RECORD)
        self._file.write({"order": order.without_secrets.model_dump(mode="json"), "pid": os.getpid()})

    def begin(self) -> None:
        """From now on requests are due. Only the first time counts."""
        if self._began_s is not None or self._closed:
            return
        served = self._served()
        self._began_s, self._began = time.time(), time.monotonic()
        self._file.write({"began_s": self._began_s, "served": served})

    def fail(self, why: str) -> None:
        """Write why it cannot begin."""
        self._closed = True
        self._file.write({"failed": why})

    def take(self, report: Mapping[str, Any]) -> None:
        """Write what a generator reports."""
        number = report["number"]
        if number >= self._order.workers:
            return
        self._heard_s[number] = self._now_s()
        self._requests[number] = report["requests"]
        if report["rows"]:
            self._file.write({"worker": number, "heard_s": round(self._heard_s[number], 6), "rows": report["rows"]})
        if report["done"]:
            self._done.add(number)

    @property
    def over(self) -> bool:
        """Whether nobody will send anything any more."""
        if self._closed or len(self._done) == self._order.workers:
            return True
        if self._began_s is None:
            return False
        passed_s = time.monotonic() - self._began
        # A worker signs in when it begins, so it may be late by as much as it waits for an answer.
        last_s = self._order.duration_s + 2 * self._order.timeout_s + _GRACE_S
        waited_for = set(range(self._order.workers)) - self._done
        silent = all(self._now_s() - self._heard_s.get(number, self._began_s) > _SILENT_S for number in waited_for)
        several = self._order.workers > 1  # the only one is this process, however long a target keeps it waiting
        return passed_s > last_s or (several and silent and passed_s > self._order.duration_s)

    def close(self, reason: str = "") -> None:
        """Write how it ended. Only the first time counts."""
        if self._closed or self._began_s is None:
            return
        self._closed = True
        early = time.monotonic() - self._began < self._order.duration_s
        if not self._done and not reason:
            reason = "every generator went away"
        ended_s = self._now_s()
        workers = {
            number: {
                "requests": self._requests.get(number, 0),
                "lost_s": None if number in self._done else self._heard_s.get(number, self._began_s),
            }
            for number in range(self._order.workers)
        }
        self._file.write(
            {
                "ended_s": ended_s,
                "cut_short": (reason or "ended early") if early or not self._done else "",
                "workers": workers,
                "served": {} if reason else self._served(),
            }
        )

    def _now_s(self) -> float:
        """This moment; a clock that is set meanwhile moves nothing."""
        return time.time() if self._began_s is None else self._began_s + time.monotonic() - self._began

    def _served(self) -> dict[str, str]:
        """Which release each target says it is, where the product names one."""
        found = {}
        for target in self._order.targets if self._order.version_path else ():
            for look in range(_LOOKS):
                gevent.sleep(float(bool(look)))
                if told := _release_at(target.addresses["api"] + self._order.version_path):
                    found[target.name] = told
                    break
        return found


def _release_at(url: str) -> str:
    origin, path = origin_and_path(url)
    client = Client(timeout_s=_LOOK_WITHIN_S, connections_max=1, user_agent="pam-rollback-load/1")
    try:
        with Timeout(_LOOK_WITHIN_S):
            found = client.ask("GET", origin, path, {"Cache-Control": "no-cache"}, None).json
    except (Exception, Timeout):  # noqa: BLE001 - whatever nonsense it answers, it names no release
        return ""
    if not isinstance(found, dict):
        return ""
    # Today's product names its release under "version".
    named = {"release": found.get("release") or found.get("version"), "commit": found.get("commit")}
    return ", ".join(f"{what} {value}" for what, value in named.items() if value)


_END_GRACE_S = 1.0


class Generator:
    """Sends the requests of one of ``order.workers`` generators. ``number`` says which; one too many sends none."""

    def __init__(self, order: LoadOrder, number: int, told: EventHook) -> None:
        self._order = order
        self._number = number
        self._begun = False
        self._done = False
        client = Client(
            timeout_s=order.timeout_s,
            connections_max=order.outstanding_max,
            user_agent=f"pam-rollback-load/1 (load test; run {order.run})",
        )
        self._asker = Asker(order, client, told, name=f"w{number}")
        problems = [self._asker.sign_in(target) for target in range(len(order.targets))]
        self.why_not = "; ".join(filter(None, problems))
        """Why it cannot begin; empty when it can."""

    def begin(self) -> None:
        """Begin now. Only the first time counts: Locust starts a user again when a worker goes away."""
        if self._begun or self.why_not or self._number >= self._order.workers:
            return
        self._begun = True
        # What is there stays: collecting it over and over would be the generator's own lag.
        gc.collect()
        gc.freeze()
        self._asker.begin()
        gevent.spawn(self._arrive)

    def report(self) -> dict[str, Any]:
        """Give what has been recorded since the last time, and whether more will follow."""
        # In this order: what is recorded in between is in the next report.
        done = self._done
        rows = self._asker.take()
        return {"number": self._number, "rows": rows, "done": done, "requests": self._asker.requests}

    def _arrive(self) -> None:
        """Each request leaves when it is due, in a greenlet of its own, whatever became of those before."""
        order, asker, pool = self._order, self._asker, Pool(self._order.outstanding_max)
        for due_s, target, journey in due_times(order, worker=self._number, workers=order.workers):
            gevent.sleep(max(due_s - asker.passed_s(), 0))
            behind_s = asker.passed_s() - due_s
            out = order.outstanding_max - pool.free_count()
            why_not = why_not_sent("generator", "requests", behind_s=behind_s, out=out, out_max=order.outstanding_max)
            if why_not:
                asker.never_sent(target, journey, due_s, why_not)
            else:
                pool.spawn(asker.ask, target, journey, due_s)
        gevent.sleep(max(order.duration_s - asker.passed_s(), 0))
        last_s = order.duration_s + order.timeout_s + _END_GRACE_S
        while asker.in_flight and asker.passed_s() < last_s:
            gevent.sleep(0.02)
        self._done = True
