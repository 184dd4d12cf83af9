"""Was the generator fit to judge the service by?  What it did not ask, asked too late or lost is never blamed on the service.

Rules, each a doubt in words. With one, nothing good is known. Two kinds differ in what stands in spite of them:

* **Unfit**: nothing was sent, or less than the plan's share of what was asked for; more requests than the plan's share left late; a
  clock was set meanwhile. Then times say nothing: a generator that stood still sends in a burst what it owes, and the service
  is slow for that reason alone. Only errors of the service stand.
* **Incomplete**: another release answered a part of it; the service shut the generator out
  (``load/generator.py``); the run was cut short; a worker never came, or was lost: what it had to ask from then on was not asked. What
  was asked was asked as it should be, so whatever it shows to be bad stands.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pam_rollback.core.open_loop import Sending
from pam_rollback.plan.plan_items import LoadReachedLimit
from pam_rollback.probe.blocking import Place, why_void
from pam_rollback.probe.samples import Sample
from pam_rollback.redeploy.load.order import LoadOrder
from pam_rollback.redeploy.load.record import LoadRecord, LoadRequest

_SIGN_IN, _SITE = "login", "frontend"


def places_of(order: LoadOrder) -> dict[str, Place]:
    """Where each journey asks each target."""
    return {
        _name(target.name, journey.name): Place(
            host=target.addresses[journey.part].partition("://")[2],
            path=journey.path.partition("?")[0],
            needs_account=journey.signed_in or journey.method != "GET",
            signs_in=journey.name == _SIGN_IN,
            is_page=journey.part == _SITE,
        )
        for target in order.targets
        for journey in order.journeys
    }


def _name(target: str, journey: str) -> str:
    return f"{target} {journey}"


def sample_of(one: LoadRequest) -> Sample:
    """One request as a probe that asked the same."""
    return replace(one, journey=_name(one.target, one.journey))


def why_nothing_is_known(record: LoadRecord) -> str:
    """The first reason for which some of what was asked is not known; empty when all is."""
    return why_void(map(sample_of, record.requests))


_CLOCK_LEEWAY_S = 1.0
"""So far outside the run a moment may lie: clocks are told within less."""
_SHOWN = 3


@dataclass(frozen=True)
class Doubts:
    """Why nothing good follows from a record."""

    unfit: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Both kinds; empty when there is no doubt."""
        return (*self.incomplete, *self.unfit)


NO_DOUBTS = Doubts()


def doubts(record: LoadRecord, limit: LoadReachedLimit) -> Doubts:
    """What the record says against its generators."""
    return Doubts(tuple(_unfit(record, limit)), tuple(_incomplete(record)))


def _unfit(record: LoadRecord, limit: LoadReachedLimit) -> Iterator[str]:
    left = [one for one in record.requests if one.left]
    if not left:
        never = f", {len(record.requests)} were due" if record.requests else ""
        yield f"no request was sent{never}: nothing was measured"
        return
    yield from _doubts_of_clocks(record, left)
    sending = Sending.of((one.lag_ms for one in left), late_ms=limit.late_ms)
    if 100 * sending.late > limit.late_pct_max * sending.left:
        yield (
            f"the generator was late: {sending.late} of {sending.left} requests left more than {limit.late_ms:g} ms after their time "
            f"(tolerated {limit.late_pct_max:g} %, the latest {sending.latest_ms:.0f} ms); "
            "give it more processors or workers, or ask for less"
        )
    yield from _doubts_of_rate(record, limit)


def _incomplete(record: LoadRecord) -> Iterator[str]:
    if record.not_one:
        yield record.not_one
    void = why_nothing_is_known(record)
    if void:
        yield void
    if record.cut_short:
        yield f"the run was cut short: {record.cut_short}"
    if len(record.workers) < record.workers_expected:
        yield f"{len(record.workers)} of {record.workers_expected} generators took part"
    lost = [worker for worker in record.workers if worker.lost_s is not None]
    if lost:
        when = ", ".join(f"{worker.name} at +{(worker.lost_s or 0) - record.began_s:.0f} s" for worker in lost[:_SHOWN])
        yield (
            f"{len(lost)} of {record.workers_expected} generators went away ({when}): what they had to ask was not asked"
        )


def _doubts_of_clocks(record: LoadRecord, left: Sequence[LoadRequest]) -> Iterator[str]:
    wrong = [one for one in left if not _is_possible(one, record)]
    if wrong:
        one = wrong[0]
        due = one.due_s - record.began_s
        sent, done = due + (one.lag_ms or 0.0) / 1000, due + one.latency_ms / 1000
        yield (
            f"{len(wrong)} of {len(left)} requests have moments that cannot be (the first, of {one.worker or 'the generator'}: due at "
            f"+{due:.1f} s, sent at +{sent:.1f} s, done at +{done:.1f} s of {record.ended_s - record.began_s:.0f} s): a clock "
            "was set during the run"
        )


def _doubts_of_rate(record: LoadRecord, limit: LoadReachedLimit) -> Iterator[str]:
    lost = {worker.name for worker in record.workers if worker.lost_s is not None}
    worst: tuple[float, str] | None = None
    for step in record.begun:
        due = [one for one in record.requests if step.from_s <= one.due_s < step.until_s]
        # What a lost generator owes is its own doubt: the others may well have kept up.
        asked = step.asked - sum(not one.left and one.worker in lost for one in due)
        sent = sum(one.left for one in due)
        if 100 * sent < limit.reached_pct_min * (asked - 1) and (worst is None or sent / asked < worst[0]):
            worst = sent / asked, f"the generator sent {sent} of {asked:.0f} requests at {step.rate_hz:g}/s"
    if worst is not None:
        yield (
            f"{worst[1]} (expected {limit.reached_pct_min:g} %): it could not keep up; give it more processors or workers, or ask for less"
        )


def _is_possible(one: LoadRequest, record: LoadRecord) -> bool:
    in_order = math.isfinite(one.latency_ms) and -1000 * _CLOCK_LEEWAY_S <= (one.lag_ms or 0.0) <= one.latency_ms + 1e-3
    return in_order and record.began_s - _CLOCK_LEEWAY_S <= one.due_s <= record.ended_s + _CLOCK_LEEWAY_S
