"""What the way back goes by (gate, load, ramp, baseline), each as a function of the plan alone; see ``plan_decided.py``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.gate import fixtures as gate_fixtures
from pam_rollback.gate.npm_stages import NpmPackage
from pam_rollback.load.order import load_order
from pam_rollback.load.release_comparison import ReleaseComparison
from pam_rollback.load.verdict import judge as judge_load
from pam_rollback.observation.fixtures.experience import SampleSize
from pam_rollback.plan.plan import Plan
from pam_rollback.ramp.state import rules_of
from pam_rollback.session.allure_bridge import asked_by
from pam_rollback.session.baseline_files import staleness
from tests.load import records as load_records
from tests.plan.plan_scene import (
    Waits,
    Watched,
    asked,
    baseline,
    body,
    call,
    environment,
    quiet,
    runbook,
    said,
)

_SLOWEST = 2
"""Of fifty requests, one of each release."""


def ramp(plan: Plan) -> object:
    """By which rules a ramp goes on."""
    return rules_of(plan.ramp, plan.ramp_terms, pace=1)


def stages(plan: Plan) -> object:
    """Every command of the gate, ended at its time."""
    found = []
    with TemporaryDirectory() as folder:
        scripts = ", ".join(f'"{command.script}": "node x"' for command in plan.gate.values())
        (Path(folder) / "package.json").write_text(f'{{"scripts": {{{scripts}}}}}', encoding="utf-8")
        ended = SimpleNamespace(exit_code=None, took_s=0.0)
        package = NpmPackage(Path(folder), "c" * 40, lambda _: None, {})
        with patch.object(NpmPackage, "_call", return_value=ended), patch.object(NpmPackage, "_words", return_value=""):
            for item in plan.gate:
                test = SimpleNamespace(iter_markers=lambda _, item=item: [SimpleNamespace(args=(item,))])
                request: Any = SimpleNamespace(node=test)
                found.append(
                    str(body(gate_fixtures.stage)(request, package, plan, Path(folder), runbook(plan), quiet()))
                )
    return found


def deadlines(plan: Plan) -> object:
    """How long an installation and a migration may take."""
    seen: list[object] = []

    class Copy:
        def __init__(self, *given: object) -> None:
            seen.append(given[-1])
            raise MeasurementFailed("enough")

    class Package:
        def __init__(self, *_given: object) -> None:
            """Nothing is installed."""

        def install(self, _log: Path, *, deadline_s: float) -> None:
            """Keep how long it may take."""
            seen.append(deadline_s)

    settings = SimpleNamespace(frontend_folder="", migrations_folder="")
    commit = SimpleNamespace(commit="c" * 40)
    with ExitStack() as patched:
        patched.enter_context(patch.object(gate_fixtures, "NpmPackage", Package))
        patched.enter_context(patch.object(gate_fixtures, "MigrationCopy", Copy))
        patched.enter_context(patch.object(Environment, "secret", return_value="secret"))
        where = {"environment": environment(), "plan": plan, "candidate": commit, "git_settings": settings}
        call(
            gate_fixtures.package,
            **where,
            candidate_files=Path("/nowhere"),
            gate_folder=Path("/nowhere"),
            progress=quiet(),
        )
        said(lambda: call(gate_fixtures.migration_trial, **where))
    return seen


def load_verdicts(plan: Plan) -> object:
    """Every threshold of the load gate over a run with a slow second, failures and lateness."""

    def answer(at_s: float) -> Mapping[str, object]:
        return {"ms": 1500.0} if 20 <= at_s < 21 else {"lag_ms": 150.0} if round(at_s * 40) % 8 == 0 else {}

    verdict = judge_load(load_records.steps(answer, step_s=8), plan.load_gate)
    facts = (verdict.p95, verdict.p99, verdict.errors, verdict.outage, verdict.steps, verdict.reached)
    return [*((str(one), one.figures, said(partial(getattr, one, "good"))) for one in facts), verdict.doubts.all]


def two_releases(plan: Plan) -> object:
    """The candidate beside the stable release: slower by a few milliseconds, and by a large share."""

    def answers(usual_ms: float, slowest_ms: float) -> Callable[[float], Mapping[str, object]]:
        return lambda at_s: {"ms": slowest_ms if round(at_s * 40) % 50 < _SLOWEST else usual_ms}

    found = []
    for stable, candidate in (((50, 50), (90, 250)), ((1000, 1000), (1300, 1700))):
        record = load_records.both(answers(*stable), answers(*candidate), duration_s=10)
        comparison = ReleaseComparison(record, plan.load_gate)
        speed, errors = comparison.speed, comparison.errors
        found.append(
            (
                speed.figures,
                str(speed),
                [change.low_pct > limit for change, limit in speed.changes],
                errors.figures,
                str(errors),
            )
        )
    return found


def load_asked(plan: Plan) -> object:
    """What a load test asks for."""
    return load_order(environment(), plan.load, pace=1, run="run")


def baseline_terms(plan: Plan) -> object:
    """A baseline of forty days ago, and how many answers a comparison waits for."""
    waiter = Waits()
    sizes = SampleSize(Watched(), environment(), plan, waiter, asked(progress=quiet()))  # type: ignore[arg-type]
    sizes.since(0)
    old = baseline(datetime.now(UTC) - timedelta(days=40))
    return waiter.what, bool(staleness(runbook(plan, stored=old)))


def document(plan: Plan) -> object:
    """By which plan a session says that it judges."""
    return str(plan.about)


def shown(plan: Plan) -> Iterator[tuple[str, Sequence[str]]]:
    """Of every item the words and the section of the runbook that a report shows."""
    for item in plan.items():
        yield item.id, (asked_by(plan, [item.id]), item.runbook)
