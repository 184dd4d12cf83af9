"""Two turns on a running sandbox: an outage is found and told with its command, and the next turn closes what the first one opened."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.fault_rows.watch import ASKS, OFFLINE, OUTAGE, SAW
from tests.session.drilling import runbook_with
from tests.sessions import Range
from tests.summary import ROW
from tests.test_checks_catch_faults import judge

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


def test_an_outage_is_found_told_and_closed_by_the_next_turn(
    tmp_path: Path, practice_range: Range, record_property: Callable[[str, object], None]
) -> None:
    """Red while it lasts, with the command; green afterwards; each told once."""
    record_property(ROW, OUTAGE.id)
    project = runbook_with(tmp_path, "test_watch.py")
    with (tmp_path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(LISTENER)
    watch = ("-m", "watch", f"--env={practice_range.file}", "--look-every=2s")

    practice_range.remote.plant(OUTAGE.fault, **OUTAGE.parameters)
    red = project.run(*watch, "--turn=18s")
    practice_range.as_it_was()
    green = project.run(*watch, "--turn=24s")

    heard = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (red.rc, green.rc) == (10, 0), red.out + green.out
    judge([OUTAGE], red, {ASKS, SAW})
    assert green.outcomes() == {ASKS: "passed", SAW: "passed"}
    assert "pytest drills/test_" in red.out
    assert [one["hook"] for one in heard] == ["opened", "closed"]
    assert heard[0]["command"].startswith("pytest drills/test_")
    assert "IR-5" in heard[0]["found"]
    assert heard[1]["reference"] == "https://tracker.example/7"
    assert heard[0]["key"] == heard[1]["key"]
    assert any("is over" in line for line in green.record["notes"]), green.record["notes"]


def test_a_watch_that_sees_nothing_proves_nothing(
    tmp_path: Path, practice_range: Range, record_property: Callable[[str, object], None]
) -> None:
    """Users are answered with errors, and this machine is offline: whose fault that is nobody can tell."""
    record_property(ROW, OFFLINE.id)
    project = runbook_with(tmp_path, "test_watch.py")
    practice_range.remote.plant(OFFLINE.fault, **OFFLINE.parameters)
    file = practice_range.described(tmp_path / "offline.toml", OFFLINE.environment)

    blind = project.run("-m", "watch", f"--env={file}", "--look-every=1s", "--turn=3s")

    judge([OFFLINE], blind, {ASKS, SAW})
