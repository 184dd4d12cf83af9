"""Whole sessions about what is told: after a rollback, as it is, in an honest incident, and where an environment has less to look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.adapters.http import fetch
from tests.sessions import Finished, Project, Range

PAGE = "test_status_page_tells_the_truth"
NOTICE = "test_notice_in_the_app_is_there_or_gone"
CHANNEL = "test_incident_channel_was_told"
TICKETS = "test_support_gets_as_many_tickets_as_usual"
AFTER = ("--situation", "after-feature-flag")


def measured(ended: Finished, criterion: str) -> dict[str, Any]:
    """What the only test that decides on a criterion entered into the table; else the only one that looks at it."""
    found = [result for result in ended.record["results"] if criterion in result["criteria"]]
    [result] = [result for result in found if not result["advisory"]] or found
    [figures] = result["measured"]
    return dict(figures)


def left_out(ended: Finished) -> dict[str, str]:
    """The tests that were not run, by name, each with the reason."""
    return {one["nodeid"].rpartition("::")[2].partition("[")[0]: one["reason"] for one in ended.record["deselected"]}


def with_abilities(practice_range: Range, copy: Path, *without: str) -> Path:
    """The sandbox as an environment that declares less."""
    abilities = {"test_account", "slack", "database", "status_page", "in_app_notice"} - set(without)
    text = practice_range.file.read_text(encoding="utf-8")
    copy.write_text(f"abilities = {sorted(abilities)}\n{text}", encoding="utf-8")
    copy.chmod(0o600)
    return copy


@pytest.fixture
def notice_up(practice_range: Range) -> Iterator[str]:
    """A notice in the app, taken away afterwards."""
    url = practice_range.state["urls"]["api"] + "/admin/notice"
    headers = {"Authorization": f"Bearer {practice_range.variables['PAM_ADMIN_TOKEN']}"}
    text = "PAM answers slowly. We are on it."
    put = fetch(url, method="PUT", headers=headers, json={"active": True, "text": text})
    assert put.http_status == 200, put
    yield text
    fetch(url, method="PUT", headers=headers, json={"active": False})


def test_after_a_rollback_the_channel_was_told_and_time_is_counted_from_its_end(
    practice_range: Range, project: Project
) -> None:
    """The story's own message is looked for where it arrived, and the time frames begin when the rollback was done."""
    ended = project.run("-m", "communication or health", *AFTER, f"--env={practice_range.file}")

    assert ended.rc == 0, ended.out
    assert ended.outcomes()[CHANNEL] == "passed"
    assert measured(ended, "DUR-5")["measured"] == "arrived"
    frame = measured(ended, "TF-1")
    assert frame["definition"] == "from the end of the rollback"
    assert 0 <= frame["measured"] < 60


def test_the_incidents_own_tickets_prove_nothing_yet(practice_range: Range, project: Project) -> None:
    """Forty came before the rollback and none since: not recovered would be as wrong as all is well."""
    practice_range.remote.plant("data", what="tickets-flood")

    ended = project.run("-m", "communication", *AFTER, f"--env={practice_range.file}")

    assert ended.rc == 11, ended.out
    assert ended.outcomes()[TICKETS] == "could not measure"
    assert "look again when the rollback is 60 min old" in " ".join(ended.out.split())


def test_without_a_rollback_a_person_vouches_for_the_channel(practice_range: Range, project: Project) -> None:
    """Left out and named with the option; with it, the word of the person is in the record."""
    session = ("-m", "communication", f"--env={practice_range.file}")

    named = project.run(*session)
    vouched = project.run(*session, "--ack", "CH-1=kim: wrote it myself at 02:10")

    assert (named.rc, vouched.rc) == (0, 0), vouched.out
    assert '--ack CH-1="who: evidence"' in left_out(named)[CHANNEL]
    assert left_out(vouched)[CHANNEL].endswith("a person vouches for it (--ack)")
    assert vouched.record["acknowledgements"] == [{"item": "CH-1", "statement": "kim: wrote it myself at 02:10"}]


def test_an_honest_incident_is_no_lie(practice_range: Range, project: Project, notice_up: str) -> None:
    """The service is ill, the page says so and the app says so: everybody is told the truth, and only the health is red."""
    incident = {"name": "PAM answers slowly", "status": "identified", "impact": "major"}
    practice_range.remote.set_status_page(indicator="major", incident=incident)
    practice_range.remote.plant("answers-unhealthy", server="api", path="/health/pam")

    ended = project.run("-m", "communication", f"--env={practice_range.file}")

    assert ended.rc == 0, ended.out
    assert measured(ended, "CH-3")["asked"] == "trouble is admitted"
    assert (measured(ended, "CH-4")["asked"], notice_up != "") == ("a notice", True)


def test_where_there_is_less_to_look_at(
    practice_range: Range, project: Project, tmp_path: Path, notice_up: str
) -> None:
    """No status page and no database: named, a person may vouch for the tickets, and a notice that is left over is still seen."""
    environment = with_abilities(practice_range, tmp_path / "less.toml", "status_page", "database")

    ended = project.run("-m", "communication or health", f"--env={environment}")

    assert ended.rc == 10, ended.out
    assert {left_out(ended)[PAGE], left_out(ended)[TICKETS]} == {
        "sandbox declares no status_page",
        "sandbox declares no database",
    }
    assert ended.outcomes()[NOTICE] == "broken criterion"
    assert notice_up in " ".join(ended.out.split())
    [tickets] = [missing for missing in ended.record["unmeasured"] if missing["item"] == "SC-6"]
    assert tickets["why"].endswith('a person may vouch for it: --ack SC-6="who: evidence"')


def test_each_section_is_timed_by_its_own_verdicts_on_any_worker(practice_range: Range, project: Project) -> None:
    """With workers, who judges the time is who gave the verdicts."""
    ended = project.run("-m", "health or integrity", "-n", "2", f"--env={practice_range.file}")

    assert ended.rc == 0, ended.out
    assert {measured(ended, frame)["unit"] for frame in ("TF-1", "TF-3")} == {"s"}
    assert "no rollback was done in it" in measured(ended, "TF-1")["definition"]


def test_a_late_verdict_never_decides(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """Both frames are missed by an environment's own figure: told, with the section to read, and GO."""
    file = tmp_path / "hurried.toml"
    frames = "\n[thresholds.TF-1]\nuntil_s = 0.001\n[thresholds.TF-3]\nfrom_s = 0\nuntil_s = 0.001\n"
    file.write_text(practice_range.file.read_text(encoding="utf-8") + frames, encoding="utf-8")
    file.chmod(0o600)

    ended = project.run("-m", "health or integrity", f"--env={file}")

    assert ended.rc == 0, ended.out
    late = {name for name, outcome in ended.outcomes().items() if outcome == "broken criterion"}
    assert late == {"test_health_verdict_came_in_time", "test_integrity_verdict_came_in_time"}
    assert "docs/runbook.md#checks-late" in ended.out
