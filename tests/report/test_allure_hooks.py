"""Does what Allure writes keep secrets, and does it say what happened?  Real files of a real session."""

import json
from pathlib import Path
from typing import Any, Protocol

from pam_rollback.report.redaction import scan


class Sample(Protocol):
    """A finished session with planted secrets, as ``conftest.py`` gives it."""

    results: Path
    secret: str
    terminal: str


def load(folder: Path, kind: str) -> list[dict[str, Any]]:
    """All Allure files of one kind."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"*-{kind}.json"))]


def test_no_file_of_the_session_holds_the_secret(sample: Sample) -> None:
    """Messages, tracebacks, locals, captured output, attachments, a trace, base64: the planted secret is in none of them."""
    assert len(list(sample.results.iterdir())) > 12
    assert scan(sample.results, [sample.secret]) == []
    assert sample.secret not in sample.terminal
    assert "[redacted:TEST_PASSWORD]" in sample.terminal


def test_only_our_fixtures_are_in_the_report(sample: Sample) -> None:
    """Set-ups and tear-downs of pytest and its plugins are noise; ours stay, with their steps and attachments."""
    containers = load(sample.results, "container")
    befores = [entry for container in containers for entry in container.get("befores", [])]
    afters = [entry for container in containers for entry in container.get("afters", [])]

    assert [entry["name"] for entry in befores] == ["Roll back the feature flags"]
    assert [step["name"] for step in befores[0]["steps"]] == ["switch every PAM flag off", "read back"]
    assert {entry["name"] for entry in afters} <= {"Roll back the feature flags"}


def test_statuses_say_what_we_know(sample: Sample) -> None:
    """Failed means broken criterion, and nothing else does: neither an assertion in a fixture nor an interruption."""
    statuses = {result["fullName"].rpartition("#")[2]: result["status"] for result in load(sample.results, "result")}

    assert statuses == {
        "test_passes": "passed",
        "test_criterion": "failed",
        "test_action": "broken",
        "test_unknown": "broken",
        "test_fixture_asserts": "broken",
        "test_defect": "broken",
        "test_interrupted": "broken",
    }


def test_an_interrupted_test_says_so(sample: Sample) -> None:
    """Without the hook Allure would call it passed, as its set-up was."""
    result = next(result for result in load(sample.results, "result") if "test_interrupted" in result["fullName"])

    assert result["statusDetails"]["message"] == "not finished: KeyboardInterrupt()"
