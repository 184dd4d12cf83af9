"""Whether an environment allows a load test."""

from collections.abc import Iterator

from pam_rollback.core.load_order import LoadOrder
from pam_rollback.core.load_settings import Load, undeclared_load
from pam_rollback.core.load_shapes import asked


def objections(order: LoadOrder, load: Load | None, *, place: str, is_sandbox: bool) -> Iterator[str]:
    """Why this order must not be carried out there. ``place`` names the environment."""
    if load is None:
        if not is_sandbox:
            yield undeclared_load(place)
        return
    steps = asked(order.shape, order.duration_s)
    rate_hz = max(step.rate_hz or 0 for step in steps)
    users = max(step.users or 0 for step in steps)
    for what, wanted, most, unit in (
        ("rate_hz_max", rate_hz, load.rate_hz_max, "requests a second"),
        ("users_max", users, load.users_max, "users"),
        ("duration_s_max", order.duration_s, load.duration_s_max, "seconds"),
    ):
        if wanted > most:
            yield (
                f"{place} allows {most:g} {unit} ([load] {what}), the shape {order.shape.name} asks for {wanted:g}; ask for less, "
                "or agree on more"
            )
    if is_sandbox:
        return
    for target in order.targets:
        for part, address in sorted(target.addresses.items()):
            if address not in load.targets:
                yield (
                    f"{place}: the {part} at {address} is not among the targets that may be loaded ([load] targets); add it "
                    "there if it may be"
                )
