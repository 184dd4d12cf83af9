"""One load test of a session: put on the candidate, or read where it was put by hand, and sorted by what says something of the service."""

import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.progress import Progress
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.probe.blocked import Lookout, Sorting, refuse_when_blocked
from pam_rollback.probe.journeys import HEALTH_JOURNEY
from pam_rollback.redeploy.load.generator import places_of, sample_of
from pam_rollback.redeploy.load.locust import recorded_load, run_load
from pam_rollback.redeploy.load.order import LoadOrder, load_order, permit
from pam_rollback.redeploy.load.record import STABLE, LoadRecord, LoadRequest, LoadStep, LoadWorker
from pam_rollback.rollback.told_versions import marked_api
from pam_rollback.target.environment import Environment
from pam_rollback.target.offline import refuse_when_offline
from pam_rollback.target.served_release import Wanted
from pam_rollback.target.served_release_reader import ServedApi

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
        answer = fetch(environment.health_url("backend"), deadline_s=environment.probing.request_deadline_s)
        if answer.http_status is not None and answer.http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return None
        why = answer.problem or f"HTTP {answer.http_status}"
        target = order.targets[-1].name
        found.append(
            LoadRequest(
                due_s,
                1000 * (time.time() - due_s),
                HEALTH_JOURNEY,
                ok=False,
                why=why,
                status=answer.http_status,
                target=target,
                worker=worker,
            )
        )
        waiter.pause(_EVERY_S if number + 1 < _TIMES else 0)
    refuse_when_offline(environment, f"the candidate does not answer ({found[-1].why})")
    ended_s = time.time()
    return LoadRecord(
        began_s=began_s,
        ended_s=ended_s,
        steps=(LoadStep(began_s, ended_s, _TIMES / (ended_s - began_s), 100),),
        requests=tuple(found),
        workers_expected=order.workers,
        workers=(LoadWorker(worker, len(found)),),
        cut_short=f"the candidate answered none of {_TIMES} requests for its health ({found[-1].why}), so no load was put on it",
    )


def sorted_by_blocks(record: LoadRecord, order: LoadOrder, lookout: Lookout) -> LoadRecord:
    """Return the record in which requests that say nothing about the service say why, as the prober's answers do."""
    samples = tuple(map(sample_of, record.requests))
    told = zip(record.requests, Sorting(places_of(order), lookout).sorted_out(samples, lambda: samples), strict=True)
    return replace(
        record, requests=tuple(replace(one, void=sample.void, blocked=sample.blocked) for one, sample in told)
    )


_FIRST_ANSWER_WITHIN_S = 30.0
"""A release that nobody has asked yet may have to start."""
_JUDGED_WITHIN_S = 2 * 3600.0
"""An older load was put on another state of affairs."""


def load_of(
    environment: Environment,
    plan: Plan,
    runbook: Runbook,
    *,
    running: str,
    folder: Path,
    waiter: Waiter,
    progress: Progress,
) -> LoadRecord:
    """Put the load of the plan, or read what was put by hand (``--load-run``). ``running`` is the release that answers, if any does.

    Raises MeasurementFailed when it did not begin, or both addresses serve the same release. A candidate that answers nothing gets no load:
    that it was asked in vain is the record.
    """
    options = runbook.options
    order = permit(load_order(environment, plan.load, pace=runbook.pace, run=runbook.id), environment)
    if not running:
        refuse_when_blocked(environment, "no load was put on the candidate", options.observed)
        silent = silent_candidate(environment, order, waiter)
        if silent is not None:
            return silent
    if options.load_run:
        record = recorded_load(order, folder=options.load_run)
        see_that_it_is_this_one(record, running)
    else:
        if any(target.name == STABLE for target in order.targets):
            see_two_releases(environment, running)
        progress.tell(f"  … load test: {order.duration_s:.0f} s and its start")
        before = _fingerprints(environment)
        record = run_load(order, folder=folder, waiter=waiter)
        progress.done()
        if _fingerprints(environment) != before:
            other = f"{environment.urls.api} answers as another release than when the load began"
            record = replace(record, not_one=other)
    return sorted_by_blocks(record, order, Lookout(environment, options.observed, now_s=time.time))


def _fingerprints(environment: Environment) -> Mapping[str, str]:
    """What the answers of an API look like that names no release; empty where it names one."""
    marked = marked_api(environment)
    return {} if marked is None else marked.look().fingerprints


def see_that_it_is_this_one(record: LoadRecord, running: str) -> None:
    """Raise MeasurementFailed when another release than the one that runs was under that load, or when it is too long ago."""
    ago_s = time.time() - record.ended_s
    if ago_s > _JUDGED_WITHIN_S:
        raise MeasurementFailed(f"the load test (--load-run) ended {ago_s / 3600:.0f} h ago: put it again")
    if f"release {running}" not in record.served.split(", "):
        raise MeasurementFailed(
            f"the load test (--load-run) was put on {record.served or 'a release that named itself nowhere'}, "
            f"and {running or 'one that names itself nowhere'} runs now: put it again, by -m load alone where no release is named"
        )


def see_two_releases(environment: Environment, running: str) -> None:
    """Raise MeasurementFailed when there are not two releases to compare."""
    url = environment.load.stable_api + environment.paths.version
    served = ServedApi(url, _FIRST_ANSWER_WITHIN_S).look(Wanted())
    stable = served.version
    if not stable or not running:
        raise MeasurementFailed(
            f"which releases would be compared is not known: {url} answers {served.problem or stable}, "
            f"the live API names {running or 'none'}; "
            'see [load] stable_api, or take "second_release" out of abilities'
        )
    if stable == running:
        raise MeasurementFailed(
            f"both addresses serve release {running} ({url} and {environment.urls.api}): a release cannot be compared with itself"
        )
