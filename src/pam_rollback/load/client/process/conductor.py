"""The master's side: gives out the order, finds the common beginning, writes down what the generators send, and says when all is over."""

import json
import logging
import os
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner

from pam_rollback.load.client.process import messages
from pam_rollback.load.client.process.clock import Echo, now_s, offset_s
from pam_rollback.load.rules.order import LoadOrder

_ECHOES = 8
_LEAD_S = 0.5
_SILENT_S = 6.0
"""Heartbeats come every second; a worker that is silent for longer is not waited for at the end."""
_GRACE_S = 4.0
_START_UP_S = 20.0
_OWNER_ONLY = 0o600
_OWN_PROCESS = "local"
"""What Locust calls its own process where there are no workers."""
_log = logging.getLogger("pam_rollback.load")


@dataclass
class _Worker:
    """What the master knows of one generator."""

    node: str
    """What Locust calls it."""
    name: str
    """What people call it: its machine and its number."""
    heard_s: float = 0.0
    why: str | None = None
    """None until it said whether it can begin; empty when it can."""
    echoes: list[Echo] = field(default_factory=list)
    requests: int = 0
    done: bool = False

    @property
    def ready(self) -> bool:
        return self.why == "" and len(self.echoes) >= _ECHOES

    @property
    def offset_s(self) -> float:
        """How far its clock is ahead; nothing is ahead of itself."""
        return offset_s(self.echoes) if self.node != _OWN_PROCESS else 0.0


class Conductor:
    """Leads the generators through one order, and writes ``run.ndjson``: what happened, and every request."""

    def __init__(self, environment: Environment, order: LoadOrder, folder: Path) -> None:
        self.order = order
        self._workers: dict[str, _Worker] = {}
        self._began_s: float | None = None
        self._closed = False
        runner = environment.runner
        assert runner is not None  # Locust has made it before it says that it is there
        self._runner = runner
        self._leads = isinstance(runner, MasterRunner)
        self._expected = order.workers.count
        self._file = _new_file(folder / "run.ndjson")
        for kind, listener in (
            (messages.HELLO, self._on_hello),
            (messages.READY, self._on_ready),
            (messages.MY_TIME, self._on_time),
            (messages.ROWS, self._on_rows),
            (messages.DONE, self._on_done),
        ):
            runner.register_message(kind, listener)
        environment.events.heartbeat_sent.add_listener(self._on_heartbeat)
        if isinstance(runner, MasterRunner):
            self._write({"listening": runner.server.port, "pid": os.getpid()})

    def begin(self) -> bool:
        """Wait until every generator is ready, then tell all of them when to begin. False when they are not in time."""
        within_s = (
            (self.order.workers.within_s if self.order.workers.remote else 0) + _START_UP_S + self.order.timeout_s
        )
        until_s = now_s() + within_s
        while len(ready := [worker for worker in self._workers.values() if worker.ready]) < self._expected:
            problems = [f"{worker.name}: {worker.why}" for worker in self._workers.values() if worker.why]
            if problems or now_s() > until_s:
                late = f"{len(ready)} of {self._expected} generators were ready within {within_s:g} s"
                self._write({"failed": "; ".join(problems) or late})
                return False
            gevent.sleep(0.05)
        self._began_s = now_s() + _LEAD_S
        workers = {worker.name: worker.offset_s for worker in ready}
        self._write({"began_s": self._began_s, "workers_expected": self._expected, "workers": workers})
        for worker in ready:
            self._runner.send_message(messages.BEGIN, {"begin_s": self._began_s + worker.offset_s}, worker.node)
        return True

    @property
    def passed_s(self) -> float:
        """How long the run has gone on; negative before its beginning."""
        return now_s() - (self._began_s or 0.0)

    @property
    def over(self) -> bool:
        """Whether nobody will send anything any more."""
        waited_for = [worker for worker in self._workers.values() if not worker.done]
        if not waited_for:
            return True
        last_s = self.order.duration_s + self.order.timeout_s + _GRACE_S
        # Without workers there are no heartbeats: a target that answers nothing for a while must not end the run.
        silent = self._leads and all(now_s() - worker.heard_s > _SILENT_S for worker in waited_for)
        if len(waited_for) == len(self._workers):
            return silent or self.passed_s > last_s
        return self.passed_s > self.order.duration_s and (silent or self.passed_s > last_s)

    def close(self, reason: str = "") -> None:
        """Write how it ended. Only the first time counts."""
        if self._closed or self._began_s is None:
            return
        self._closed = True
        lost = [worker.name for worker in self._workers.values() if not worker.done]
        if len(lost) == len(self._workers) and not reason:
            reason = "every generator went away"
        early = self.passed_s < self.order.duration_s
        self._write(
            {
                "ended_s": now_s(),
                "cut_short": (reason or "ended early") if early or len(lost) == len(self._workers) else "",
                "workers": {
                    worker.name: {
                        "requests": worker.requests,
                        "lost_s": None if worker.done else worker.heard_s,
                    }
                    for worker in self._workers.values()
                },
            }
        )

    def _on_hello(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust names it
        node = msg.node_id
        if node in self._workers:
            return
        number = len(self._workers)
        needed = number < self._expected and self._began_s is None
        if needed:
            worker = _Worker(node, f"{node.rpartition('_')[0] or node}-{number + 1}", heard_s=now_s())
            self._workers[node] = worker
            self._write({"signed_on": worker.name, "at_s": now_s()})
        self._runner.send_message(
            messages.ORDER,
            {
                "order": self.order.without_secrets.model_dump_json(),
                "worker": number,
                "workers": self._expected,
                "not_needed": "" if needed else f"{self._expected} are enough, or the run has begun",
            },
            node,
        )

    def _on_ready(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust names it
        self._workers[msg.node_id].why = msg.data["why"]
        self._ask_for_time(msg.node_id)

    def _ask_for_time(self, node: str) -> None:
        self._runner.send_message(messages.WHAT_TIME, {"sent_s": now_s()}, node)

    def _on_time(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust names it
        worker = self._workers[msg.node_id]
        worker.echoes.append(Echo(msg.data["sent_s"], msg.data["theirs_s"], now_s()))
        if len(worker.echoes) < _ECHOES:
            self._ask_for_time(worker.node)

    def _on_rows(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust names it
        worker = self._workers[msg.node_id]
        worker.heard_s = now_s()
        rows: str = msg.data["rows"]
        # It is JSON already: a generator's second is not parsed and written again.
        self._file.write(f'{{"worker":{json.dumps(worker.name)},"heard_s":{worker.heard_s:.6f},"rows":{rows}}}\n')
        self._file.flush()

    def _on_done(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust names it
        worker = self._workers[msg.node_id]
        worker.requests, worker.done, worker.heard_s = msg.data["requests"], True, now_s()
        if msg.data["unanswered"]:
            _log.error("%s gave up on %d requests that did not end", worker.name, msg.data["unanswered"])

    def _on_heartbeat(self, client_id: str, timestamp: float) -> None:  # noqa: ARG002 - its own clock is used
        if client_id in self._workers:
            self._workers[client_id].heard_s = now_s()

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record, separators=(",", ":")) + "\n")
        self._file.flush()


def _new_file(path: Path) -> TextIOWrapper:
    """A file that only its owner can read, and that was not there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    return os.fdopen(descriptor, "w", encoding="utf-8", buffering=1 << 16)
