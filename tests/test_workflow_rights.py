"""What each job of the workflows may do, and with which secrets; who waits for whom."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from tests.workflow_files import NAMES, ROOT, all_steps, workflow


@pytest.mark.parametrize("name", NAMES)
def test_no_input_is_written_into_shell(name: str) -> None:
    """Only variables are."""
    assert [step["run"] for step in all_steps(name) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("name", NAMES)
def test_who_may_what_is_said_job_by_job(name: str) -> None:
    """The workflow itself may at most read; each job that needs more says what."""
    read = workflow(name)
    asked = {job.get("uses", "") or json.dumps(job.get("permissions")) for job in read["jobs"].values()}

    assert read["permissions"] in ({}, {"contents": "read"})
    assert read["permissions"] or "null" not in asked


def lacking(named: set[str], step: Mapping[str, Any]) -> set[str]:
    """The variables that an environment's file names and the step does not have."""
    return named - {*map(str, step["env"])}


BESIDES = {"PAM_TRACKER_TOKEN", "PAM_SLACK_TOKEN"}
"""What docs/how-to/incidents.md and channels.md call them: each session tells people there, once an environment names the places."""


def named_variables() -> set[str]:
    """Of staging and production."""
    files = [
        tomllib.loads((ROOT / "environments" / "examples" / f"{name}.toml").read_text("utf-8"))
        for name in ("staging", "production")
    ]
    return {str(variable) for file in files for variable in file["secrets"].values()} | BESIDES


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("session", "Session"),
        ("ramp", "Go on with the ramp"),
        ("rollback", "Plan"),
        ("rollback", "Roll back"),
        ("undo", "Undo"),
    ],
)
def test_each_session_has_the_secrets_that_its_environment_names(name: str, title: str) -> None:
    """A new one in the file is missing here, and seen."""
    [step] = [step for step in all_steps(name) if step.get("name") == title]

    assert lacking(named_variables(), step) == set()
    assert lacking({"NEW_TOKEN"}, step) == {"NEW_TOKEN"}


def test_a_drill_and_its_undo_have_the_same() -> None:
    """Both are steps of one job, which has them."""
    assert lacking(named_variables(), workflow("staging-drill")["jobs"]["drill"]) == set()


def test_one_writer_and_a_rollback_that_waits_for_none() -> None:
    """Ramp and drill share a group with deploys; rollback and undo have one of their own."""
    groups = {name: str(workflow(name).get("concurrency", {}).get("group", "")).partition("${{")[0] for name in NAMES}

    assert {name for name, group in groups.items() if group == "pam-writer-"} == {"ramp", "staging-drill"}
    assert {name for name, group in groups.items() if group == "pam-rollback-"} == {"rollback", "undo"}
    assert all(
        workflow(name)["concurrency"]["cancel-in-progress"] is False
        for name in ("ramp", "staging-drill", "rollback", "undo")
    )


def test_only_a_drill_is_undone_by_itself() -> None:
    """By a step that always runs."""
    steps = [(name, step) for name in NAMES for step in all_steps(name) if "run" in step]
    undoing = {
        (name, step.get("if"))
        for name, step in steps
        if re.search(r"^ *(?:exec )?\.venv/bin/pytest --undo", step["run"], re.MULTILINE)
    }

    assert undoing == {("staging-drill", "always()"), ("undo", None)}
