"""Keys of plan, environment and product that are gone, with what to do instead."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

_CALENDAR = "removed: give the address of PagerDuty's iCalendar export as [secrets] on_call_calendar_env"
_VOUCHED = "removed: a person answers for how releases reach users, with --ack PM-2, PM-3 and PM-4"
_PAGES = "removed: how pages load, and what they weigh, is measured by the site's own build, as by Lighthouse CI; here are journeys"
_MOVED: Mapping[str, str] = {
    # plan.toml
    "page_weight": _PAGES,
    "web_vitals": _PAGES,
    "ramp_terms.approval_s_max": "removed: a person's yes (--approve) holds for the session that it is given in",
    "load_gate.LG-9.*": "removed: a person says whether the servers counted the same",
    # environments/NAME.toml
    "github.merge*": "removed: a pull request is opened, and a person merges it",
    "paths.notice_admin": "removed: a person puts the notice into the app and takes it away; [paths] notice is read",
    "load.users_max": "removed: load is asked by a rate, see rate_hz_max",
    "readiness.exchange": _VOUCHED,
    "readiness.links": "removed: a link checker in CI asks for them",
    "readiness.pagerduty_schedules": _CALENDAR,
    "readiness.pagerduty_url": _CALENDAR,
    "readiness.people": "removed: who answers a contact is the plan's [contacts]",
    "readiness.releases_d": _VOUCHED,
    "readiness.tokens_left_d_min": "removed: nothing asks when tokens end; -m preflight asks their services whether they are taken",
    "readiness.watch_age_s_max": "removed: -m watch says itself whether somebody watched (PM-8)",
    "secrets.pagerduty_token_env": _CALENDAR,
    "standing_consent": "removed: a watch only tells, and a person starts the rollback by the command that it tells",
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
