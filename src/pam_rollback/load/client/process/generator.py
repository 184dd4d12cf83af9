"""One generator: it gets its order, signs in, asks when it is time, and gives its record away every second."""

import gc
import logging
import os
import random
import sys
from itertools import cycle, islice
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from locust.env import Environment

from pam_rollback.base.open_loop import why_not_sent
from pam_rollback.base.rotation import rotation
from pam_rollback.load.client.process import messages
from pam_rollback.load.client.process.asking import Asker, Recorder
from pam_rollback.load.client.process.client import Client
from pam_rollback.load.client.process.clock import now_s
from pam_rollback.load.client.process.told import with_own_secrets
from pam_rollback.load.rules.order import LoadOrder
from pam_rollback.load.rules.shapes import due_times

_HELLO_EVERY_S = 2.0
_ROWS_EVERY_S = 1.0
_END_GRACE_S = 1.0
_NOT_NEEDED = 3
_ROUNDS_APART = 7
_log = logging.getLogger("pam_rollback.load")


class Generator:
    """Sends requests until the shape is over. ``own`` is the order of the session that started this process."""

    def __init__(self, environment: Environment, own: LoadOrder | None) -> None:
        self._environment = environment
        self._own = own
        self._recorder = Recorder()
        self._ordered = False
        self._begun = Event()
        self._turns_taken = 0
        self._order: LoadOrder
        self._asker: Asker
        self._worker = 0
        self._workers = 1
        runner = environment.runner
        assert runner is not None  # Locust has made it before it says that it is there
        self._runner = runner
        runner.register_message(messages.ORDER, self._on_order, concurrent=True)
        runner.register_message(messages.WHAT_TIME, self._on_what_time)
        runner.register_message(messages.BEGIN, self._on_begin)
        gevent.spawn(self._say_hello)

    def flush(self) -> None:
        """Give away what has been recorded so far."""
        if rows := self._recorder.take():
            self._runner.send_message(messages.ROWS, {"rows": rows, "at_s": now_s()})

    def next_of(self, turns: "Turns") -> float:
        """Closed model: ask once, for a user, and say how long it pauses. Before the beginning and after the end it only waits."""
        self._begun.wait()
        left_s = self._order.duration_s - self._asker.passed_s()
        if left_s <= 0:
            return 3600.0
        if left_s > self._order.duration_s:
            return left_s - self._order.duration_s
        self._asker.ask(*turns.next())
        pause_s = self._order.shape.pause_s
        return random.uniform(0.5, 1.5) * pause_s  # noqa: S311 - so that users do not march in step

    def turns(self, *, signed_in: bool) -> "Turns":
        """The journeys of one more user, in their order."""
        self._begun.wait()
        self._turns_taken += 1
        return Turns(self._order, signed_in=signed_in, start=self._turns_taken * _ROUNDS_APART + self._worker)

    def _say_hello(self) -> None:
        while not self._ordered:
            self._runner.send_message(messages.HELLO, {})
            gevent.sleep(_HELLO_EVERY_S)

    def _on_order(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust names it
        if self._ordered:
            return
        self._ordered = True
        if msg.data["not_needed"]:
            _log.error("the master does not need this worker: %s", msg.data["not_needed"])
            os._exit(_NOT_NEEDED)
        why = self._prepare(msg.data)
        self._runner.send_message(messages.READY, {"why": why})

    def _prepare(self, told: dict[str, Any]) -> str:
        self._worker, self._workers = told["worker"], told["workers"]
        self._order = self._own or LoadOrder.model_validate_json(told["order"])
        if self._own is None:
            try:
                self._order = with_own_secrets(self._order)
            except KeyError as error:
                return f"{error.args[0]} is not set on that machine: export it where the worker is started"
        order = self._order
        client = Client(
            timeout_s=order.timeout_s,
            connections_max=max(order.outstanding_max, order.shape.users or 0),
            user_agent=f"pam-rollback-load/1 (load test; run {order.run})",
        )
        self._asker = Asker(order, client, self._recorder, self._environment.events.request, name=f"w{self._worker}")
        problems = [self._asker.sign_in(target) for target in range(len(order.targets))]
        return "; ".join(filter(None, problems))

    def _on_what_time(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust names it
        self._runner.send_message(messages.MY_TIME, {"sent_s": msg.data["sent_s"], "theirs_s": now_s()})

    def _on_begin(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust names it
        if self._begun.is_set():
            return
        self._asker.begin_in(msg.data["begin_s"] - now_s())
        # What is there stays: collecting it over and over would be the generator's own lag.
        gc.collect()
        gc.freeze()
        self._begun.set()
        gevent.spawn(self._record)
        gevent.spawn(self._arrive if self._order.shape.open_model else self._until_over)

    def _record(self) -> None:
        while True:
            gevent.sleep(_ROWS_EVERY_S)
            self.flush()

    def _arrive(self) -> None:
        """Open model: each request leaves when it is due, in a greenlet of its own, whatever became of those before."""
        asker, pool = self._asker, Pool(self._order.outstanding_max)
        for due_s, target, journey in due_times(self._order, worker=self._worker, workers=self._workers):
            wait_s = due_s - asker.passed_s()
            gevent.sleep(max(wait_s, 0))
            behind_s = asker.passed_s() - due_s
            out = self._order.outstanding_max - pool.free_count()
            why_not = why_not_sent(
                "generator", "requests", behind_s=behind_s, out=out, out_max=self._order.outstanding_max
            )
            if why_not:
                asker.never_sent(target, journey, due_s, why_not)
            else:
                pool.spawn(asker.ask, target, journey, due_s)
        self._until_over()

    def _until_over(self) -> None:
        gevent.sleep(max(self._order.duration_s - self._asker.passed_s(), 0))
        last_s = self._order.duration_s + self._order.timeout_s + _END_GRACE_S
        while self._asker.in_flight and self._asker.passed_s() < last_s:
            gevent.sleep(0.02)
        self.flush()
        self._runner.send_message(
            messages.DONE, {"requests": self._recorder.requests, "unanswered": self._asker.in_flight}
        )


class Turns:
    """Which journey of which target comes next for one user of the closed model."""

    def __init__(self, order: LoadOrder, *, signed_in: bool, start: int) -> None:
        weights = {
            index: journey.weight for index, journey in enumerate(order.journeys) if journey.signed_in == signed_in
        }
        if not weights:
            sys.exit(f"no journey is {'signed in' if signed_in else 'open'}: there is nothing for such a user to do")
        rounds = rotation(weights)
        self._journeys = islice(cycle(rounds), start % len(rounds), None)
        self._targets = islice(cycle(range(len(order.targets))), start % len(order.targets), None)

    def next(self) -> tuple[int, int]:
        """Give target and journey."""
        return next(self._targets), next(self._journeys)
