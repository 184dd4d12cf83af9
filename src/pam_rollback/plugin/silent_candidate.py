"""A candidate that answers nothing: a finding about it, and no reason to put a load on it."""

import time
from http import HTTPStatus

from pam_rollback.adapters.http import fetch
from pam_rollback.core.environment import Environment
from pam_rollback.core.load_order import LoadOrder
from pam_rollback.core.load_record import AskedRate, LoadRecord, LoadRequest, LoadWorker
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin.fixtures.health import refuse_when_offline
from pam_rollback.plugin.load_orders import HEALTH

_TIMES = 10
"""So many failures in a row show more than 2 % with 95 % confidence, many times over."""
_EVERY_S = 0.2


def silent_candidate(environment: Environment, order: LoadOrder, waiter: Waiter) -> LoadRecord | None:
    """Ask it for its health some times; None as soon as anything but a server's error comes back.

    Raises MeasurementFailed when this machine is offline.
    """
    began_s = time.time()
    worker, found = "the session", []
    for number in range(_TIMES):
        due_s = time.time()
        answer = fetch(environment.url_of("backend_health"), deadline_s=environment.probing.request_deadline_s)
        if answer.http_status is not None and answer.http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return None
        why = answer.problem or f"HTTP {answer.http_status}"
        target = order.targets[-1].name
        found.append(
            LoadRequest(target, HEALTH, due_s, due_s, time.time(), answer.http_status, ok=False, why=why, worker=worker)
        )
        waiter.pause(_EVERY_S if number + 1 < _TIMES else 0)
    refuse_when_offline(environment, f"the candidate does not answer ({found[-1].why})")
    ended_s = time.time()
    return LoadRecord(
        shape=order.shape.name,
        open_model=order.shape.open_model,
        began_s=began_s,
        ended_s=ended_s,
        asked=(AskedRate(began_s, _TIMES / (ended_s - began_s)),),
        requests=tuple(found),
        workers_expected=order.workers.count,
        workers=(LoadWorker(worker, len(found)),),
        cut_short=f"the candidate answered none of {_TIMES} requests for its health ({found[-1].why}), so no load was put on it",
    )
