"""Whether an environment allows a load test."""

from collections.abc import Iterator

from pam_rollback.base.errors import Refused
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_tables import undeclared_load
from pam_rollback.load.rules.order import LoadOrder
from pam_rollback.load.rules.shapes import asked


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
    for key, unit, wanted, most in (
        ("rate_hz_max", "requests a second", max(step.rate_hz or 0 for step in steps), load.rate_hz_max),
        ("users_max", "users", max(step.users or 0 for step in steps), load.users_max),
    ):
        if wanted > most:
            yield (
                f"{place} allows {most:g} {unit} ([load] {key}), the shape {order.shape.name} asks for {wanted:g}; ask for less, or "
                "agree on more"
            )
    allowed = {*environment.addresses(), load.stable_api, load.stable_backend, *load.targets}
    for target in order.targets:
        for part, address in sorted(target.addresses.items()):
            if address not in allowed:
                yield f"{place}: the {part} at {address} is none of its addresses; where it may be loaded, add it to [load] targets"
