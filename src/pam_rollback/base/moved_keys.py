"""Keys of plan, environment and product that had another name or place: whoever still writes one is told where it stands now."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

_CALENDAR = "removed: give the address of PagerDuty's iCalendar export as [secrets] on_call_calendar_env"
_VOUCHED = "removed: a person answers for how releases reach users, with --ack PM-2, PM-3 and PM-4"
_PAGES = "removed: how pages load, and what they weigh, is measured by the site's own build, as by Lighthouse CI; here are journeys"
_MOVED: Mapping[str, str] = {
    # plan.toml
    "consider_criteria.CR-5.response_time_increase_pct_max": "now IR-4's: the band ends where that begins",
    "escalation.*.until_s": "now the next level's from_s: a level ends where the next begins",
    "health_checks.*.service": "now site in [health.COMPONENT] of products/NAME.toml",
    "health_checks.*.path": "now path in [health.COMPONENT] of products/NAME.toml",
    "health_checks.*.http_status": "now http_status in [health.COMPONENT] of products/NAME.toml",
    "health_checks.*.status": "now conditions in [health.COMPONENT] of products/NAME.toml",
    "integrity.*.table": "now in the query of its file in checks/integrity",
    "integrity.*.recent_s": "removed: every row is looked at, however old",
    "prevention.*.area": "removed: anchor says it",
    "page_weight": _PAGES,
    "web_vitals": _PAGES,
    "success_criteria.*.measure": "removed: the name of its limit says it",
    # environments/NAME.toml
    "github.merge*": "removed: a pull request is opened, and a person merges it",
    "health": "now optional in [contract.health.COMPONENT]",
    "paths.backend_health": "now path in [contract.health.backend]",
    "paths.disable_all_pam": "removed: the emergency call is emergency_rollback",
    "paths.frontend_health": "now path in [contract.health.frontend]",
    "paths.health_comprehensive": "now path in [contract.health.comprehensive]",
    "paths.health_db": "now path in [contract.health.database]",
    "paths.notice_admin": "removed: a person puts the notice into the app and takes it away; [paths] notice is read",
    "paths.health_pam": "now path in [contract.health.pam]",
    "render.worker_service_id": "now workers, a list",
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
    "urls.control": "now control_url in [probing]",
    # products/NAME.toml
    "health.*.answered_by": "now site and path, or no_endpoint",
    "limits.account": "now with_token",
    "limits.web_sockets": "removed: WebSockets are not counted",
}


def new_place(location: tuple[str | int, ...]) -> str | None:
    """Where a key stands now that stood at ``location``; None when it never did."""
    steps = [str(step) for step in location]
    for old, new in _MOVED.items():
        known = old.split(".")
        if len(known) == len(steps) and all(fnmatchcase(step, one) for one, step in zip(known, steps, strict=True)):
            return new
    return None
