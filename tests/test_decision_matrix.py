"""Each criterion for a rollback is seen met: a fault turns its own criterion, and no other, and the session recommends what it should."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fault_rows.decision_row import CLEAR, DECISION, JUDGED_BY, DecisionRow
from tests.fault_rows.matrix import rows
from tests.fault_rows.row import cases_of
from tests.sessions import Finished, Project, Range
from tests.summary import ROW

ROWS = [row for row in rows() if isinstance(row, DecisionRow)]
CODES = {"NO ROLLBACK": 0, "ROLL BACK NOW": 10, "CONSIDER A ROLLBACK": 11, "WATCH": 11, "NOT KNOWN": 11}
USUAL_MS = 800
"""On the range answers take so long as a rule: what a busy machine adds to a few milliseconds is more than what is to be told apart."""
_WATCH_BEGINS_WITHIN_S = 60


@pytest.fixture(scope="session")
def usual(shared_range: Range, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The baseline of the healthy range, once it was taken."""
    return {}


@pytest.fixture(scope="session")
def seen_clear() -> dict[str, set[str]]:
    """The selections that were NO ROLLBACK on the healthy range, each with its cases."""
    return {}


@pytest.fixture
def baseline(practice_range: Range, project: Project, usual: dict[str, Path], tmp_path: Path) -> Path:
    """Answers, rows and release of the healthy range, as a session writes them down."""
    if "file" not in usual:
        slow_as_usual(practice_range)
        taken = project.run("-m", "baseline", f"--env={as_slow_as_usual(practice_range, tmp_path)}")
        usual["file"] = taken.folder / "baseline" / "baseline.json"
        assert usual["file"].is_file(), taken.out
        practice_range.remote.clear_all()
    return usual["file"]


def as_slow_as_usual(range_: Range, folder: Path) -> Path:
    """The range's file, where such answers may be usual, and without its pages, which the decision compares with nothing."""
    file = folder / "slow.toml"
    text = range_.file.read_text(encoding="utf-8")
    declared = 'kind = "sandbox"\nabilities = ["test_account", "flag_admin", "database", "metrics"]\n'
    text = text.replace('kind = "sandbox"\n', declared, 1)
    file.write_text(f"{text}\n[thresholds.MT-1]\nresponse_time_ms_max = {2 * USUAL_MS}\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def slow_as_usual(range_: Range) -> None:
    """How the range answers when nothing is wrong."""
    range_.remote.plant("delay-all", ms=USUAL_MS)


def decide(row: DecisionRow, range_: Range, project: Project, baseline: Path, folder: Path) -> Finished:
    """The row's session; what its files do not judge is answered for."""
    return project.run(*arguments(row, range_, baseline, folder))


def arguments(row: DecisionRow, range_: Range, baseline: Path, folder: Path) -> list[str]:
    """Its command line."""
    file = range_.file
    if row.setting:
        file = folder / "sandbox.toml"
        text = range_.file.read_text(encoding="utf-8")
        file.write_text(f"{row.setting}\n{text}", encoding="utf-8")
        file.chmod(0o600)
    acks = [f"--ack={criterion}=the matrix: not part of this row" for criterion in sorted(row.answered)]
    before = [f"--baseline={baseline}"] if row.files == DECISION else []
    return ["-m", "decision", *row.files, f"--env={file}", f"--pace={row.pace:g}", *before, *acks]


@contextmanager
def planted(row: DecisionRow, range_: Range, project: Project) -> Iterator[None]:
    """The fault, from its onset to its end; all is healthy again afterwards."""

    def plant() -> None:
        range_.remote.plant(row.fault, **row.parameters)

    def later() -> None:
        begin_s = time.monotonic()
        watched = project.folder / f"run-{project.runs + 1}" / "as-is" / "timeline.jsonl"
        while not watched.exists() and time.monotonic() - begin_s < _WATCH_BEGINS_WITHIN_S:
            time.sleep(0.05)
        time.sleep(row.onset_s)
        plant()
        if row.lasts_s:
            time.sleep(row.lasts_s)
            range_.remote.clear(row.fault)

    thread = threading.Thread(target=later if row.onset_s else plant)
    thread.start()
    if not row.onset_s:
        thread.join()
    try:
        yield
    finally:
        thread.join()
        range_.remote.clear_all()


@pytest.mark.long_matrix
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_fault_turns_its_criterion_and_no_other(
    row: DecisionRow,
    practice_range: Range,
    project: Project,
    baseline: Path,
    seen_clear: dict[str, set[str]],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """From NO ROLLBACK to what the plan asks for, with the strategy to begin with."""
    record_property(ROW, row.id)
    if row.speed:
        slow_as_usual(practice_range)
    healthy = clear_before(row, practice_range, project, baseline, seen_clear, tmp_path)
    with planted(row, practice_range, project):
        found = decide(row, practice_range, project, baseline, tmp_path)
    outcomes = found.outcomes_by_case()
    decision = found.record["decision"]
    states = {criterion["id"]: criterion["state"] for criterion in decision["criteria"]}

    assert {name for name, outcome in outcomes.items() if outcome == "broken criterion"} == cases_of(
        row.red, healthy
    ), found.out
    assert {name for name, outcome in outcomes.items() if outcome == "could not measure"} == cases_of(
        row.unknown, healthy
    ), found.out
    assert states == {**dict.fromkeys(states, CLEAR), **row.states}, found.out
    assert (decision["recommendation"], found.rc) == (row.word, CODES[row.word]), found.out
    assert (decision["strategy"] or {"id": ""})["id"] == row.strategy, found.out
    assert row.words in " ".join(found.out.split()), found.out
    assert found.last_line.startswith(f"REHEARSAL {row.word}  ".rstrip()), found.last_line


def clear_before(
    row: DecisionRow, range_: Range, project: Project, baseline: Path, seen_clear: dict[str, set[str]], folder: Path
) -> set[str]:
    """The cases of the row's session, none of which asks for a rollback before anything is planted; once for each selection."""
    select = f"{row.files} {row.setting} {row.pace} {row.speed}"
    if select not in seen_clear:
        before = decide(row, range_, project, baseline, folder)
        outcomes = before.outcomes_by_case()
        assert (before.rc, set(outcomes.values())) == (0, {"passed"}), before.out
        assert before.record["decision"]["recommendation"] == "NO ROLLBACK", before.out
        seen_clear[select] = set(outcomes)
    return seen_clear[select]


def test_every_criterion_is_seen_met() -> None:
    """A criterion that no fault ever turned is decoration."""
    met = {criterion for row in ROWS for criterion, state in row.states.items() if state == "holds"}

    assert met == {*frozenset().union(*JUDGED_BY.values())}
