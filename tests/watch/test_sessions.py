"""Two turns on a running sandbox: an outage is found and told with its command, and the next turn closes what the first one opened."""

import json
from pathlib import Path

from tests.plugin.drilling import runbook_with
from tests.sessions import Range

LISTENER = """

import json


def _heard(hook, incident):
    with open("heard.jsonl", "a", encoding="utf-8") as file:
        said = {"hook": hook, "key": incident.key, "command": incident.command, "reference": incident.reference}
        file.write(json.dumps({**said, "found": [seen.criterion for seen in incident.found]}) + "\\n")
    return "https://tracker.example/7"


def pytest_pam_incident_opened(config, incident):
    return _heard("opened", incident)


def pytest_pam_incident_closed(config, incident):
    return _heard("closed", incident)
"""


def test_an_outage_is_found_told_and_closed_by_the_next_turn(tmp_path: Path, practice_range: Range) -> None:
    """Red while it lasts, with the command; green afterwards; each told once."""
    project = runbook_with(tmp_path, "test_watch.py")
    with (tmp_path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(LISTENER)
    watch = ("-m", "watch", f"--env={practice_range.file}", "--look-every=2s")

    practice_range.remote.plant("errors", share=1.0)
    red = project.run(*watch, "--turn=18s")
    practice_range.as_it_was()
    green = project.run(*watch, "--turn=24s")

    heard = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (red.rc, green.rc) == (10, 0), red.out + green.out
    assert "pytest drills/test_" in red.out
    assert [one["hook"] for one in heard] == ["opened", "closed"]
    assert heard[0]["command"].startswith("pytest drills/test_")
    assert "IR-5" in heard[0]["found"]
    assert heard[1]["reference"] == "https://tracker.example/7"
    assert heard[0]["key"] == heard[1]["key"]
    assert any("is over" in line for line in green.record["notes"]), green.record["notes"]
