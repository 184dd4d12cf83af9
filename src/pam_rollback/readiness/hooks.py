"""What a session has of readiness beside its tests: what is not configured, that this is no GO, and the page for tonight."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.readiness_settings import Preparedness
from pam_rollback.plan.stories import ways_of
from pam_rollback.readiness import service
from pam_rollback.readiness.rules import tonight
from pam_rollback.readiness.rules.on_call import now_on_call
from pam_rollback.report import past_drills, wording
from pam_rollback.report.last_drills import last_drills
from pam_rollback.report.past_drills import sought
from pam_rollback.report.readiness import last_known
from pam_rollback.report.run_record import RunRecord
from pam_rollback.session import markers
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.selection import LeftOut

PLUGIN = "pam-tonight"
PHASE = "readiness"
_NOT_CONFIGURED = pytest.StashKey[set[str]]()
"""The reasons that this slice gave."""


def _declared(settings: Preparedness | None, *keys: str) -> str:
    if settings is not None and any(getattr(settings, key) for key in keys):
        return ""
    return f"no [readiness] {' or '.join(keys)}"


def _on_call(environment: Environment) -> str:
    own = environment.has_secret("on_call_calendar")
    return "" if own else _declared(environment.readiness, "calendar", "pagerduty_schedules")


def _table(environment: Environment) -> str:
    return "" if environment.readiness is not None else "no table [readiness]"


def _releases(environment: Environment) -> str:
    hosts = {"frontend_host", "backend_host"} & environment.abilities
    return _table(environment) or ("" if hosts else "no host to ask for deploys")


def _links(environment: Environment) -> str:
    own = environment.kind == "production" or environment.urls.status_page
    return "" if own and environment.readiness is not None else _declared(environment.readiness, "links")


def _tokens(environment: Environment) -> str:
    some = service.doors_of(environment) or environment.has_secret("supabase_key")
    return _table(environment) or ("" if some else "no token that a service can be asked about")


def _exchange(environment: Environment) -> str:
    if not service.tries_exchange(environment):
        return _table(environment)
    return "" if "backend_host" in environment.abilities else "no backend_host to exchange a release on"


NEEDED: Mapping[str, Callable[[Environment], str]] = {
    "released_by_steps": _releases,
    "tried_by_few": _releases,
    "exchange_kept": _exchange,
    "watch_record": _table,
    "drills_here": _table,
    "on_call": _on_call,
    "postmortems_kept": lambda environment: _declared(environment.readiness, "postmortems"),
    "causes_kept": lambda environment: _declared(environment.readiness, "postmortems"),
    "contacts_kept": lambda environment: _declared(environment.readiness, "people"),
    "links_kept": _links,
    "tokens_kept": _tokens,
    "workflows_kept": lambda environment: "" if environment.github is not None else "no table [github]",
}
"""By fixture: what the environment would have to say, and does not."""


def pytest_pam_why_left_out(item: pytest.Item) -> str | None:
    """What is not configured is not judged, and named."""
    runbook = runbook_module.of(item.config)
    if runbook is None:
        return None
    asked = getattr(item, "fixturenames", ())
    reasons = (missing(runbook.environment) for name, missing in NEEDED.items() if name in asked)
    why = next(filter(None, reasons), "")
    if not why:
        return None
    reason = f"{runbook.environment.name} names {why}"
    item.config.stash.setdefault(_NOT_CONFIGURED, set()).add(reason)
    return reason


def pytest_pam_incomplete(config: pytest.Config, left_out: LeftOut, answered: Collection[str]) -> list[str]:
    """Outside the sandbox a team is not ready for what nobody wrote down, unless a person or a dated waiver answers for it."""
    runbook = runbook_module.of(config)
    if runbook is None or runbook.on_sandbox or not markers.asks_for(config.option.markexpr, PHASE):
        return []
    ours = config.stash.get(_NOT_CONFIGURED, set())
    by_reason: dict[str, list[str]] = {}
    for nodeid, reason, ids in left_out.tests:
        if reason in ours and not (ids and set(ids) <= set(answered)):
            by_reason.setdefault(reason, []).extend(ids or [nodeid.rpartition("::")[2].partition("[")[0]])
    return [f"not judged, since {reason}: {', '.join(dict.fromkeys(names))}" for reason, names in by_reason.items()]


class Tonight:
    """Knows where to look for the page."""

    def __init__(self, config: pytest.Config, runbook: Runbook) -> None:
        self._config = config
        self._runbook = runbook

    def pytest_pam_report(self, record: RunRecord) -> list[tuple[str, Sequence[str]]]:
        """The page, below the verdict."""
        runbook, plan = self._runbook, self._runbook.plan
        now, root = datetime.now(UTC), self._config.rootpath
        place = service.Place(runbook.environment, plan, root, runbook.options.state_dir, now, runbook.pace)
        preflight = last_known(place.out, environment=runbook.environment.name)
        drills = {
            one.strategy: one for one in last_drills(place.out, ways_of(plan), environments=place.settings.drilled_in)
        }
        recoveries = past_drills.past_recoveries(place.out, sought(plan))
        strategies = [
            tonight.Strategy(
                one.name,
                preflight.get(one.name, ""),
                drills[one.name].good_d,
                str(drills[one.name]).removeprefix(f"{one.name} "),
                past_drills.told(recoveries[one.name]),
            )
            for one in plan.strategies.values()
        ]
        others = [
            f"{' '.join(result.criteria) or result.title}: {wording.said(result)}"
            for result in record.results
            if result.outcome.value != "passed" and result.message
        ]
        page = tonight.page(
            strategies, drill_age_d_max=plan.about.review_after_d, on_call=self._on_call(place), others=others
        )
        return [(tonight.HEADING, page)]

    def _on_call(self, place: service.Place) -> str:
        if _on_call(place.environment):
            return ""
        try:
            return ", ".join(now_on_call(service.shifts(place), at=place.now, absent=place.settings.absent))
        except MeasurementFailed:
            return ""  # its own test says why


def pytest_configure(config: pytest.Config) -> None:
    """Take part where somebody asks for readiness."""
    runbook = runbook_module.of(config)
    asked = runbook is not None and markers.asks_for(config.option.markexpr, PHASE)
    if runbook is not None and asked and not config.option.collectonly:
        config.pluginmanager.register(Tonight(config, runbook), PLUGIN)
