"""What drills are held against, beside ``drills/expectations.py``: facts of the time after a rollback that no check asks for.

What a rollback itself works with is in ``src/pam_rollback/rollback/fixtures``, since the checks after it bring it about, too.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import allure
import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.core.run_files import RECOVERY_FILE, SETTINGS_FILE
from pam_rollback.core.wait import Waiter
from pam_rollback.database.database_link import DatabaseLink
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ConfigurationLossLimit, WriteLossLimit
from pam_rollback.plan.stories import SITUATIONS, objective_of
from pam_rollback.plugin.baseline_files import write_data
from pam_rollback.plugin.earlier_run import refuse_gap
from pam_rollback.plugin.markers import criterion_ids
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.topics.hosts import if_reachable, told_by_host
from pam_rollback.probe.held_window import HeldWindow
from pam_rollback.probe.incident import ITEM as COMPLETE
from pam_rollback.probe.incident import CompleteRecovery, Incident, moments
from pam_rollback.probe.ledger import Ledger, judge_ledger
from pam_rollback.probe.ledger_config import LEDGER_SETTING, WINDOW_SETTING, not_written
from pam_rollback.probe.ledger_verdict import LedgerVerdict
from pam_rollback.probe.measure import Window
from pam_rollback.probe.recovery import JudgedRecovery, Recovery, UndamagedRollback
from pam_rollback.rollback.deploys import Deploy, Service, ServiceHost, SiteHost
from pam_rollback.rollback.flags import UNDO_KIND as SET_FLAGS
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.planting import LOOKED_EVERY_S
from pam_rollback.rollback.step_list import ActionRecord
from pam_rollback.rollback.steps import StepRecord, StepsFailed
from pam_rollback.rollback.told_versions import ApiLook
from pam_rollback.target.accounts import read_settings
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import Served
from pam_rollback.target.served_release_reader import ServedSite
from pam_rollback.target.settings_loss import FLAG, LINK_SETTING, SETTING, RecordedSettings, compare

_NO_SETTING = "whether a setting that is written meanwhile is lost (RPO-2): the product takes none of ours"
_WRITTEN_BY_THE_SUITE = frozenset({SETTING + name for name in (LEDGER_SETTING, WINDOW_SETTING, LINK_SETTING)})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Show the steps of the action in the report with each test that judges the strategy itself (ST-1 to ST-6)."""
    judged = any(one.startswith("ST-") for one in criterion_ids(item))
    try:
        yield
    except StepsFailed as failed:
        _show(failed.records if judged else ())
        raise
    in_situation = getattr(item, "funcargs", {}).get("in_situation")
    _show(getattr(in_situation, "steps", ()) if judged else ())


def _show(steps: Iterable[StepRecord]) -> None:
    for step in steps:
        with suppress(ActionFailed), allure.step(str(step)):
            if not step.done:
                raise ActionFailed(step.problem)


@pytest.fixture(scope="session")
@needs(objective=True)
def users_recovered(
    situation: str, recovery: Recovery, plan: Plan, rolled_back: ActionRecord, runbook: Runbook
) -> JudgedRecovery | UndamagedRollback:
    """Users' recovery; in a drill without damage, where nobody has to recover, how long the rollback took."""
    objective = objective_of(plan, SITUATIONS[situation])
    if runbook.undamaged:
        return UndamagedRollback(recovery, rolled_back.finished_s - rolled_back.decided_s, objective.max_s)
    return recovery.within(objective.max_s)


@pytest.fixture(scope="session")
@titled("Recovery is complete")
@needs(damage=True)
def complete_recovery(
    recovery: Recovery,
    held_window: HeldWindow,
    held_error_rate: Window,
    held_response_time: Window,
    rolled_back: ActionRecord,
    incident: Incident,
    plan: Plan,
    evidence: Path,
) -> CompleteRecovery:
    """Recovery as users see it and the plan's whole window after it, with the moments of the incident."""
    windows = (held_error_rate, held_response_time)
    told = moments(
        recovery,
        windows,
        detected_s=incident.detected_s,
        looked_every_s=LOOKED_EVERY_S,
        first_step_s=next((step.started_s for step in rolled_back.steps), None),
    )
    objective = plan.recovery_times[COMPLETE]
    complete = CompleteRecovery(recovery, windows, objective.max_s, told, least_s=objective.min_s)
    write_data(evidence / RECOVERY_FILE, {"said": str(complete), "moments": [asdict(moment) for moment in told]})
    return complete


@pytest.fixture(scope="session")
@titled("Every acknowledged write is looked for")
@needs("test_account")
def surviving_writes(
    held_window: HeldWindow,
    held_error_rate: Window,
    ledger: Ledger,
    rolled_back: ActionRecord,
    environment: Environment,
    plan: Plan,
    waiter: Waiter,
    runbook: Runbook,
    request: pytest.FixtureRequest,
) -> LedgerVerdict:
    """The final reading against the ledger. The window comes first: writes from after the rollback count too."""
    refuse_gap(runbook)
    moments = [step.finished_s for step in rolled_back.steps if step.changes]

    def link() -> DatabaseLink:
        # By name: it writes a row, and is asked only where the database has to tell what the product did not.
        found: DatabaseLink = request.getfixturevalue("database_link")
        return found

    verdict = judge_ledger(ledger, environment, link, moments_s=moments)
    waiter.stop.check()
    left_out = not_written(environment.contract)
    unproven = f"whether more is lost than what was written (RPO-1); not written: {left_out}" if left_out else ""
    return replace(verdict.allowing(plan.the(WriteLossLimit).lost_writes_max), unproven=unproven)


@pytest.fixture(scope="session")
@titled("Flags and settings are compared with those of before")
@needs(baseline=SETTINGS_FILE)
def settings_loss(
    situation: str,
    in_situation: object,
    environment: Environment,
    plan: Plan,
    settings_before: RecordedSettings | None,
    journal: Journal,
) -> Measured:
    """As they are now, against as they were. Raises MeasurementFailed when one of them is not known.

    What the action switches itself is left out; an action that failed has told its journal what it owes.
    """
    if settings_before is None:
        raise MeasurementFailed("no settings were recorded before, so a loss cannot be seen: give --baseline FILE")
    story = SITUATIONS.get(situation)
    switched = (
        set()
        if story is None
        else {FLAG + name for flags in ("before", "read_back") for name in getattr(in_situation, flags, None) or ()}
    )
    if story is not None:
        owed = {name for undo in journal.owed() if undo.kind == SET_FLAGS for name in undo.facts["flags"]}
        switched |= {FLAG + name for name in owed.union(plan.strategy(story.strategy).flag_changes)}
    loss = compare(
        settings_before,
        read_settings(environment),
        left_out=switched | _WRITTEN_BY_THE_SUITE,
        loss_s_max=plan.the(ConfigurationLossLimit).loss_s_max,
    )
    return loss if story is None or environment.contract.takes_settings else replace(loss, unproven=_NO_SETTING)


@pytest.fixture(scope="session")
@needs("slack")
def team_notice(rolled_back: ActionRecord) -> str:
    """Empty when the incident channel accepted the message, else why not. Raises MeasurementFailed when nobody was to be told."""
    if rolled_back.notice_problem is None:
        raise MeasurementFailed("nobody was told: this environment has no incident channel")
    return rolled_back.notice_problem


@pytest.fixture
def site_served_now(rolled_back: ActionRecord, environment: Environment, served_site: ServedSite) -> Served:
    """What visitors get when the test asks, after the action, held against its target. Raises MeasurementFailed when we are offline."""
    wanted = _served_by(rolled_back, "frontend").wanted
    return if_reachable(environment, served_site.look(wanted))


@pytest.fixture
def api_served_now(rolled_back: ActionRecord, environment: Environment, api_look: ApiLook) -> Served:
    """Which release answers when the test asks, after the action, held against its target. Raises MeasurementFailed as the site's does."""
    wanted = _served_by(rolled_back, "backend").wanted
    return if_reachable(environment, api_look(wanted.commit))


@pytest.fixture
def published_now(rolled_back: ActionRecord, site_host: SiteHost) -> Deploy:
    """What is published when the test asks, after the action: something may have come over it. Raises MeasurementFailed."""
    return told_by_host(site_host.live)


@pytest.fixture
def service_now(rolled_back: ActionRecord, api_host: ServiceHost) -> Service:
    """Where the service deploys from when the test asks, after the action. Raises MeasurementFailed."""
    return told_by_host(api_host.service)


def _served_by(rolled_back: Any, part: str) -> Served:
    """What the action saw of this site: its own record, or that of its part."""
    served: Served = getattr(rolled_back, part, rolled_back).served
    return served
