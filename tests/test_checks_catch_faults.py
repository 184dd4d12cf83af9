"""Each check is seen red: a fault turns it, and only what depends on it, from passed to failed. A check without a row fails the build.

The rows with a browser are run by tests/test_browser_checks_catch_faults.py, those of decision sessions by tests/test_decision_matrix.py,
those of the load gate by tests/load/test_load_gate.py, those of readiness and of the watch beside the tests of these slices.
"""

import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.report.baseline_record import load_baseline
from pam_sandbox.database import in_plan_dialect
from tests.companies import companies
from tests.fault_rows.decision_row import DecisionRow
from tests.fault_rows.health import BACKEND, DATABASE, EVERYTHING, FRONTEND, PAM, SAME_RELEASE
from tests.fault_rows.matrix import (
    NEVER_RED,
    checks_on_disk,
    page,
    rows,
    stories_on_disk,
)
from tests.fault_rows.row import Row, cases_of
from tests.fingerprint import differences, fingerprint
from tests.selection import WHOLE
from tests.sessions import Collected, Finished, Project, RunningSandbox, in_both_browsers, runbook_in, store_baseline
from tests.summary import ROW

ROWS = rows()
COMPANIES = companies(row for row in ROWS if row.product == "pam-plan")
CODES = {"GO": 0, "NO-GO": 10, "INCONCLUSIVE": 11, "ACTION FAILED": 12}


class Proof:
    """The sessions of one worker's rows: one for each command line, collected once, and what it finds on the healthy sandbox."""

    def __init__(self, range_: RunningSandbox, folder: Path) -> None:
        self.range = range_
        self._folder = folder
        self._sessions: dict[tuple[str, ...], tuple[Collected, set[str]]] = {}

    @cached_property
    def counted_before(self) -> Path:
        """A baseline of the healthy sandbox, with its rows beside it."""
        return store_baseline(self.range, self._new_folder())

    def baseline_of(self, row: Row) -> Path:
        """The same, with what it has of what is not as it should be."""
        if not row.recorded:
            return self.counted_before
        copy = Path(shutil.copytree(self.counted_before.parent, self._new_folder() / "baseline")) / "baseline.json"
        red = tuple(one.kept for one in row.recorded)
        of_health = {"red" if one.item.startswith("HC-") else "found": red for one in row.recorded}
        load_baseline(copy).model_copy(update=of_health).save(copy)
        return copy

    def healthy(self, row: Row) -> tuple[Collected, set[str]]:
        """The session of a row without its fault, and its cases, all of them green before anything is planted."""
        selection = selection_of(row)
        key = (*selection, row.dialect, str(row.counted_before), row.setting, *map(str, row.recorded))
        if key not in self._sessions:
            session = self.session(row, row.setting)
            self.range.remote.forgive()
            before = session.run()
            if row.situation:
                self.range.remote.reset()  # the next session is a fork with the same name: its emergency branch must not be there yet
            outcomes = before.outcomes_by_case()
            known = cases_of(row.red_anyway, outcomes)
            assert _with(outcomes, "broken criterion") == known, before.out
            assert _with(outcomes, "passed") == set(outcomes) - known, before.out
            assert before.rc == CODES["NO-GO" if known else "GO"], before.out
            self._sessions[key] = session, set(outcomes)
        return self._sessions[key]

    def session(self, row: Row, settings: str) -> Collected:
        """A session of the row's checks, standing before the first of them, with these settings of the environment."""
        folder = self._new_folder()
        project = runbook_in(folder)
        if os.environ.get(WHOLE) and row.waits_for.startswith("browser"):
            in_both_browsers(project)
        _set_objectives(folder / "plan.toml", row.objective_s)
        file = _with_settings(self.range.file, folder / "sandbox.toml", settings, dialect=row.dialect)
        before = [f"--baseline={self.baseline_of(row)}"] if row.counted_before else []
        return project.collected(*selection_of(row), *before, f"--env={file}")

    def fingerprint(self, row: Row) -> dict[str, str]:
        """What the sandbox is like. Users' rows count where the row's session itself writes none."""
        return fingerprint(self.range, with_users_rows=not row.waits_for)

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))

    def close(self) -> None:
        """End every session."""
        for session, _ in self._sessions.values():
            session.close()


@pytest.fixture(scope="session")
def proof(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """One sandbox for all rows of a worker."""
    shared_range.as_it_was()
    made = Proof(shared_range, tmp_path_factory.mktemp("rows"))
    yield made
    made.close()


def in_order(*, browser: bool) -> Iterator[Any]:
    """Those that wait for nothing, by session; then the others. What every commit plants at once is planted alone at night."""
    in_company = {row.id for company in COMPANIES for row in company}
    checks = [
        row
        for row in ROWS
        if not isinstance(row, DecisionRow)
        and not row.elsewhere
        and row.folder == "checks"
        and row.product == "pam-plan"
        and row.waits_for.startswith("browser") is browser
    ]
    for row in sorted(checks, key=lambda row: (row.waits_for, row.select, row.dialect, row.counted_before)):
        marks = [pytest.mark.nightly] if row.waits_for or row.id in in_company else []
        yield pytest.param(row, id=row.id, marks=marks)


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: f"{company[0].id} and {len(company) - 1} more")
def test_damages_that_do_not_meet_turn_the_checks_of_each(
    company: Sequence[Row],
    proof: Proof,
    running_sandbox: RunningSandbox,
    record_property: Callable[[str, object], None],
) -> None:
    """Each check by its own damage alone, with its own words; and the sandbox is as it was when they are healed."""
    for row in company:
        record_property(ROW, row.id)
    session, healthy = proof.healthy(company[0])
    before = proof.fingerprint(company[0])

    judge(company, under(company, session, running_sandbox), healthy)
    assert differences(before, proof.fingerprint(company[0])) == []


@pytest.mark.parametrize("row", list(in_order(browser=False)))
def test_a_fault_turns_its_checks_and_no_others(row: Row, proof: Proof, running_sandbox: RunningSandbox) -> None:
    """From passed to failed, with a message that names the cause; and the sandbox is as it was when the fault is gone."""
    turn(row, proof, running_sandbox)


def turn(row: Row, proof: Proof, running_sandbox: RunningSandbox) -> None:
    """Green before the row's fault, red under it, and nothing of it stays."""
    session, healthy = proof.healthy(row)
    own = proof.session(row, row.settings) if row.environment or row.objective_s else None
    before = proof.fingerprint(row)
    try:
        broken = under([row], own or session, running_sandbox)
    finally:
        if own is not None:
            own.close()

    judge([row], broken, healthy)
    assert differences(before, proof.fingerprint(row)) == [], f"{row.fault} was taken away, and something of it stayed"


def under(rows: Iterable[Row], session: Collected, range_: RunningSandbox) -> Finished:
    """The session while these faults are planted."""
    range_.remote.forgive()  # the hosts count what every row asks of them
    range_.remote.forget_received()  # the forks of one session share its run's name: what the healthy one told is not this one's
    try:
        for row in rows:
            if row.fault:
                range_.remote.plant(row.fault, **row.parameters)
            if row.beside:
                range_.remote.plant(row.fault, **row.beside)
            if row.moved_to:
                range_.remote.go_live(row.moved_to)
        return session.run()
    finally:
        range_.remote.clear_all()
        if any(row.moved_to for row in rows):
            range_.remote.go_live("candidate")


def judge(rows: Sequence[Row], broken: Finished, healthy: Collection[str], *, rehearsal: bool = True) -> None:
    """Hold what the session said against what these rows turn."""
    outcomes = broken.outcomes_by_case()

    def of(kind: str) -> set[str]:
        return set().union(*(cases_of(getattr(row, kind), healthy) for row in rows))

    unknown = _with(outcomes, "could not measure")
    word = max((row.word for row in rows), key=["GO", "INCONCLUSIVE", "NO-GO", "ACTION FAILED"].index)
    assert set(outcomes) == set(healthy), broken.out
    red = of("red") | of("red_anyway")
    assert _with(outcomes, "broken criterion") == red, broken.out
    assert of("unknown") <= unknown <= of("unknown") | of("uncertain"), broken.out
    assert _with(outcomes, "action failed") == of("undone"), broken.out
    assert _with(outcomes, "known before") == of("known"), broken.out
    assert _with(outcomes, "passed") == set(healthy) - red - of("undone") - of("known") - unknown, broken.out
    assert broken.rc == CODES[word], broken.out
    said = " ".join(broken.out.split())
    assert [row.words for row in rows if row.words not in said] == [], broken.out
    assert broken.last_line.startswith(f"{'REHEARSAL ' * rehearsal}{word} for"), broken.last_line


def test_an_expected_release_is_held_against_every_part(running_sandbox: RunningSandbox, project: Project) -> None:
    """All healthy, and all of the wrong release: the rollback did not happen."""
    found = project.run("-m", "health", f"--env={running_sandbox.file}", "--to", "1.41.3")

    assert found.rc == 10
    parts = (FRONTEND, BACKEND, DATABASE, PAM, EVERYTHING)
    assert {found.outcomes()[name] for name in parts} == {"passed"}
    assert found.outcomes()[SAME_RELEASE] == "broken criterion"
    assert "the parts name releases 1.42.0: the front end," in " ".join(found.out.split())


def test_every_check_has_a_row() -> None:
    """A check that was never seen red is decoration."""
    seen_red = {name.partition("[")[0] for row in ROWS for name in row.red}
    seen_unknown = {name.partition("[")[0] for row in ROWS for name in row.unknown}

    assert checks_on_disk() - seen_red == NEVER_RED
    assert NEVER_RED - seen_unknown == set()
    assert seen_red - checks_on_disk() - stories_on_disk() == set(), "a row names a check that does not exist"


def test_rows_are_told_apart() -> None:
    """Two rows of one name would hide one of them in the report."""
    names = [row.id for row in ROWS]

    assert sorted(set(names)) == sorted(names)


def selection_of(row: Row) -> list[str]:
    """What the row's session is about, as options of pytest."""
    # A file is whole in itself; a marker beside it would ask for the other files, too.
    selected = [f"checks/{row.file}"] if row.file else ["-m", row.select]
    return [*selected, *(["--situation", row.situation] if row.situation else [])]


def test_the_matrix_has_each_check() -> None:
    """By its name, and each row by its own."""
    anchors = set(re.findall(r'<a id="(\w+)"></a>', page()))

    assert checks_on_disk() - anchors == set()
    assert {row.id for row in ROWS} - set(re.findall(r"^\| `([^`]+)` \|", page(), re.MULTILINE)) == set()


def _with_settings(file: Path, copy: Path, settings: str = "", *, dialect: str = "product") -> Path:
    if not settings and dialect == "product":
        return file
    text = file.read_text(encoding="utf-8")
    if dialect == "plan":
        dsn = tomllib.loads(text)["sandbox"]["variables"]["PAM_DATABASE_DSN"]
        text = text.replace(dsn, in_plan_dialect(dsn)).replace('dialect = "product"', 'dialect = "plan"')
    # What stands in no table has to come before the first one.
    parts = (text, settings) if settings.startswith("[") else (settings, text)
    copy.write_text("\n".join((*parts, "")), encoding="utf-8")
    copy.chmod(0o600)
    return copy


def _set_objectives(plan: Path, objective_s: Mapping[str, int]) -> None:
    text = plan.read_text(encoding="utf-8")
    for name, seconds in objective_s.items():
        before, head, rest = text.partition(f"[recovery_times.{name}]\n")
        figures = re.compile(r"^min_s = \d+\nmax_s = \d+$", re.MULTILINE)
        assert figures.search(rest), f"{name}: no figures in {plan}"
        text = before + head + figures.sub(f"min_s = 0\nmax_s = {seconds}", rest, count=1)
    plan.write_text(text, encoding="utf-8")


def _with(outcomes: dict[str, str], outcome: str) -> set[str]:
    return {case for case, found in outcomes.items() if found == outcome}
