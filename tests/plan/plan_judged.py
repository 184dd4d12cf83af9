"""What is judged by the plan after a rollback, each as a function of the plan alone; see ``plan_decided.py``."""

from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from pam_rollback.browser.fixtures import journeys
from pam_rollback.checklist import fixtures as checklist
from pam_rollback.integrity.fixtures import integrity
from pam_rollback.integrity.row_counts import TableCount, TableCounts
from pam_rollback.ledger.ledger_verdict import LedgerState, LedgerVerdict
from pam_rollback.observation.fixtures import experience, windows
from pam_rollback.observation.memory import MemoryReading
from pam_rollback.observation.window_state import WindowState
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import STORIES
from pam_rollback.product.settings_loss import FLAG, RecordedSettings
from pam_rollback.readiness.rules import runbook_kept
from pam_rollback.records.fixtures import performance
from pam_rollback.rollback.fixtures import story_objectives
from pam_rollback.session import time_frames
from pam_rollback.session.situations import AS_IS
from tests.observation.rules.test_complete_recovery import recovered, window
from tests.plan.plan_scene import (
    LONG_AGO,
    Waits,
    Watched,
    asked,
    baseline,
    body,
    environment,
    quiet,
    runbook,
    said,
)


def monitored(plan: Plan) -> object:
    """p95 and error rate over the users' answers."""
    request = asked(clock=SimpleNamespace(monotonic_s=lambda: 1000.0), progress=quiet(), runbook=runbook(plan))
    found = body(performance.monitored)(AS_IS, 0.0, Watched(), environment(), plan, Waits(), "1", request)
    return found.response_time, found.error_rate


def first_verdicts(plan: Plan) -> object:
    """When the first verdict of each kind of check came."""
    came = {"health": 1.0, "performance": 2.0, "integrity": 3.0}
    found = []
    for item in ("TF-1", "TF-2", "TF-3"):
        request = SimpleNamespace(
            config=None, node=SimpleNamespace(get_closest_marker=lambda _, item=item: SimpleNamespace(args=(item,)))
        )
        with patch.object(time_frames, "first_verdict_s", side_effect=lambda *of: came.get(of[2], 4.0)):
            verdict = body(time_frames.first_verdict)(request, AS_IS, None, plan, runbook(plan, started_s=0.0))
        found.append((str(verdict), verdict.figures))
    return found


def checklists(plan: Plan) -> object:
    """The items of the checklists that have a time of the plan."""
    carried_out = SimpleNamespace(decided_s=0.0, first_step_s=1.0, last_step_s=60.0)
    spec = SimpleNamespace(duration_s=900.0)
    held = SimpleNamespace(spec=spec, state=WindowState.MET, met=True)
    measured = SimpleNamespace(error_rate=lambda: held, latency_p95=lambda: held, memory=lambda: held)
    session: Any = SimpleNamespace(
        plan=plan,
        runbook=runbook(plan),
        carried_out=carried_out,
        clock=SimpleNamespace(monotonic_s=lambda: 70.0),
        get=lambda _: measured,
        request=SimpleNamespace(session=None),
        situation="after-gradual",
    )
    with patch.object(checklist, "said"):
        return [said(partial(checklist.MEASURES[item], session)) for item in ("POST-1", "TF-4", "TF-5", "TF-6")]


def held_window(plan: Plan) -> object:
    """Error rate, p95 and memory over the whole window."""
    readings = tuple(MemoryReading(float(at), 90.0) for at in range(1000))
    observation = Watched()
    observation.memory = SimpleNamespace(readings=readings, missed=0)  # type: ignore[assignment]
    request = asked(plan=plan, runbook=runbook(plan, resumed=None), environment=environment(), in_situation=None)
    clock = SimpleNamespace(monotonic_s=lambda: 1000.0)
    window = body(windows.held_window)(AS_IS, 0.0, "1", observation, Waits(), clock, quiet(), request)
    return [(repr(one), repr(one.spec)) for one in (window.error_rate(), window.latency_p95(), window.memory())]


def row_loss(plan: Plan) -> object:
    """A row of before is gone."""
    before, after = (
        TableCounts(created_until=LONG_AGO, tables={"expenses": TableCount(rows=rows, keys=str(rows))})
        for rows in (3, 2)
    )
    link = SimpleNamespace(confirm_good=lambda _: None)
    found = body(integrity.row_loss)(plan, before, after, link)
    return found.holds, str(found)


def as_before(plan: Plan) -> object:
    """Speed and errors beside the baseline."""
    found = []
    for was_ms, is_ms in ((1000, 1300), (100, 250)):
        seen = Watched(lambda at: at % 50 == 0, ms=is_ms).samples()
        beside = experience.Experience(seen, baseline(LONG_AGO, ms=was_ms), plan)
        found.append((str(beside.speed), beside.speed.figures, str(beside.errors), beside.errors.figures))
    return found


def recovery_time(plan: Plan) -> object:
    """The objective that each drill is judged by."""
    found = [body(windows.objective)(story.situation, plan) for story in STORIES.values()]
    return [one.max_s for one in found]


def complete_recovery(plan: Plan) -> object:
    """Recovery and the whole window after it."""
    held = SimpleNamespace(steps=())
    seen = SimpleNamespace(detected_s=15.0)
    with TemporaryDirectory() as folder:
        found = body(story_objectives.complete_recovery)(
            recovered(), None, window(), window(), held, seen, plan, Path(folder)
        )
    return found.in_time, found.figures, str(found)


def lost_writes(plan: Plan) -> object:
    """One acknowledged write of ten is lost."""
    verdict = LedgerVerdict(
        LedgerState.DAMAGED,
        reasons=(),
        acknowledged=10,
        present=9,
        lost=1,
        moved=0,
        altered=0,
        duplicated=0,
        unread=0,
        indeterminate=0,
        recovered=0,
        lost_markers=("m",),
        moved_markers=(),
        altered_markers=(),
        duplicated_markers=(),
        rpo_s=1.0,
        cut="",
        configuration_loss_s=0.0,
    )
    waiter = SimpleNamespace(stop=SimpleNamespace(check=lambda: None))
    with (
        patch.object(story_objectives, "judge_ledger", return_value=verdict),
        patch.object(story_objectives, "refuse_gap"),
    ):
        rolled_back = SimpleNamespace(steps=())
        found = body(story_objectives.surviving_writes)(
            None, None, None, rolled_back, environment(), plan, waiter, runbook(plan), asked()
        )
    return found.kept


def settings_loss(plan: Plan) -> object:
    """A flag that somebody else set is as it was before it was set."""
    before = RecordedSettings(taken_at=LONG_AGO, values={f"{FLAG}OTHER": "on"})
    with patch.object(story_objectives, "read_settings", return_value={f"{FLAG}OTHER": "off"}):
        return str(body(story_objectives.settings_loss)(AS_IS, None, environment(), plan, before))


def sessions(plan: Plan) -> object:
    """The probes' session was refused."""
    return body(journeys.kept_sessions)(plan, None, asked(observation=Watched())).as_allowed


def review(plan: Plan) -> object:
    """Whether a runbook that was read on a day was reviewed in time, a day after that."""
    day, again = date(2026, 11, 27), date(2026, 11, 28)
    return str(runbook_kept("", {}, reviewed_on=day, review_after_d=plan.about.review_after_d, today=again))
