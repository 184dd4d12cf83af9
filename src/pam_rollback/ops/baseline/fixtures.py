"""How it is before: recorded by ``pytest -m baseline``, or at the start of a drill. Each topic says what it records of it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pam_rollback import VERSION
from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import NotReached
from pam_rollback.ops.baseline.taken_baseline import TakenBaseline
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateLimit, ResponseTimeLimit
from pam_rollback.plugin import listeners
from pam_rollback.plugin.baseline_files import BASELINE_FILE, BaselinePart, Recorded, has
from pam_rollback.plugin.fixtures import note, tell
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.report.baseline_record import Baseline, Origin, Part
from pam_rollback.target.contract import undescribed
from pam_rollback.target.environment import Environment
from pam_rollback.target.health import HealthAround, HealthReport
from pam_rollback.target.known_before import Finding, JudgedFindings, KnownBefore, answers_in

Recording = tuple[Baseline, dict[str, str], tuple[Finding, ...]]
"""The baseline, what of the declared could not be recorded and why, and what was found."""
RecordParts = Callable[[Sequence[BaselinePart]], Recording]


@pytest.fixture(scope="session")
def record_parts(
    environment: Environment,
    evidence: Path,
    runbook: Runbook,
    clock: Clock,
    running_release: str,
    request: pytest.FixtureRequest,
) -> RecordParts:
    """Records parts of a baseline when it is called."""

    def record_them(parts: Sequence[BaselinePart]) -> Recording:
        # The topics name their fixtures by a hook, and each of them costs time: only what is recorded may be asked for.
        return record(environment, evidence, parts, ask=request.getfixturevalue, origin=origin)

    def origin() -> Origin:
        return Origin(
            environment=environment.name,
            host=runbook.host,
            release=running_release,
            run=runbook.id,
            taken_at=clock.wall(),
        )

    return record_them


@pytest.fixture(scope="session")
@titled("The baseline: how it was before")
def baseline(
    runbook: Runbook, evidence: Path, record_parts: RecordParts, pytestconfig: pytest.Config
) -> Baseline | None:
    """Recorded at the start of a drill, without pages; in a real rollback only a stored one counts (``--baseline FILE``), else none."""
    parts = listeners.baseline_parts(pytestconfig)
    if runbook.options.baseline is not None:
        if runbook.records_before:
            # What the stored one lacks is recorded now, while all is well: after the rollback it would be compared with itself.
            record_parts([one for one in parts if one.quick and one.file and not has(runbook, one.file)])
        return runbook.stored
    if not runbook.records_before:
        return None
    recorded, *_ = record_parts([one for one in parts if one.quick])
    slow = dict.fromkeys((one.what for one in parts if not one.quick), "a drill does not wait for pages")
    recorded = recorded.model_copy(update={"not_recorded": recorded.not_recorded | slow})
    recorded.save(evidence / BASELINE_FILE)
    return recorded


@pytest.fixture(scope="session")
@titled("The baseline is recorded, between two looks at the service's health")
def taken_baseline(
    plan: Plan,
    runbook: Runbook,
    evidence: Path,
    ask_health: Callable[[], tuple[HealthReport, ...]],
    record_parts: RecordParts,
    pytestconfig: pytest.Config,
) -> TakenBaseline:
    """All that a baseline has, each part by itself. What was red meanwhile stands in it."""
    before = ask_health()
    recorded, failed, found = record_parts(listeners.baseline_parts(pytestconfig))
    health = HealthAround(before, ask_health())
    for release in health.releases:
        runbook.saw_release(release)
    taken = TakenBaseline(health, recorded, failed, plan.the(ErrorRateLimit), plan.the(ResponseTimeLimit), found)
    with suppress(MeasurementFailed):  # whoever asks for it learns why
        taken.kept.save(evidence / BASELINE_FILE)
    return taken


@pytest.fixture
def recorded_health(
    taken_baseline: TakenBaseline, environment: Environment, clock: Clock, request: pytest.FixtureRequest
) -> HealthAround:
    """What of its health was red without what somebody answers for: it stands in this very baseline. For the rest a waiver is proposed."""
    health = taken_baseline.health
    return tell(request, health, _told(health.findings, environment, clock))


@pytest.fixture
def recorded_findings(
    taken_baseline: TakenBaseline, environment: Environment, clock: Clock, request: pytest.FixtureRequest
) -> JudgedFindings:
    """What is open or wrong here, however well the service is, and who answers for it. For the rest waivers are proposed."""
    told = _told(taken_baseline.found, environment, clock)
    note(request, told)
    return told


def _told(findings: Iterable[Finding], environment: Environment, clock: Clock) -> JudgedFindings:
    """They stand in this very baseline."""
    findings = tuple(findings)
    recorded = {(one.item, one.text): one.count for one in findings}
    return KnownBefore(recorded, answers_in(environment.waivers), today=clock.wall().date()).told(findings)


def record(
    environment: Environment,
    evidence: Path,
    parts: Sequence[BaselinePart],
    *,
    ask: Callable[[str], Any],
    origin: Callable[[], Origin],
) -> Recording:
    """Record these parts, each by its fixture, whose value ``ask`` gives. No part takes another one with it."""
    for name in (name for part in parts for name in part.begins):
        with suppress(MeasurementFailed):  # the part that waits for it says why
            ask(name)
    fields, files, found = dict[str, Any](), dict[str, Part](), list[Finding]()
    undeclared, failed = dict[str, str](), dict[str, str]()
    for part in parts:
        missing = ", ".join(sorted({*part.abilities} - environment.abilities))
        if missing:
            undeclared[part.what] = f"{environment.name} declares no {missing}; to record it: declare that"
            continue
        if lost := undescribed(environment.contract.elements, part.elements):
            undeclared[part.what] = (
                f"the contract of {environment.product} describes no {', '.join(lost)}; to record it: describe that ([elements])"
            )
            continue
        if part.problem:
            failed[part.what] = f"{part.problem}; to record it: {part.needs}"
            continue
        try:
            recorded: Recorded = ask(part.fixture)
        except (MeasurementFailed, NotReached) as unknown:
            failed[part.what] = f"{unknown}; to record it: {part.needs}"
            continue
        fields |= recorded.fields
        files |= {name: Part.of(evidence / name, n=n) for name, n in recorded.files.items()}
        found += recorded.found
    base = Baseline(
        suite=VERSION,
        origin=origin(),
        found=tuple(one.kept for one in found),
        parts=files,
        not_recorded=undeclared | failed,
    )
    return base.model_copy(update=fields), failed, tuple(found)
