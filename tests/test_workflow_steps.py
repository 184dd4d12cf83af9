"""The shell of the workflows, run as it is written: what it calls, with which words, and how it ends when something is red."""

import json
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from pam_rollback.plan.stories import STORIES
from pam_rollback.report.pages import keep_pages, write_pages
from pam_rollback.report.shared_folder import NAME as SHARED
from pam_rollback.report.shared_folder import SharedFolder
from pam_rollback.report.verdict import ExitCode
from tests.workflow_files import FOLDER, all_steps, workflow

HOSTILE = "'; touch broken; echo \"$(touch broken)`touch broken`"
"""What somebody may type into a form."""
RUN = "20261127T100000Z-staging-00aa"
STUB = """#!/bin/sh
printf '%s\\n' "$0" "$@" | tr '\\n' '\\t' >> "$CALLS"
echo >> "$CALLS"
case "$0 $*" in *"${RED_AT:-nothing}"*) exit "${RED:-0}";; esac
case "$*" in *"--workflow deploy.yml"*) printf '%s' "$DEPLOYS";; *"run list"*) printf '%s' "$DRILLS";; esac
exit "${CODE:-0}"
"""
LONG = """#!/bin/sh
trap 'exit 12' INT
echo begun
for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & wait $!; done
exit 0
"""
"""A rollback that takes its time, and ends as one that was stopped."""


@dataclass(frozen=True)
class Done:
    """What came of a step."""

    code: int
    said: str
    calls: list[list[str]]


def run_step(folder: Path, name: str, title: str, **variables: str) -> Done:
    """Run the step of that title where its programs only write down how they were called."""
    [step] = [step for step in all_steps(name) if step.get("name") == title]
    for stub in (folder / ".venv" / "bin" / "pytest", folder / "bin" / "gh", folder / "bin" / "make"):
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text(STUB, encoding="utf-8")
        stub.chmod(0o755)
    calls = folder / "calls"
    calls.unlink(missing_ok=True)
    known = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "CALLS": str(calls), "GITHUB_ACTOR": "kim"}
    known |= {"GITHUB_STEP_SUMMARY": str(folder / "summary"), "ENVIRONMENT": "staging", "PAM_STATE": "git:origin"}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder, env={**known, **variables}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    lines = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
    assert not (folder / "broken").exists(), "what somebody typed was run"
    return Done(done.returncode, done.stdout + done.stderr, [line.rstrip("\t").split("\t") for line in lines])


def left_by_a_run(folder: Path, run: str = RUN, *, here: bool = True) -> None:
    """What a rollback leaves; one that was brought from another machine has no results."""
    made = folder / "reports" / "out" / run
    (made / "allure-results" if here else made).mkdir(parents=True)
    (made / "journal.jsonl").touch()


def test_a_session_is_asked_for_what_was_typed(tmp_path: Path) -> None:
    """Each input is one word, whatever is in it; what is empty is not given."""
    nothing = {"TO": "", "BASELINE": "", "TURN": ""}
    whole = run_step(
        tmp_path,
        "session",
        "Session",
        SELECT="post_rollback",
        TO=HOSTILE,
        BASELINE="newest",
        TURN=HOSTILE,
    )
    short = run_step(tmp_path, "session", "Session", SELECT="health", **nothing)
    turn = run_step(tmp_path, "session", "Session", SELECT="watch", **{**nothing, "TURN": "5h30m"})

    expected = ["-m", "post_rollback", "--env", "staging", "--to", HOSTILE, "--baseline", "newest"]
    expected += ["--turn", HOSTILE]
    assert [words for _, *words in whole.calls] == [expected]
    assert [words for _, *words in short.calls] == [["-m", "health", "--env", "staging"]]
    assert [words for _, *words in turn.calls] == [["-m", "watch", "--env", "staging", "--turn", "5h30m"]]


@pytest.mark.parametrize(
    ("select", "target"), [("watch", ".venv/.ready"), ("decision", "browser"), ("post_rollback", "browser")]
)
def test_a_watch_waits_for_no_browser(tmp_path: Path, select: str, target: str) -> None:
    """Between two turns nobody looks. What cannot be set up ends it."""
    good = run_step(tmp_path, "session", "Set up", SELECT=select)
    bad = run_step(tmp_path, "session", "Set up", SELECT=select, CODE="2")

    assert [words for _, *words in good.calls] == [[target]]
    assert bad.code == 2


CONSENTED = {
    "STORY": "frontend-restore",
    "TO": "",
    "REASON": HOSTILE,
    "APPROVE": "",
    "SELECT": "gate",
    "BASELINE": "",
    "TURN": "",
    "RUN": RUN,
}


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("session", "Session"),
        ("ramp", "Go on with the ramp"),
        ("rollback", "Roll back"),
        ("undo", "Undo"),
        ("staging-drill", "Drill"),
    ],
)
@pytest.mark.parametrize("code", [0, 10, 11, 12, 13, 14])
def test_the_verdict_is_the_steps_end(tmp_path: Path, name: str, title: str, code: int) -> None:
    """Nothing between the suite and the service changes it."""
    assert run_step(tmp_path, name, title, CODE=f"{code}", **CONSENTED).code == code


@pytest.mark.parametrize(
    ("name", "title", "first"),
    [
        ("ramp", "Go on with the ramp", ["-m", "ramp"]),
        ("rollback", "Roll back", ["drills/test_frontend_restore.py"]),
        ("undo", "Undo", ["--undo", RUN]),
        ("staging-drill", "Drill", ["drills/test_frontend_restore.py"]),
    ],
)
def test_consent_stands_on_the_command_line(tmp_path: Path, name: str, title: str, first: list[str]) -> None:
    """All of it, with who and why."""
    [[_, *words]] = run_step(tmp_path, name, title, **CONSENTED).calls

    assert words[: len(first)] == first
    assert {"--execute", "--env", "staging"} <= {*words}
    assert words[words.index("--confirm") + 1] == "staging"
    assert words[words.index("--reason") + 1] == ("weekly drill" if name == "staging-drill" else HOSTILE)
    assert words[words.index("--initiated-by") + 1] == "kim"
    assert "--dry-run" not in words
    # With --mode real a drill would count as a rollback: it would owe a post-mortem each week, and PM-10 would never see it.
    assert ("real" in words) is (name in {"ramp", "rollback"})


@pytest.mark.parametrize(("code", "ends"), [(11, 0), (13, 13), (4, 4), (0, 1)])
def test_only_a_plan_is_a_plan(tmp_path: Path, code: int, ends: int) -> None:
    """Planned is 11; a refusal keeps its code, and a GO of a dry run cannot be."""
    done = run_step(tmp_path, "rollback", "Plan", CODE=f"{code}", STORY="backend-branch", TO="1.41.3")

    assert done.code == ends
    [[_, *words]] = done.calls
    assert words == [
        "drills/test_backend_branch.py",
        "--env",
        "staging",
        "--mode",
        "real",
        "--dry-run",
        "--to",
        "1.41.3",
    ]


def look_for_a_deploy(folder: Path, **variables: str) -> Done:
    """The step that looks for one, right before the rollback."""
    usual = {"DEPLOYS": "", "DEPLOY_WORKFLOW": "deploy.yml", "BESIDE_A_DEPLOY": "false"}
    return run_step(folder, "rollback", "Look for a deploy", **{**usual, **variables})


def test_a_drill_is_cancelled(tmp_path: Path) -> None:
    """A drill never keeps a rollback waiting, of whichever environment it is: it may have the repository's lock."""
    alone = run_step(tmp_path, "rollback", "Make way", DRILLS="")
    drilled = run_step(tmp_path, "rollback", "Make way", DRILLS="41\n42", ENVIRONMENT="production")

    assert (alone.code, drilled.code) == (0, 0)
    assert [call[-1] for call in drilled.calls if "cancel" in call] == ["41", "42"]
    assert not [call for call in alone.calls if "cancel" in call]


@pytest.mark.skipif(shutil.which("jq") is None, reason="gh has it built in; here it is a program")
def test_only_drills_are_cancelled() -> None:
    """By the filter as it is written: neither a deploy, nor the rollback itself, nor the nightly drills of the sandbox."""
    [step] = [step for step in all_steps("rollback") if step.get("name") == "Make way"]
    [jq] = re.findall(r"--jq '([^']+)'", step["run"])
    titles = [
        "drill on staging",
        "drill on eu-staging",
        "nightly drill",
        "ROLLBACK of production by gradual",
        "deploy 1.42.0",
    ]
    runs = json.dumps([{"databaseId": place, "displayTitle": title} for place, title in enumerate(titles)])
    found = subprocess.run(["jq", "-r", jq], input=runs, capture_output=True, text=True, check=True)

    assert found.stdout.split() == ["0", "1"]


def test_a_drill_has_the_time_of_the_set_up_to_put_everything_back() -> None:
    """It is cancelled first; whether a deploy is in progress is asked last."""
    names = [step.get("name") for step in workflow("rollback")["jobs"]["rollback"]["steps"]]

    assert names[0] == "Make way"
    assert names.index("Set up") < names.index("Look for a deploy") == names.index("Roll back") - 1


def test_a_deploy_stops_it(tmp_path: Path) -> None:
    """Beside a deploy it goes on only when it was told to."""
    alone = look_for_a_deploy(tmp_path)
    deployed = look_for_a_deploy(tmp_path, DEPLOYS="77")
    forced = look_for_a_deploy(tmp_path, DEPLOYS="77", BESIDE_A_DEPLOY="true")

    assert (alone.code, deployed.code, forced.code) == (0, ExitCode.REFUSED, 0)
    assert not [call for call in [*alone.calls, *forced.calls] if "cancel" in call]
    assert "a deploy is in progress: 77" in deployed.said
    assert "a deploy is in progress: 77" in forced.said


def test_a_service_that_does_not_answer_stops_no_rollback(tmp_path: Path) -> None:
    """It is said, and the lock of the environment decides."""
    drills = run_step(tmp_path, "rollback", "Make way", RED_AT="drill on", RED="1")
    deploys = look_for_a_deploy(tmp_path, RED_AT="deploy.yml", RED="1")

    assert (drills.code, deploys.code) == (0, 0)
    assert "whether a drill is in progress is not known" in drills.said
    assert "whether a deploy is in progress is not known" in deploys.said


def test_what_cannot_be_done_or_asked_stops_no_rollback(tmp_path: Path) -> None:
    """A drill that cannot be cancelled; and where nobody said what deploys, that is said."""
    drills = run_step(tmp_path, "rollback", "Make way", DRILLS="41", RED_AT="cancel", RED="1")
    deploys = look_for_a_deploy(tmp_path, DEPLOY_WORKFLOW="")

    assert (drills.code, deploys.code) == (0, 0)
    assert "drill 41 was not cancelled" in drills.said
    assert "no variable PAM_DEPLOY_WORKFLOW" in deploys.said


@pytest.mark.parametrize(("name", "title"), [("rollback", "Roll back"), ("staging-drill", "Drill")])
def test_a_cancelled_step_reaches_the_session(tmp_path: Path, name: str, title: str) -> None:
    """The service tells only the step's own process, and kills the rest seconds later: by then the session has to know."""
    [script] = [step["run"] for step in all_steps(name) if step.get("name") == title]
    session = tmp_path / ".venv" / "bin" / "pytest"
    session.parent.mkdir(parents=True)
    session.write_text(LONG, encoding="utf-8")
    session.chmod(0o755)
    variables = {**os.environ, **CONSENTED, "ENVIRONMENT": "staging", "GITHUB_ACTOR": "kim"}
    with subprocess.Popen(
        ["bash", "-eo", "pipefail", "-c", script], cwd=tmp_path, env=variables, stdout=subprocess.PIPE, text=True
    ) as step:
        assert step.stdout is not None
        assert step.stdout.readline() == "begun\n"
        step.send_signal(signal.SIGINT)
        assert step.wait(20) == ExitCode.ACTION_FAILED


def test_a_drill_is_put_back_whatever_happens(tmp_path: Path) -> None:
    """The worst of it is the step's end; runs of other machines are not touched."""
    none = run_step(tmp_path, "staging-drill", "Put it back, also when it was cancelled")
    left_by_a_run(tmp_path)
    left_by_a_run(tmp_path, RUN.replace("00aa", "00bb"), here=False)
    good = run_step(tmp_path, "staging-drill", "Put it back, also when it was cancelled")
    bad = run_step(tmp_path, "staging-drill", "Put it back, also when it was cancelled", CODE="14")

    assert (none.code, none.calls) == (0, [])
    assert (good.code, bad.code) == (0, 14)
    [[_, *words]] = good.calls
    assert words[:2] == ["--undo", RUN]
    assert words[words.index("--confirm") + 1] == "staging"


def test_no_drill_on_production(tmp_path: Path) -> None:
    """Whoever calls it."""
    done = run_step(tmp_path, "staging-drill", "Drill", ENVIRONMENT="production", STORY="gradual")

    assert (done.code, done.calls) == (ExitCode.REFUSED, [])


def test_a_rollback_that_was_cancelled_is_not_undone(tmp_path: Path) -> None:
    """How to finish it and how to put it back is said, on the page too; nothing is called."""
    left_by_a_run(tmp_path)
    done = run_step(tmp_path, "rollback", "How to go on", STORY="full-system")

    assert (done.code, done.calls) == (0, [])
    for text in (done.said, (tmp_path / "summary").read_text(encoding="utf-8")):
        assert f"pytest drills/test_full_system.py --resume {RUN} --mode real --env staging --execute" in text
        assert f"pytest --undo {RUN} --env staging --execute --confirm staging" in text


def lead_nowhere(site: Path) -> list[str]:
    """Links of a site's pages to what is not in it; those of a page that only leads on count, too."""
    found = []
    for page in site.rglob("*.html"):
        for link in re.findall(r'href="([^"#:]+)', page.read_text(encoding="utf-8")):
            there = page.parent / link
            if not (there.is_relative_to(site) and there.resolve().is_relative_to(site.resolve()) and there.exists()):
                found.append(f"{page.relative_to(site)}: {link}")
    return found


def test_pages_are_chosen_with_all_that_they_lead_to(tmp_path: Path) -> None:
    """Runbook and program are shared by the runs of one artifact, the record lies in the run's folder; results are left out."""
    nothing = run_step(tmp_path, "publish-reports", "Choose the pages")
    evidence = tmp_path / "evidence" / "drill-1-1"
    (evidence / RUN.replace("00aa", "00cc")).mkdir(parents=True)  # of another machine, without a page
    for run in (RUN, RUN.replace("00aa", "00bb")):
        page = evidence / run / "report"
        page.mkdir(parents=True)
        (evidence / run / "run.json").write_text("{}", encoding="utf-8")
        (evidence / run / "allure-results").mkdir()
        write_pages(page, kept=keep_pages(SharedFolder(evidence / SHARED)))
        links = '<a href="../run.json">record</a><a href="runbook.html#refused">runbook</a>'
        (page / "index.html").write_text(f"GO{links}", encoding="utf-8")
    (evidence / "drills.html").write_text(f'<a href="{RUN}/report/index.html">GO</a>', encoding="utf-8")
    done = run_step(tmp_path, "publish-reports", "Choose the pages")

    site = tmp_path / "site"
    assert (nothing.code, done.code) == (1, 0), done.said
    assert lead_nowhere(site) == []
    assert not [*site.rglob("allure-results")]
    first = (site / "index.html").read_text(encoding="utf-8")
    assert first.count("/report/") == 2
    assert 'href="drills.html"' in first
    (site / SHARED).rename(tmp_path / SHARED)
    assert len(lead_nowhere(site)) == 4, "a link that leads nowhere is seen"


def test_the_ways_are_those_that_there_are() -> None:
    """In the form of the rollback."""
    text = (FOLDER / "rollback.yml").read_text(encoding="utf-8")
    [options] = re.findall(r"options: \[(.*)\]", text)

    assert options.split(", ") == [*STORIES]
