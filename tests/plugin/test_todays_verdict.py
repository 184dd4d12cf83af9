"""Whole sessions on the healthy sandbox of today's product: what a verdict needs, and what is said where it is not there."""

import re
from pathlib import Path

import pytest

from tests.plugin.drilling import calm
from tests.sandbox.todays_range import Today, today, todays_range
from tests.sessions import Finished, Project, runbook_in

__all__ = ["today", "todays_range"]

_ABILITIES = re.compile(r"abilities = \[.*?\]\n", re.DOTALL)
_WAIVER = """
[[waivers]]
item = "{item}"
known = {known}
at_most = {at_most}
until = 2099-12-31
reason = "it is so in every release"
approved_by = "R. Ramp"
"""
SESSION = _WAIVER.format(item="RPO-3", at_most=1, known='["a page whose session was lost: does not ask to sign in"]')
BARRIERS = _WAIVER.format(
    item="CR-4", at_most=60, known='["color-contrast on *: *", "button-name on *: *", "reflow on *: *"]'
)
IN_ONE_BROWSER = 'browsers = ["chromium"]\n'


def environment(today: Today, folder: Path, *waivers: str, abilities: str = "") -> str:
    """The sandbox's file with these waivers, as an option; ``abilities``: with no others."""
    text = today.file.read_text(encoding="utf-8")
    if abilities:
        text = _ABILITIES.sub(f"abilities = {abilities}\n", text, count=1)
    file = folder / f"today-{len(list(folder.glob('today-*')))}.toml"
    file.write_text("\n".join((IN_ONE_BROWSER + text, *waivers)), encoding="utf-8")
    file.chmod(0o600)
    return f"--env={file}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the runbook, with wide limits of speed."""
    project = runbook_in(tmp_path)
    calm(project)
    return project


def outcomes(session: Finished) -> dict[str, set[str]]:
    """The plan items of what decides, by what came of it."""
    found: dict[str, set[str]] = {}
    for result in session.record["results"]:
        if not result["advisory"]:
            found.setdefault(result["outcome"], set()).update(result["criteria"])
    return found


@pytest.mark.nightly  # four minutes, and not on a busy machine: its windows need the cores
@pytest.mark.timeout(600)  # a baseline, and all checks with their window
def test_healthy_is_go_without_anybodys_word(today: Today, project: Project, tmp_path: Path) -> None:
    """With a DSN, accounts, tokens and a baseline; what was red before and somebody answers for is listed, and does not decide."""
    # A p95 of each journey, on both sides: that many answers, although the window is short.
    project.adjust("plan.toml", "answers_min = 120", "answers_min = 600")
    project.adjust("environments/sandbox.toml", "rate_hz = 25", "rate_hz = 50")
    answered = environment(today, tmp_path, SESSION, BARRIERS)
    recorded = project.run_apart("-m", "baseline", answered)
    assert recorded.rc == 0, recorded.out
    baseline = f"--baseline={recorded.folder / 'baseline' / 'baseline.json'}"
    today.remote.forgive()  # a session knows what it asked itself, and not what the one before did
    well = project.run_apart("-m", "post_rollback", answered, baseline)

    assert well.rc == 0, well.out
    assert set(outcomes(well)) == {"passed", "known before"}, well.out
    assert outcomes(well)["known before"] == {"RPO-3", "DUR-4", "CR-4", "SC-5"}, well.out
    assert "R. Ramp" in well.out
    today.remote.forgive()
    nobody = project.run_apart("checks/test_journeys.py", environment(today, tmp_path, BARRIERS), baseline)

    assert nobody.rc == 10, nobody.out
    assert outcomes(nobody)["broken criterion"] == {"RPO-3", "DUR-4"}, nobody.out


@pytest.mark.nightly
@pytest.mark.timeout(400)  # all checks that need nothing, with their window
def test_without_anything_each_item_says_what_would_let_it_be_judged(
    today: Today, project: Project, tmp_path: Path
) -> None:
    """No DSN, no account, no tokens, no baseline: the rest is complete in itself, and is about public pages."""
    nothing = project.run_apart("-m", "post_rollback", environment(today, tmp_path, abilities='["browser"]'))
    found = outcomes(nothing)
    said = " ".join(nothing.out.split())

    assert set(found) == {"passed", "broken criterion"}, nothing.out
    assert found["broken criterion"] == {"CR-4"}, nothing.out
    assert {"HC-1", "HC-2", "HC-3", "SC-1", "SC-2", "MT-1", "CR-4"} <= found["passed"], nothing.out
    assert "sandbox declares no database (add it to abilities of sandbox, when it is there)" in said
    assert "there is no baseline to compare with, see --baseline" in said
    cases = {result["nodeid"] for result in nothing.record["results"] if "test_phones_bring" in result["nodeid"]}
    assert {case.rpartition("-")[2].rstrip("]") for case in cases} == {"login", "found", "home"}


@pytest.mark.nightly
@pytest.mark.timeout(400)
def test_without_an_account_the_database_counts_on_one_condition(
    today: Today, project: Project, tmp_path: Path
) -> None:
    """That it is the one behind the API is not proven, and is said once."""
    data = project.run_apart("-m", "integrity", environment(today, tmp_path, abilities='["database", "git", "render"]'))

    assert data.rc == 0, data.out
    unproven = [note for note in data.record["notes"] if note.startswith("unproven: whether this is the database")]
    assert len(unproven) == 1, data.record["notes"]
