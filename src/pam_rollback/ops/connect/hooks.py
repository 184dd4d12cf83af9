"""A session that is about the configuration: every test of the plan is collected, asked what it stands on, and not run."""

from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from pam_rollback.ops.connect.doctor import (
    PLUGIN,
    Completeness,
    Judge,
    as_lines,
    completeness,
    of_stories,
)
from pam_rollback.plan.held_tests import held_tests
from pam_rollback.plan.stories import STORIES
from pam_rollback.plugin import listeners, markers, selection, sql_files
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.completeness import read_all, shared_tests
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.report.earlier_runs import sought
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.wording import Paragraph
from pam_rollback.target.invariants import Invariant

PHASE = "doctor"
_OTHER_TABLES, _LATER = "about tables that", "no rollback was done in this session"
"""In the reasons of the selection: this database has no such tables; and what nobody can know before a rollback."""
_BASELINE = "baseline"
_KEY = "supabase_key_env"


class Doctor:
    """Knows what was collected."""

    def __init__(self, config: pytest.Config, runbook: Runbook) -> None:
        self._config = config
        self._runbook = runbook
        self._items: list[pytest.Item] = []
        self._found: Completeness | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """Remember all of them, before they are sorted out."""
        self._items = [item for item in items if not item.get_closest_marker(PHASE)]
        return (yield)

    def found(self) -> Completeness:
        """What can be judged, and after which command."""
        if self._found is None:
            self._found = self._look()
        return self._found

    def paragraphs(self, record: RunRecord) -> list[Paragraph]:
        """The list, below the verdict."""
        return [(f"What can be judged in {record.environment.name}", (*as_lines(self.found()),))]

    def _look(self) -> Completeness:
        runbook, plan, environment = self._runbook, self._runbook.plan, self._runbook.environment
        today = datetime.now(UTC).date()
        stories = sorted((self._config.rootpath / "drills").glob("test_*.py"))
        held = {
            path.stem.removeprefix("test_").replace("_", "-"): held_tests(
                text, shared_tests(text, self._config.rootpath)
            )
            for path, text in ((path, path.read_text("utf-8")) for path in stories)
        }
        by_strategy = sought(plan)
        objectives = {story.name: by_strategy[story.strategy].criterion for story in STORIES.values()}
        judges = [
            *(_judge(item, runbook) for item in self._items),
            *(_of_invariant(one, runbook) for one in sql_files.invariants_of(self._config.rootpath, environment)),
            *of_stories(STORIES, held, objectives, environment.abilities),
        ]
        waived = {
            waiver.item: f"waived until {waiver.until} by {waiver.approved_by}: {waiver.reason}"
            for waiver in environment.waivers
            if waiver.holds(today)
        }
        return completeness({item.id: item.title for item in plan.items()}, judges, environment.name, waived=waived)


def pytest_configure(config: pytest.Config) -> None:
    """Take part where somebody asks for it."""
    runbook = runbook_module.of(config)
    if runbook is not None and markers.asks_for(config.option.markexpr, PHASE):
        read_all(config)
        doctor = Doctor(config, runbook)
        config.pluginmanager.register(doctor, PLUGIN)
        config.stash[listeners.PARAGRAPHS] = doctor.paragraphs


def _judge(item: pytest.Item, runbook: Runbook) -> Judge:
    names, ids = markers.names_of(item), markers.criterion_ids(item)
    phases = tuple(name for name in markers.PHASES if name in names)
    name = item.nodeid.rpartition("::")[2]
    environment = runbook.environment
    try:
        gone = selection.not_in_contract(item, environment)
        if gone and _KEY not in gone:
            return Judge(name, ids, phases, why=gone, by_contract=True)
        abilities = tuple(selection.missing_abilities(item, environment))
        why = "" if abilities else selection.why_left_out(item, runbook)
    except Exception as problem:  # noqa: BLE001 - whatever it is, the other items are known
        return Judge(name, ids, phases, crashed=f"{type(problem).__name__}: {problem}")
    if _KEY in why:
        return Judge(name, ids, phases, ("supabase_key",))
    words = f"pytest -m baseline --env {environment.name}" if _BASELINE in why else why
    by_contract, later = _OTHER_TABLES in why, _LATER in why
    return Judge(name, ids, phases, abilities, words, by_contract=by_contract, later=later)


def _of_invariant(invariant: Invariant, runbook: Runbook) -> Judge:
    environment = runbook.environment
    missing = ("database",) if "database" not in environment.abilities else sql_files.lacking(invariant, environment)
    return Judge(invariant.test_name, invariant.criteria, ("post_rollback",), missing)
