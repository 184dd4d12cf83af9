"""A drill on staging: nothing is planted, the rollback and its undo are real, and the verdict says what it does not say."""

import pytest

from tests.plugin.drilling import as_staging, calm, journal, switched_on
from tests.sessions import ONLY_HEALTH, Project, RunningSandbox

STORY = "drills/test_feature_flag.py"
CONSENT = ("--execute", "--confirm=staging", "--reason=quarterly practice", "--initiated-by=kim")
LEFT_OUT = {"test_incident_is_seen", "test_recovery_is_complete_in_time"}


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """What is checked after it is checked after every rollback."""
    return ONLY_HEALTH


def test_it_rolls_back_what_works_and_puts_it_back(running_sandbox: RunningSandbox, project: Project) -> None:
    """The time that the rollback took is measured, recovery from damage is not judged, and the features are on again in the end."""
    calm(project)
    as_staging(running_sandbox, project)
    file = project.folder / "staging.toml"
    file.write_text("drills = true\n" + file.read_text(encoding="utf-8"), encoding="utf-8")

    ended = project.run(STORY, "--env=staging.toml", *CONSENT, "-k", "test_users_recover or test_flags_are or incident")

    assert switched_on(running_sandbox), ended.out
    assert running_sandbox.remote.faults() == []
    assert ended.last_line.startswith("DRILL INCONCLUSIVE for feature-flag staging"), ended.out  # -k is PARTIAL
    assert ended.outcomes() == {"test_users_recover_in_time": "passed", "test_flags_are_off": "passed"}, ended.out
    [took] = [result for result in ended.record["results"] if "test_users_recover_in_time" in result["nodeid"]]
    [figures] = took["measured"]
    assert took["criteria"] == ["RTO-1"]
    assert figures["what"] == "the rollback, with nothing to recover from"
    assert figures["measured"] > 0
    assert "recovery from damage not judged: nothing was planted here" in ended.record["notes"]
    left = {one["nodeid"].rpartition("::")[2].partition("[")[0]: one["reason"] for one in ended.record["deselected"]}
    assert {left[name] for name in LEFT_OUT} == {"nothing is planted on staging: recovery from damage not judged"}
    events = [entry["event"] for entry in journal(ended.folder)]
    assert "planting" not in events
    assert events.count("undo-owed") == events.count("undo-done") > 0
    told = [one for one in journal(ended.folder) if one["event"] == "notice" and one["occasion"] == "not-verified"]
    assert {one["means"] for one in told} >= {"slack"}, "who read that it is not verified yet reads how it ended"
    assert all(one["text"].startswith("DRILL") and "DRILL INCONCLUSIVE" in one["text"] for one in told)
    begun = [
        one for one in journal(ended.folder) if one["event"] == "notice-begun" and one["occasion"] in {"EM-3", "EM-4"}
    ]
    assert all(one["after_s"] >= one["due_s"] for one in begun), "nobody is woken before the time"
