"""Whole sessions about the checklists: nobody has said anything, a person vouches for all of it, and what is red stays red."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pam_rollback.plugin.fixtures.checklist import MEASURES
from pam_rollback.reporting import run_record
from pam_rollback.reporting.decision_record import DecisionRecord, StrategyAdvised
from pam_rollback.reporting.redaction import Redactor
from tests.fault_rows.matrix import ROOT, names_in
from tests.sessions import Finished, Project, Range

ITEMS = names_in(ROOT / "checks" / "test_checklist.py")
ACKS = [
    f"--ack={item}=kim: seen"
    for item in (
        *(f"PRE-{number}" for number in range(1, 6)),
        *(f"DUR-{number}" for number in range(1, 6)),
        *(f"POST-{number}" for number in range(1, 7)),
        *("MT-4", "CH-2", "CH-5", "TF-4", "TF-5", "TF-6"),
    )
]


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


def with_settings(practice_range: Range, copy: Path, settings: str) -> Path:
    """The sandbox's environment with more in it."""
    copy.write_text(f"{practice_range.file.read_text(encoding='utf-8')}\n{settings}", encoding="utf-8")
    copy.chmod(0o600)
    return copy


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


def test_without_a_word_nothing_is_confirmed(practice_range: Range, project: Project) -> None:
    """Checklist items alone verify nothing: 11, each is told as not confirmed with the option, and none is called a problem."""
    ended = project.run("-m", "checklist", f"--env={practice_range.file}")

    words = " ".join(ended.out.split())
    assert ended.rc == 11, ended.out
    assert set(ended.outcomes()) == ITEMS
    measured = {"POST-3", "POST-4"}  # asked of the database and the status page, whatever else this session does
    assert {item for item, outcome in items(ended).items() if outcome == "passed"} == measured, ended.out
    assert {items(ended)[item] for item in items(ended) if item not in measured} == {"could not measure"}
    assert "only advisory tests were selected: they are listed, and nothing was verified" in words
    assert '--ack ITEM="who: evidence"' in words
    assert "NOT CONFIRMED: no rollback was done in this session" in words
    assert "Problems" not in ended.out


def test_a_persons_word_counts_where_nothing_was_measured_and_nowhere_else(
    practice_range: Range, project: Project
) -> None:
    """All items are vouched for: green, but for two that were measured and are red; the verdict is the health checks' own."""
    practice_range.remote.plant("data", what="tickets-flood")
    practice_range.remote.plant("answers-unhealthy", server="api", path="/health/pam")

    ended = project.run("-m", "checklist or health", *ACKS, f"--env={practice_range.file}")

    words = " ".join(ended.out.split())
    assert ended.rc == 10, ended.out
    # An honest status page would admit the trouble.
    red = {"DUR-3", "POST-3", "POST-4"}
    assert {item for item, outcome in items(ended).items() if outcome == "broken criterion"} == red, ended.out
    assert {items(ended)[item] for item in items(ended) if item not in red} == {"passed"}
    assert "[x] PRE-4 The incident is on record in the tracker: by a person: kim: seen" in words
    assert "a person says otherwise (kim: seen), and what was measured counts" in words


def test_after_a_rollback_what_went_wrong_is_on_the_lists(
    practice_range: Range, project: Project, tmp_path: Path
) -> None:
    """The channel refused, the windows were short, everything was late and another strategy was recommended: red, vouched for or not."""
    frames = "".join(f"[thresholds.TF-{number}]\nfrom_s = 0\nuntil_s = 0.0001\n" for number in (4, 5, 6))
    windows = "".join(f"[thresholds.SC-{number}]\nduration_s = 600\n" for number in (1, 2, 3))
    file = with_settings(practice_range, tmp_path / "hurried.toml", frames + windows)
    store_decision(project, project.run("-m", "checklist", f"--env={file}"), strategy="backend")
    practice_range.remote.plant("notifications-down")
    story = ("--situation", "after-feature-flag", "-m", "checklist or window")

    ended = project.run(*story, "--ack=DUR-1=kim: looked good to me", f"--env={file}")

    late = {"TF-4", "TF-5", "TF-6"}
    told = items(ended)
    assert ended.rc == 0, ended.out  # the windows decide, and the lists do not
    assert {item for item, outcome in told.items() if outcome == "broken criterion"} == {
        *late,
        *("PRE-2", "PRE-3", "DUR-1", "DUR-5", "POST-1"),
    }, ended.out
    assert {item for item, outcome in told.items() if outcome == "passed"} == {"PRE-1", "DUR-2", "POST-3", "POST-4"}
    words = " ".join(ended.out.split())
    assert "and not with feature-flag" in words
    assert "held for 10 s, 600 s" not in words
    assert json.dumps(ended.record["acknowledgements"]).count("DUR-1") == 1


def test_every_measured_item_has_a_test() -> None:
    """A measurement that no test asks for would never be told."""
    assert set(MEASURES) <= {ack.removeprefix("--ack=").partition("=")[0] for ack in ACKS}
    assert len(ITEMS) == len(ACKS)
