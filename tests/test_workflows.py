"""The workflows are valid and hold no known weakness; secrets reach their sessions, an input is never shell, changes need reviewers."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pam_rollback.report.verdict import ExitCode

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent
BESIDES = {"PAM_TRACKER_TOKEN", "PAM_SLACK_TOKEN"}
"""Each session tells people there, once an environment names the places."""
SESSIONS = [
    ("session", "Session"),
    ("ramp", "Go on with the ramp"),
    ("rollback", "Plan"),
    ("rollback", "Roll back"),
    ("undo", "Undo"),
]
STUB = """#!/bin/sh
printf '%s\\n' "$@" > called
exit "$CODE"
"""
LONG = """#!/bin/sh
trap 'exit 12' INT
echo begun
for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & wait $!; done
exit 0
"""
"""A session that takes its time, and ends as one that was stopped."""
HOSTILE = "'; touch broken; echo \"$(touch broken)`touch broken`"


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    """A checker's answer."""
    return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)


def workflow(name: str) -> Any:
    """As the service reads it; ``on`` stays a word."""
    return YAML(typ="safe").load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))


def steps(name: str) -> list[Mapping[str, Any]]:
    """Of all jobs."""
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", ())]


def run_step(folder: Path, name: str, title: str, code: int, **variables: str) -> int:
    """Run the step of that title where the suite only writes down how it was called, and ends with that code."""
    [step] = [step for step in steps(name) if step.get("name") == title]
    stub = folder / ".venv" / "bin" / "pytest"
    stub.parent.mkdir(parents=True, exist_ok=True)
    stub.write_text(STUB, encoding="utf-8")
    stub.chmod(0o755)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CODE": str(code), "GITHUB_ACTOR": "kim", **variables},
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode


def test_they_are_valid() -> None:
    """By the schema of the service that runs them."""
    found = ran("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS))

    assert found.returncode == 0, found.stdout


def test_nothing_weak_is_known() -> None:
    """Pinned actions, no injected templates, no kept credentials."""
    found = ran("zizmor", "--offline", "--no-progress", "--quiet", str(ROOT / ".github" / "workflows"))

    assert found.returncode == 0, found.stdout + found.stderr


def test_no_input_is_written_into_shell() -> None:
    """Only variables are."""
    assert [step["run"] for path in WORKFLOWS for step in steps(path.stem) if "${{" in step.get("run", "")] == []


def test_each_session_has_the_secrets_that_its_environment_names() -> None:
    """A new one in the file of staging or production is missing here, and seen."""
    files = [ROOT / "environments" / "examples" / f"{name}.toml" for name in ("staging", "production")]
    named = {str(one) for file in files for one in tomllib.loads(file.read_text("utf-8"))["secrets"].values()} | BESIDES
    given = {
        f"{name}, {title}": step["env"] for name, title in SESSIONS for step in steps(name) if step.get("name") == title
    }
    given["staging-drill"] = workflow("staging-drill")["jobs"]["drill"]["env"]

    assert len(given) == len(SESSIONS) + 1
    assert {place: missing for place, env in given.items() if (missing := named - {*map(str, env)})} == {}


@pytest.mark.parametrize("name", ["rollback", "undo", "ramp"])
def test_what_changes_something_is_protected_whoever_calls_it(name: str) -> None:
    """By an environment whose reviewers say yes, and a group of its own: a caller can take neither away."""
    read = workflow(name)

    assert re.fullmatch(
        r"\$\{\{ inputs\.environment( \|\| 'production')? \}\}-(rollback|ramp)", read["jobs"][name]["environment"]
    )
    assert "inputs.environment" in read["concurrency"]["group"]
    assert read["concurrency"]["cancel-in-progress"] is False


@pytest.mark.parametrize(
    ("name", "title"), [(name, title) for name, title in SESSIONS if title != "Plan"] + [("staging-drill", "Drill")]
)
@pytest.mark.parametrize("code", [0, 10, 14])
def test_a_session_is_asked_for_what_was_typed_and_its_verdict_is_the_end(
    tmp_path: Path, name: str, title: str, code: int
) -> None:
    """Each input is one word, whatever is in it, and nothing between the suite and the service changes the verdict."""
    [step] = [step for step in steps(name) if step.get("name") == title]
    asked = dict.fromkeys(re.findall(r"\$\{?([A-Z_]+)", step["run"]), "")
    typed = {
        "ENVIRONMENT": "staging",
        "STORY": "frontend-restore",
        "SELECT": "health",
        "REASON": HOSTILE,
        "TO": HOSTILE,
    }
    known = {variable: typed.get(variable, "") for variable in asked if variable != "GITHUB_ACTOR"}

    assert run_step(tmp_path, name, title, code, **known) == code
    words = (tmp_path / "called").read_text(encoding="utf-8").split("\n")
    assert "staging" in words
    assert not (tmp_path / "broken").exists(), "what somebody typed was run"
    if {"REASON", "TO"} & known.keys():
        assert HOSTILE in words


def test_no_drill_on_production(tmp_path: Path) -> None:
    """Whoever calls it."""
    assert (
        run_step(tmp_path, "staging-drill", "Drill", 0, ENVIRONMENT="production", STORY="gradual") == ExitCode.REFUSED
    )
    assert not (tmp_path / "called").exists()


@pytest.mark.skipif(shutil.which("jq") is None, reason="gh has it built in; here it is a program")
def test_only_drills_make_way_for_a_rollback() -> None:
    """The filter, as it is written, lets deploys, rollbacks and the nightly drills of the sandbox go on."""
    [step] = [step for step in steps("rollback") if step.get("name") == "Make way"]
    [jq] = re.findall(r"--jq '([^']+)'", step["run"])
    titles = [
        "drill on staging",
        "drill on eu-staging",
        "nightly drill",
        "ROLLBACK of production by gradual",
        "deploy 1",
    ]
    runs = json.dumps([{"databaseId": place, "displayTitle": title} for place, title in enumerate(titles)])
    found = subprocess.run(["jq", "-r", jq], input=runs, capture_output=True, text=True, check=True)

    assert found.stdout.split() == ["0", "1"]


@pytest.mark.parametrize(
    ("deploys", "beside", "code"), [("", "false", 0), ("77", "false", ExitCode.REFUSED), ("77", "true", 0)]
)
def test_a_deploy_in_progress_refuses_a_rollback(tmp_path: Path, deploys: str, beside: str, code: int) -> None:
    """A rollback goes on beside a deploy only where a person said so."""
    gh = tmp_path / "gh"
    gh.write_text('#!/bin/sh\nprintf %s "$DEPLOYS"\n', encoding="utf-8")
    gh.chmod(0o755)
    known = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DEPLOYS": deploys, "BESIDE_A_DEPLOY": beside}
    known |= {"DEPLOY_WORKFLOW": "deploy.yml", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}

    assert run_step(tmp_path, "rollback", "Look for a deploy", 0, **known) == code


@pytest.mark.parametrize(("name", "title"), [("rollback", "Roll back"), ("staging-drill", "Drill")])
def test_a_cancelled_step_reaches_the_session(tmp_path: Path, name: str, title: str) -> None:
    """The service signals the step's own process alone and kills the rest seconds later: by then the session has to know."""
    [script] = [step["run"] for step in steps(name) if step.get("name") == title]
    session = tmp_path / ".venv" / "bin" / "pytest"
    session.parent.mkdir(parents=True)
    session.write_text(LONG, encoding="utf-8")
    session.chmod(0o755)
    known = dict.fromkeys(re.findall(r"\$\{?([A-Z_]+)", script), "") | {"ENVIRONMENT": "staging", "STORY": "gradual"}
    with subprocess.Popen(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **known},
        stdout=subprocess.PIPE,
        text=True,
    ) as step:
        assert step.stdout is not None
        assert step.stdout.readline() == "begun\n"
        step.send_signal(signal.SIGINT)
        assert step.wait(20) == ExitCode.ACTION_FAILED
