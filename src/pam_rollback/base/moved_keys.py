"""Keys of plan, environment and product that are gone, with what to do instead."""

from collections.abc import Mapping

_MOVED: Mapping[str, str] = {}


def new_place(location: tuple[str | int, ...]) -> str | None:
    """Where a key stands now that stood at ``location``; None when it never did."""
    steps = [str(step) for step in location]
    for old, new in _MOVED.items():
        known = old.split(".")
        if len(known) == len(steps) and all(one in ("*", step) for one, step in zip(known, steps, strict=True)):
            return new
    return None
