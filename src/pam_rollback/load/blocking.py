"""A load test that was shut out says nothing about the service: which of its requests were answered for whoever asks.

The rule is ``observation/blocking.py``; a product that takes a generator for an attack refuses everything from then on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pam_rollback.load.order import LoadOrder
from pam_rollback.load.record import LoadRecord, LoadRequest
from pam_rollback.observation.blocking import BlocksSeen, HostAnswer, Look, Place, told_by, why_void
from pam_rollback.observation.samples import Sample

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


def told_of(record: LoadRecord, order: LoadOrder) -> tuple[HostAnswer, ...]:
    """What the hosts answered."""
    return told_by(map(_sample, (one for one in record.requests if one.left)), places_of(order))


def sorted_out(
    record: LoadRecord,
    order: LoadOrder,
    *,
    controls: Iterable[HostAnswer] = (),
    looks: Mapping[str, Iterable[Look]] | None = None,
) -> LoadRecord:
    """The same record; its requests that say nothing about the service say why. ``controls`` and ``looks`` as ``BlocksSeen`` has them."""
    samples = tuple(map(_sample, record.requests))
    if all(one.status in _GOOD for one in samples):
        return record
    seen = BlocksSeen.of(samples, places_of(order), controls=controls, looks=looks)
    requests = tuple(
        replace(one, void=sample.void, blocked=sample.blocked)
        for one, sample in zip(record.requests, seen.sorted_out(samples), strict=True)
    )
    return replace(record, requests=requests)


_GOOD = frozenset({200, None})


def _name(target: str, journey: str) -> str:
    return f"{target} {journey}"


def _sample(one: LoadRequest) -> Sample:
    return Sample(
        due_s=one.due_s,
        latency_ms=one.latency_ms,
        journey=_name(one.target, one.journey),
        ok=one.ok,
        why=one.why,
        status=one.status,
        lag_ms=one.lag_ms if one.left else None,
        void=one.void,
        blocked=one.blocked,
    )


def why_nothing_is_known(record: LoadRecord) -> str:
    """The first reason for which some of what was asked is not known; empty when all is."""
    return why_void(map(_sample, record.requests))
