"""Each criterion for a rollback is seen met: a fault turns its own criterion, and no other, and the session recommends what it should."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.access.access import routes_in
from pam_rollback.http.client import fetch
from pam_rollback.report.baseline_record import load_baseline
from tests.fault_rows.decision_row import (
    CLEAR,
    DECISION,
    EXPOSURE,
    JUDGED_BY,
    LOOK_AGAIN,
    NOT_KNOWN,
    NOW,
    THINK,
    DecisionRow,
)
from tests.fault_rows.matrix import rows
from tests.fault_rows.row import cases_of
from tests.sessions import Collected, RunningSandbox, runbook_in, store_baseline
from tests.summary import ROW

ROWS = [row for row in rows() if isinstance(row, DecisionRow)]
CODES = {"NO ROLLBACK": 0, "ROLL BACK NOW": 10, "CONSIDER A ROLLBACK": 11, "WATCH": 11, "NOT KNOWN": 11}
USUAL_MS = 800
"""On the sandbox answers take so long as a rule: what a busy machine adds to a few milliseconds is more than what is to be told apart."""
SAMPLES = {"errors-25-percent"}
"""Of the rows that watch users' answers, one on every commit; the others, and those with a browser: `make test-all`."""
TOGETHER = (
    ("sign-in-bypassed-missing", "others-expenses-shown", "chat-fails-for-30-percent"),
    ("sign-in-bypassed-wrong", "others-messages-shown", "expenses-fails-for-30-percent"),
    ("sign-in-bypassed-unverified", "others-settings-shown", "chat-fails-near-the-limit"),
    ("sign-in-bypassed-expired", "others-user-id-shown", "feature-check-is-a-page"),
)
"""Rows whose faults do not meet: on every commit they are planted at once, at night each of them alone as well."""
_WATCH_BEGINS_WITHIN_S = 60


class Decisions:
    """The sessions of one worker's rows: one for each command line, collected once."""

    def __init__(self, range_: RunningSandbox, new_folder: Callable[[], Path]) -> None:
        range_.as_it_was()
        self.range = range_
        self._new_folder = new_folder
        self._baseline = store_baseline(range_, new_folder(), latency_ms=USUAL_MS, scatter=0.01)
        load_baseline(self._baseline).model_copy(update={"routes": routes_of(range_)}).save(self._baseline)
        self._sessions: dict[tuple[object, ...], tuple[Collected, set[str]]] = {}

    def healthy(self, row: DecisionRow) -> tuple[Collected, set[str]]:
        """The row's session and its cases, none of which asks for a rollback before anything is planted."""
        key = (row.files, row.setting, row.pace, row.speed)
        if key not in self._sessions:
            session = runbook_in(folder := self._new_folder()).collected(*self._arguments(row, folder))
            before = session.run()
            outcomes = before.outcomes_by_case()
            assert (before.rc, set(outcomes.values())) == (0, {"passed"}), before.out
            assert before.record["decision"]["recommendation"] == "NO ROLLBACK", before.out
            self._sessions[key] = session, set(outcomes)
        return self._sessions[key]

    def _arguments(self, row: DecisionRow, folder: Path) -> list[str]:
        """What its files do not judge is answered for."""
        file = folder / "sandbox.toml"
        file.touch(mode=0o600)
        file.write_text(f"{row.setting}\n{self.range.file.read_text(encoding='utf-8')}", encoding="utf-8")
        acks = [f"--ack={criterion}=the matrix: not part of this row" for criterion in sorted(row.answered)]
        before = [f"--baseline={self._baseline}"] if row.files in {DECISION, EXPOSURE} else []
        return ["-m", "decision", *row.files, f"--env={file}", f"--pace={row.pace:g}", *before, *acks]

    def close(self) -> None:
        """End every session."""
        for session, _ in self._sessions.values():
            session.close()


def routes_of(range_: RunningSandbox) -> dict[str, bool | None]:
    """How each route that the sandbox describes answers somebody without a token."""
    api = range_.state["urls"]["api"]
    answers = {route: fetch(api + route).http_status for route in routes_in(fetch(f"{api}/openapi.json").json) or ()}
    return {route: {200: True, 401: False, 403: False}.get(status or 0) for route, status in answers.items()}


@pytest.fixture(scope="session")
def decisions(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decisions]:
    """One sandbox for all rows of a worker."""
    made = Decisions(shared_range, lambda: tmp_path_factory.mktemp("decision"))
    yield made
    made.close()


@contextmanager
def planted(row: DecisionRow, range_: RunningSandbox, run_folder: Path) -> Iterator[None]:
    """The fault, from its onset to its end; all is healthy again afterwards."""
    watched = run_folder / "as-is" / "timeline.jsonl"

    def plant() -> None:
        range_.remote.plant(row.fault, **row.parameters)

    def later() -> None:
        begin_s = time.monotonic()
        while not watched.exists() and time.monotonic() - begin_s < _WATCH_BEGINS_WITHIN_S:
            time.sleep(0.05)
        time.sleep(row.onset_s)
        plant()
        if row.lasts_s:
            time.sleep(row.lasts_s)
            range_.remote.clear(row.fault)

    shutil.rmtree(watched.parent, ignore_errors=True)  # the healthy session's
    thread = threading.Thread(target=later if row.onset_s else plant)
    thread.start()
    if not row.onset_s:
        thread.join()
    try:
        yield
    finally:
        thread.join()
        range_.remote.clear_all()


def _in_order(rows: Sequence[DecisionRow]) -> Iterator[Any]:
    """Those of one session together, and those of every commit first."""
    of_id = {row.id: row for row in rows}
    for company in TOGETHER:
        yield pytest.param([of_id[each] for each in company], id=" and ".join(company))
    for row in sorted(rows, key=lambda row: (row.waits_for, row.files, row.setting)):
        at_night = (row.waits_for and row.id not in SAMPLES) or any(row.id in company for company in TOGETHER)
        yield pytest.param([row], id=row.id, marks=[pytest.mark.nightly] if at_night else [])


def _as_one(rows: Sequence[DecisionRow]) -> DecisionRow:
    """What all of them turn at once; the gravest decides what is recommended, and with which strategy."""
    gravest = min(rows, key=lambda row: [NOW, THINK, LOOK_AGAIN, NOT_KNOWN].index(row.word))
    return replace(
        gravest,
        red=frozenset().union(*(row.red for row in rows)),
        unknown=frozenset().union(*(row.unknown for row in rows)),
        states={criterion: state for row in rows for criterion, state in row.states.items()},
    )


@pytest.mark.parametrize("rows", list(_in_order(ROWS)))
def test_a_fault_turns_its_criterion_and_no_other(
    rows: Sequence[DecisionRow],
    decisions: Decisions,
    running_sandbox: RunningSandbox,
    record_property: Callable[[str, object], None],
) -> None:
    """From NO ROLLBACK to what the plan asks for, with the strategy to begin with."""
    for each in rows:
        record_property(ROW, each.id)
    row = _as_one(rows)
    if row.speed:
        running_sandbox.remote.plant("delay-all", ms=USUAL_MS)
    session, healthy = decisions.healthy(row)
    with ExitStack() as faults:
        for each in rows:
            faults.enter_context(planted(each, running_sandbox, session.folder))
        found = session.run()
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
    assert [each.words for each in rows if each.words not in " ".join(found.out.split())] == [], found.out
    assert found.last_line.startswith(f"REHEARSAL {row.word}  ".rstrip()), found.last_line


def test_every_criterion_is_seen_met() -> None:
    """A criterion that no fault ever turned is decoration."""
    met = {criterion for row in ROWS for criterion, state in row.states.items() if state == "holds"}

    assert met == {*frozenset().union(*JUDGED_BY.values())}
