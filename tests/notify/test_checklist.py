"""The checklists: nobody has said anything, a person vouches for all of it, and what is red stays red."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.notify.communication import MessageDelivery
from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin.topics import checklist
from pam_rollback.plugin.topics.checklist import MEASURES, _Session
from pam_rollback.probe.measure import WindowState
from pam_rollback.report import run_record
from pam_rollback.report.record_parts import DecisionRecord, StrategyAdvised
from pam_rollback.report.redaction import Redactor
from tests.fault_rows.matrix import ROOT
from tests.sessions import Finished, Project, RunningSandbox
from tests.virtual_clock import VirtualClock

PLAN = load_plan(ROOT / "plan.toml")
ITEMS = {
    *(f"PRE-{number}" for number in range(1, 6)),
    *(f"DUR-{number}" for number in range(1, 6)),
    *(f"POST-{number}" for number in range(1, 7)),
    *("MT-4", "CH-2", "CH-5", "TF-4", "TF-5", "TF-6"),
}
ACKS = [f"--ack={item}=kim: seen" for item in sorted(ITEMS)]


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """No browser: what is told of journeys is told as of the health checks."""
    return ("test_checklist.py", "test_health.py", "test_communication.py", "test_success_criteria.py")


def items(ended: Finished) -> dict[str, str]:
    """What became of each item, by its id."""
    return {
        result["criteria"][0]: result["outcome"]
        for result in ended.record["results"]
        if result["kind"].split()[0] == "checklist"
    }


def store_decision(project: Project, of: Finished, *, strategy: str) -> None:
    """A decision of this environment that was made just now, as a run leaves it."""
    advised = StrategyAdvised(
        id="ST-4", name=strategy, title="", when_to_use=(), objective="", past="", readiness="", command="", runbook=""
    )
    decision = DecisionRecord(
        recommendation="ROLL BACK NOW", criteria=(), why=("IR-5",), unknown=(), answer_with="", strategy=advised
    )
    record = run_record.read(of.folder / "run.json")
    begun = replace(record.started, iso=datetime.now(UTC).isoformat(timespec="seconds"))
    folder = project.folder / "reports" / "out" / "20261125T120000Z-sandbox-1a2b"
    run_record.write(replace(record, started=begun, decision=decision), folder / "run.json", Redactor([]))


def test_without_a_word_nothing_is_confirmed(running_sandbox: RunningSandbox, project: Project) -> None:
    """Checklist items alone verify nothing: 11, each is told as not confirmed with the option, and none is called a problem."""
    ended = project.run("-m", "checklist", f"--env={running_sandbox.file}")

    words = " ".join(ended.out.split())
    assert ended.rc == 11, ended.out
    assert items(ended).keys() == ITEMS
    named = {result["criteria"][0]: result["title"] for result in ended.record["results"]}
    assert named == {item: PLAN.item(item).title for item in ITEMS}
    measured = {"POST-3", "POST-4"}  # asked of the database and the status page, whatever else this session does
    assert {item for item, outcome in items(ended).items() if outcome == "passed"} == measured, ended.out
    assert {items(ended)[item] for item in items(ended) if item not in measured} == {"could not measure"}
    assert "only advisory tests were selected: they are listed, and nothing was verified" in words
    assert '--ack ITEM="who: evidence"' in words
    assert "NOT CONFIRMED: no rollback was done in this session" in words
    assert "Problems" not in ended.out

    # A decision that was made since recommends another strategy than the one that is carried out.
    asked: Any = SimpleNamespace(config=SimpleNamespace(rootpath=project.folder))
    session = after_rollback(request=asked)
    with pytest.raises(MeasurementFailed, match="no decision was made here in the last 2 h"):
        MEASURES["PRE-2"](session)
    store_decision(project, ended, strategy="backend")
    found = MEASURES["PRE-2"](session)
    assert (found.done, "with backend, and not with feature-flag" in found.words) == (False, True), found


def test_a_persons_word_counts_where_nothing_was_measured_and_nowhere_else(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """All items are vouched for: green, but for two that were measured and are red; the verdict is the health checks' own."""
    running_sandbox.remote.plant("data", what="tickets-flood")
    running_sandbox.remote.plant("answers-unhealthy", server="api", path="/health/pam")

    ended = project.run("-m", "checklist or health", *ACKS, f"--env={running_sandbox.file}")

    words = " ".join(ended.out.split())
    assert ended.rc == 10, ended.out
    # An honest status page would admit the trouble.
    red = {"DUR-3", "POST-3", "POST-4"}
    assert {item for item, outcome in items(ended).items() if outcome == "broken criterion"} == red, ended.out
    assert {items(ended)[item] for item in items(ended) if item not in red} == {"passed"}
    assert "[x] PRE-4 The incident is on record in the tracker: by a person: kim: seen" in words
    assert "a person says otherwise (kim: seen), and what was measured counts" in words


def after_rollback(**known: Any) -> Any:
    """A session of the sandbox in the situation after a rollback, as far as the items look at it."""
    runbook = SimpleNamespace(pace=60, options=SimpleNamespace(real=False))
    others = {"environment": SimpleNamespace(name="sandbox", abilities={"slack"}), "clock": VirtualClock(), **known}
    return _Session(**{"request": None, "situation": "after-feature-flag", "runbook": runbook, "plan": PLAN, **others})


@dataclass(frozen=True)
class JudgedWindow:
    """A window that was judged."""

    state: WindowState
    duration_s: float

    @property
    def met(self) -> bool:
        """For all of its time."""
        return self.state is WindowState.MET

    @property
    def spec(self) -> "JudgedWindow":
        """What was asked."""
        return self

    def __str__(self) -> str:
        return f"it was {self.state}"


@pytest.mark.parametrize(
    ("state", "duration_s", "done", "words"),
    [
        (WindowState.MET, 15, True, "were held for 15 s, 900 s divided by the pace 60"),
        (WindowState.MET, 10, False, "were held for 10 s, 900 s divided by the pace 60: the plan asks for 900 s"),
        (WindowState.BROKEN, 15, False, "it was broken"),
        (WindowState.UNKNOWN, 15, None, "it was unknown"),
    ],
)
def test_windows_that_were_short_are_no_stable_service(
    state: WindowState,
    duration_s: float,
    done: bool | None,  # noqa: FBT001 - a table
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """POST-1 asks for the plan's time, at the session's pace."""
    monkeypatch.setattr(checklist, "said", lambda *_: None)
    window = JudgedWindow(state, duration_s)
    windows = SimpleNamespace(error_rate=lambda: window, latency_p95=lambda: window, memory=lambda: window)
    asked: Any = SimpleNamespace(session=None, getfixturevalue=lambda _: windows)

    if done is None:
        with pytest.raises(MeasurementFailed, match=words):
            MEASURES["POST-1"](after_rollback(request=asked))
    else:
        found = MEASURES["POST-1"](after_rollback(request=asked))
        assert found.done is done
        assert words in found.words


@pytest.mark.parametrize("item", ["PRE-3", "DUR-5"])
def test_a_channel_that_refused_was_not_told(item: str) -> None:
    """By what the check of the channel says."""
    refused: Any = SimpleNamespace(
        getfixturevalue=lambda _: MessageDelivery("Slack", "run-1", drill=True, problem="HTTP 503")
    )

    assert MEASURES[item](after_rollback(request=refused)).done is False


def test_every_measured_item_has_a_test() -> None:
    """A measurement that no test asks for would never be told."""
    assert set(MEASURES) <= ITEMS
