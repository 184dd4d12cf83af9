"""Keys of plan, environment and product that are gone, with what to do instead."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

_PAGES = "removed: how pages load, and what they weigh, is measured by the site's own build, as by Lighthouse CI; here are journeys"
_MOVED: Mapping[str, str] = {
    # plan.toml
    "page_weight": _PAGES,
    "web_vitals": _PAGES,
    # environments/NAME.toml
    "thresholds.PW-*": _PAGES,
    "thresholds.WV-*": _PAGES,
    # products/NAME.toml
    "health.*.conditions.*.absent": "removed: an error in the answer is seen anyway",
    "health.*.conditions.*.age_lt_s": "removed: a moment that is past is seen anyway",
    "health.*.conditions.*.each": "removed: no part of the answer may be down anyway",
    "health.*.conditions.*.gt": "removed: hold a figure in a check of your own",
    "health.*.conditions.*.header": "removed: ask for a value of the body",
    "health.*.conditions.*.lt": "removed: hold a figure in a check of your own",
}


def new_place(location: tuple[str | int, ...]) -> str | None:
    """Where a key stands now that stood at ``location``; None when it never did."""
    steps = [str(step) for step in location]
    for old, new in _MOVED.items():
        known = old.split(".")
        if len(known) == len(steps) and all(fnmatchcase(step, one) for one, step in zip(known, steps, strict=True)):
            return new
    return None
