"""Whole sessions of the decision: what nobody knows is asked for, people are heard, and a selection that is not whole never says no."""

import json
from pathlib import Path

import pytest

from tests.fault_rows.decision import ONLY_ANSWERS
from tests.plugin.beginning import Begin, begin
from tests.sessions import ROOT, Finished, Project, RunningSandbox

__all__ = ["begin"]
PACE = "--pace=100"
"""For sessions that are about answers: three seconds of good ones instead of five."""
CRITERIA = ("IR-1", "IR-2", "IR-3", "IR-4", "IR-5", "IR-6", "CR-1", "CR-2", "CR-3", "CR-4", "CR-5")
MEASURED = ("IR-2", "IR-5")


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """No browser, no detectors: what is about answers, and how the session ends."""
    return ("test_decision.py",)


@pytest.fixture
def file(running_sandbox: RunningSandbox, tmp_path: Path) -> Path:
    """The sandbox, declaring a test account and nothing else."""
    less = tmp_path / "less.toml"
    less.write_text(f"{ONLY_ANSWERS}\n{running_sandbox.file.read_text(encoding='utf-8')}", encoding="utf-8")
    less.chmod(0o600)
    return less


def acks(*criteria: str) -> list[str]:
    """A person vouches for all of these."""
    return [f"--ack={criterion}=Ben: looked at it" for criterion in criteria]


def words_of(session: Finished) -> str:
    """What the terminal shows, however it was wrapped."""
    return " ".join(session.out.split())


@pytest.mark.long_matrix
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_what_nobody_knows_is_asked_for(project: Project, file: Path, workers: tuple[str, ...]) -> None:
    """Nothing is wrong, and that is no all-clear: each open criterion is named with what to type, and the command to add it to.

    On two workers, at night: every worker knows all tests; the one that watches starts the prober, and no other does.
    """
    session = project.run("-m", "decision", *workers, PACE, f"--env={file}")
    decision = session.record["decision"]
    said = words_of(session)

    assert (session.rc, decision["recommendation"]) == (11, "NOT KNOWN"), session.out
    for name in ("test_the_service_is_not_down", "test_few_requests_fail"):
        assert session.outcomes()[name] == "passed", session.out
    assert decision["unknown"] == [criterion for criterion in CRITERIA if criterion not in MEASURED]
    assert decision["strategy"] is None
    for criterion in decision["unknown"]:
        assert f'--observed {criterion}="who: what" if it is so; --ack {criterion}="who: evidence" if it is not' in said
    assert "sandbox declares no database" in said
    assert f"pytest -m baseline --env {file}" in said
    assert f"add the answers to: pytest -m decision --env {file}" in said
    assert session.last_line.startswith("REHEARSAL NOT KNOWN sandbox 127.0.0.1:"), session.last_line


def test_answers_make_it_whole(project: Project, file: Path) -> None:
    """Every unknown is vouched for: no rollback, 0, and the report says whose word that is."""
    others = [criterion for criterion in CRITERIA if criterion not in MEASURED]
    session = project.run("-m", "decision", PACE, f"--env={file}", *acks(*others))

    assert (session.rc, session.record["decision"]["recommendation"]) == (0, "NO ROLLBACK"), session.out
    assert "IR-1 (roll back now) is not met, vouched for by a person" in words_of(session)
    assert {ack["item"] for ack in session.record["acknowledgements"]} == set(others)


def test_what_a_person_saw_decides(project: Project, file: Path) -> None:
    """The probes see nothing wrong with IR-5, and Ann does: now. Ben's word against her is not heard. All of it is in the report."""
    seen = "--observed=IR-5=Ann: checkout fails for everybody"
    session = project.run("-m", "decision", PACE, f"--env={file}", seen, *acks("IR-5"))
    decision = session.record["decision"]
    said = words_of(session)

    assert (session.rc, decision["recommendation"], decision["why"]) == (10, "ROLL BACK NOW", ["IR-5"]), session.out
    assert (decision["strategy"]["id"], decision["strategy"]["readiness"]) == (
        "ST-1",
        f"not checked: pytest -m preflight --env {file}",
    )
    assert (
        "IR-5 (roll back now) is met, seen by a person: Many requests fail: Ann: checkout fails for everybody" in said
    )
    assert "begin with ST-1 feature-flag" in said
    assert "recovery: within 30 s by the plan (RTO-1); no drill of it has been measured here" in said
    results = session.folder / "allure-results"
    in_report = [
        result
        for path in results.glob("*-result.json")
        if (result := json.loads(path.read_text(encoding="utf-8")))["fullName"] == "recommendation"
    ]
    assert [result["status"] for result in in_report] == ["failed"]
    text = (results / in_report[0]["attachments"][0]["source"]).read_text(encoding="utf-8")
    assert "begin with ST-1 feature-flag" in text


def test_a_selection_that_is_not_whole_never_says_no(project: Project, file: Path) -> None:
    """Even with everything answered for: a test was taken out by hand."""
    session = project.run("-m", "decision", PACE, f"--env={file}", "-k", "fail or down", *acks(*CRITERIA))

    assert (session.rc, session.record["decision"]["recommendation"]) == (11, "NOT KNOWN"), session.out
    assert "PARTIAL: -k fail or down" in words_of(session)


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("--observed=IR-9=Ann: x", "no plan item 'IR-9', did you mean"),
        ("--ack=IR-9=Ann: x", "no plan item 'IR-9', did you mean"),
        ("--observed=SC-1=Ann: x", "expected a decision criterion (IR-1 to CR-5), found another item of the plan"),
        ("--observed=IR-5=", "expected CRITERION="),
    ],
)
def test_a_word_about_something_else_is_refused(begin: Begin, option: str, problem: str) -> None:
    """Before anything is sent: a misspelt id would be an answer to nothing."""
    begun = begin(ROOT, "-m", "decision", "--env=sandbox", option)

    assert begun.rc == 4, begun.said
    assert problem in begun.said


def test_a_decision_is_a_session_of_its_own(project: Project, file: Path) -> None:
    """Mixed with other tests, the end of the session would speak of half of them."""
    project.write("checks/test_other.py", "import pytest\n\n@pytest.mark.communication\ndef test_other(): ...\n")
    session = project.run("-m", "decision or communication", f"--env={file}")

    assert session.rc == 4, session.out
    assert "a decision is a session of its own" in words_of(session)
