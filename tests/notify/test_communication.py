"""Whole sessions about what is told: in an honest incident, late, and where there is less to look at. After a drill: test_drill.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.http.client import fetch
from tests.sessions import Finished, Project, RunningSandbox

PAGE = "test_status_page_tells_the_truth"
NOTICE = "test_notice_in_the_app_is_there_or_gone"
CHANNEL = "test_incident_channel_was_told"
TICKETS = "test_support_gets_as_many_tickets_as_usual"


def measured(ended: Finished, criterion: str) -> dict[str, Any]:
    """What the only test that decides on a criterion entered into the table; else the only one that looks at it."""
    found = [result for result in ended.record["results"] if criterion in result["criteria"]]
    [result] = [result for result in found if not result["advisory"]] or found
    [figures] = result["measured"]
    return dict(figures)


def left_out(ended: Finished) -> dict[str, str]:
    """The tests that were not run, by name, each with the reason."""
    return {one["nodeid"].rpartition("::")[2].partition("[")[0]: one["reason"] for one in ended.record["deselected"]}


def with_abilities(running_sandbox: RunningSandbox, copy: Path, *without: str) -> Path:
    """The sandbox as an environment that declares less."""
    abilities = {"test_account", "slack", "database", "status_page", "in_app_notice"} - set(without)
    text = running_sandbox.file.read_text(encoding="utf-8")
    copy.write_text(f"abilities = {sorted(abilities)}\n{text}", encoding="utf-8")
    copy.chmod(0o600)
    return copy


@pytest.fixture
def notice_up(running_sandbox: RunningSandbox) -> Iterator[str]:
    """A notice in the app, taken away afterwards."""
    url = running_sandbox.state["urls"]["api"] + "/admin/notice"
    headers = {"Authorization": f"Bearer {running_sandbox.variables['PAM_ADMIN_TOKEN']}"}
    text = "PAM answers slowly. We are on it."
    put = fetch(url, method="PUT", headers=headers, json={"active": True, "text": text})
    assert put.http_status == 200, put
    yield text
    fetch(url, method="PUT", headers=headers, json={"active": False})


def test_an_honest_incident_is_no_lie(running_sandbox: RunningSandbox, project: Project, notice_up: str) -> None:
    """The service is ill, the page says so and the app says so: everybody is told the truth, and only the health is red.

    Without a rollback there is no message to look for in the channel: a person vouches for it, and the word is in the record.
    """
    incident = {"name": "PAM answers slowly", "status": "identified", "impact": "major"}
    running_sandbox.remote.set_status_page(indicator="major", incident=incident)
    running_sandbox.remote.plant("answers-unhealthy", server="api", path="/health/pam")

    word = ("--ack", "CH-1=kim: wrote it myself at 02:10")
    ended = project.run("-m", "communication", f"--env={running_sandbox.file}", *word)

    assert ended.rc == 0, ended.out
    assert left_out(ended)[CHANNEL].endswith("a person vouches for it (--ack)")
    assert ended.record["acknowledgements"] == [{"item": "CH-1", "statement": "kim: wrote it myself at 02:10"}]
    assert measured(ended, "CH-3")["asked"] == "trouble is admitted"
    assert (measured(ended, "CH-4")["asked"], notice_up != "") == ("a notice", True)


def test_where_there_is_less_to_look_at(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path, notice_up: str
) -> None:
    """No status page and no database: named, a person may vouch for the tickets, and a notice that is left over is still seen."""
    environment = with_abilities(running_sandbox, tmp_path / "less.toml", "status_page", "database")

    ended = project.run("-m", "communication or health", f"--env={environment}")

    assert ended.rc == 10, ended.out
    assert {left_out(ended)[PAGE], left_out(ended)[TICKETS]} == {
        "sandbox declares no status_page",
        "sandbox declares no database",
    }
    assert '--ack CH-1="who: evidence"' in left_out(ended)[CHANNEL]
    assert ended.outcomes()[NOTICE] == "broken criterion"
    assert notice_up in " ".join(ended.out.split())
    [tickets] = [missing for missing in ended.record["unmeasured"] if missing["item"] == "SC-6"]
    assert tickets["why"].endswith('a person may vouch for it: --ack SC-6="who: evidence"')


@pytest.mark.long_matrix
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_a_late_verdict_never_decides(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    """Both frames are missed by an environment's own figure: told, with the section to read, and GO.

    Each section is timed by its own verdicts: with workers (at night), who judges the time is who gave them.
    """
    file = tmp_path / "hurried.toml"
    frames = "\n[thresholds.TF-1]\nuntil_s = 0.001\n[thresholds.TF-3]\nfrom_s = 0\nuntil_s = 0.001\n"
    file.write_text(running_sandbox.file.read_text(encoding="utf-8") + frames, encoding="utf-8")
    file.chmod(0o600)

    ended = project.run("-m", "health or integrity", *workers, f"--env={file}")

    assert ended.rc == 0, ended.out
    late = {name for name, outcome in ended.outcomes().items() if outcome == "broken criterion"}
    assert late == {"test_health_verdict_came_in_time", "test_integrity_verdict_came_in_time"}
    assert "docs/runbook.md#checks-late" in ended.out
    assert {measured(ended, frame)["unit"] for frame in ("TF-1", "TF-3")} == {"s"}
    assert "no rollback was done in it" in measured(ended, "TF-1")["definition"]
