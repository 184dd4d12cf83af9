"""The watch's workflow: turns that follow each other, a question each day, and no rollback by itself."""

from collections.abc import Mapping
from typing import Any

import pytest

from pam_rollback.watch.rules.turn import length_s
from tests.workflow_files import FOLDER, workflow

JOB_MINUTES = 360
"""Longer no job of a hosted runner lasts."""
SET_UP_MINUTES = 20
"""Before a turn and after it, with room."""


def faults_of_turns(watch: Mapping[str, Any]) -> list[str]:
    """What keeps the turns of this workflow from following each other."""
    job, daily = watch["jobs"]["watch"], watch["jobs"]["preflight"]
    given = job["with"]
    usual = watch["on"]["workflow_call"]["inputs"]["turn"]["default"]
    hourly = [one["cron"] for one in watch["on"]["schedule"] if one["cron"].endswith(" * * * *")]
    [once] = [one["cron"] for one in watch["on"]["schedule"] if one["cron"] not in hourly] or [""]
    asked = {
        "no turn waits each hour": bool(hourly),
        "nothing asks once a day": once.count("*") == 3 and f"== '{once}'" in daily["if"] and f"!= '{once}'" in job["if"],
        "two turns look at once, or one ends another": job.get("concurrency")
        == {"group": "watch-${{ inputs.environment || 'production' }}", "cancel-in-progress": False},
        "the daily question waits for a turn": "concurrency" not in watch and "concurrency" not in daily,
        "the service ends a turn": length_s(usual) / 60 + SET_UP_MINUTES <= given["minutes"] < JOB_MINUTES,
        "it is not a turn": given["select"] == "watch" and f"|| '{usual}'" in given["turn"],
        "it judges by something else than it is told": given["baseline"] == "${{ inputs.baseline || vars.PAM_WATCH_BASELINE }}"
        and given["decide_every"] == "${{ inputs.decide_every || vars.PAM_WATCH_DECIDE_EVERY }}",
        "it may more than keep its state": job["permissions"] == daily["permissions"] == {"contents": "write"},
    }  # fmt: skip
    return [fault for fault, good in asked.items() if not good]


def test_turns_of_the_watch_follow_each_other() -> None:
    """One at a time for each environment, the next one waiting; the daily question waits for none."""
    assert faults_of_turns(workflow("watch")) == []
    assert workflow("session")["jobs"]["session"]["env"]["PAM_STATE"].startswith("git:")


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        (("on", "schedule"), [{"cron": "41 5 * * *"}], "no turn waits each hour"),
        (("on", "schedule"), [{"cron": "23 * * * *"}], "nothing asks once a day"),
        (("jobs", "watch", "concurrency", "cancel-in-progress"), True, "two turns look at once, or one ends another"),
        (("jobs", "watch", "concurrency"), {"group": "watch"}, "two turns look at once, or one ends another"),
        (("concurrency",), {"group": "watch"}, "the daily question waits for a turn"),
        (("jobs", "watch", "with", "minutes"), 340, "the service ends a turn"),
        (("jobs", "watch", "with", "minutes"), 400, "the service ends a turn"),
        (("jobs", "watch", "with", "turn"), "", "it is not a turn"),
        (("jobs", "watch", "with", "baseline"), "newest", "it judges by something else than it is told"),
        (("jobs", "watch", "with", "decide_every"), "1h", "it judges by something else than it is told"),
        (("jobs", "watch", "permissions"), {"contents": "write", "issues": "write"}, "it may more than keep its state"),
    ],
)
def test_turns_that_do_not_follow_are_seen(place: tuple[str, ...], value: object, fault: str) -> None:
    """Each by its fault."""
    changed = workflow("watch")
    inner = changed
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value

    assert faults_of_turns(changed) == [fault]


def consents_to_watch(text: str) -> bool:
    """Whether a workflow could let a watch roll back: it has to name who may sign."""
    return "--signers" in text or "--consent-again" in text


def test_no_job_has_standing_consent() -> None:
    """docs/decisions/0056: a job is ended from outside, and the rollback with it."""
    assert [path.name for path in FOLDER.glob("*.yml") if consents_to_watch(path.read_text("utf-8"))] == []
    assert consents_to_watch('set -- "$@" --signers "$SIGNERS"')
