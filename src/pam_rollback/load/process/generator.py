"""One generator: it signs in, asks when it is time, and gives its record away."""

import gc
from typing import Any

import gevent
from gevent.pool import Pool
from locust.event import EventHook

from pam_rollback.base.open_loop import why_not_sent
from pam_rollback.load.order import LoadOrder
from pam_rollback.load.process.asking import Asker, Recorder
from pam_rollback.load.process.client import Client
from pam_rollback.load.shapes import due_times

_END_GRACE_S = 1.0


class Generator:
    """Sends the requests of one of ``order.workers`` generators. ``number`` says which; one too many sends none."""

    def __init__(self, order: LoadOrder, number: int, told: EventHook) -> None:
        self._order = order
        self._number = number
        self._recorder = Recorder()
        self._begun = False
        self._done = False
        client = Client(
            timeout_s=order.timeout_s,
            connections_max=order.outstanding_max,
            user_agent=f"pam-rollback-load/1 (load test; run {order.run})",
        )
        self._asker = Asker(order, client, self._recorder, told, name=f"w{number}")
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
        rows = self._recorder.take()
        return {"number": self._number, "rows": rows, "done": done, "requests": self._recorder.requests}

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
