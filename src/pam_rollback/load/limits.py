"""Whether an environment allows a load test."""

from collections.abc import Iterator

from pam_rollback.base.errors import Refused
from pam_rollback.base.open_loop import Steady, beyond
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_tables import undeclared_load
from pam_rollback.load.order import LoadOrder
from pam_rollback.load.shapes import asked

_MINUTE_S = 60.0


def permit(order: LoadOrder, environment: Environment) -> LoadOrder:
    """Give the order back where it may be carried out. Raises Refused with all reasons where not: nothing was sent."""
    reasons = list(_objections(order, environment))
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))
    return order


def _objections(order: LoadOrder, environment: Environment) -> Iterator[str]:
    load, place = environment.load, f"{environment.name} ({environment.file})"
    if "load" not in environment.abilities:
        yield undeclared_load(place)
        return
    steps = asked(order.shape, order.duration_s)
    wanted_hz = max(step.rate_hz for step in steps)
    if wanted_hz > load.rate_hz_max:
        yield (
            f"{place} allows {load.rate_hz_max:g} requests a second ([load] rate_hz_max), the shape {order.shape.name} asks for "
            f"{wanted_hz:g}; ask for less, or agree on more"
        )
    yield from _beyond(order, environment, wanted_hz, place)
    allowed = {*environment.addresses(), load.stable_api, load.stable_backend, *load.targets}
    for target in order.targets:
        for part, address in sorted(target.addresses.items()):
            if address not in allowed:
                yield f"{place}: the {part} at {address} is none of its addresses; where it may be loaded, add it to [load] targets"


def _beyond(order: LoadOrder, environment: Environment, rate_hz: float, place: str) -> Iterator[str]:
    """What the product's API would refuse, or ban this machine for. Each release is asked its share, from the same address."""
    each_hz = rate_hz / len(order.targets) / sum(journey.weight for journey in order.journeys)
    asked_for = [
        Steady(journey.path, each_hz * journey.weight * _MINUTE_S, token=journey.signed_in)
        for journey in order.journeys
        if journey.part in {"api", "backend"}
    ]
    for fact, _ in beyond(asked_for, **environment.contract.limits.ours().model_dump()):
        yield (
            f"{place}: at its height the shape {order.shape.name} makes {fact}; where this machine may ask more, say so in "
            "[contract.limits]"
        )
