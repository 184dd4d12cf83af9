"""Whole sessions whose provider fails: the exit code, and the words that somebody reads at 3 a.m.

`make test` runs one whose undo fails and one that is refused; one that fails is in tests/rollback/test_stories.py. What each provider's
failure does to each step is in test_provider_failures.py.
"""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.rollback.lock import environment_lock
from pam_rollback.rollback.provider_access import api_host, site_host
from pam_rollback.rollback.step_list import TELL
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.rollback.strategies.titles import BACK, FRONT, backend, frontend
from tests.sessions import ONLY_HEALTH, Finished, Project, RunningSandbox

ROOT = Path(__file__).parents[3]
STORY = "drills/test_backend_provider.py"
NO_WINDOW = "--pace=600"
_POLL_S = 0.05
_WITHIN_S = 90
NEVER = datetime.min.replace(tzinfo=UTC)


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about the action."""
    return ONLY_HEALTH


@pytest.fixture(scope="module", autouse=True)
def left_as_found(shared_range: RunningSandbox) -> Iterator[None]:
    """For those who come after these tests."""
    yield
    shared_range.remote.reset()
    shared_range.as_it_was()


@pytest.fixture(autouse=True)
def as_at_the_start(shared_range: RunningSandbox) -> None:
    """The hosts, too."""
    shared_range.remote.reset()


def drill(
    project: Project,
    running_sandbox: RunningSandbox,
    *,
    at: str,
    story: str = STORY,
    provider: str = "render-deploys",
    **fault: str,
) -> Finished:
    """A drill during which a provider begins to fail when the journal comes to this event: what the drill plants is there by then."""
    with project.start(story, "--env", str(running_sandbox.file), NO_WINDOW) as session:
        journal, end_s = project.run_folder / "journal.jsonl", time.monotonic() + _WITHIN_S
        while not (journal.exists() and at in journal.read_text(encoding="utf-8")):
            assert time.monotonic() < end_s, f"the journal never said {at!r}"
            assert session.poll() is None, project.finish(session).out
            time.sleep(_POLL_S)
        running_sandbox.remote.plant(provider, **fault)
        return project.finish(session)


def drill_with_a_colleague(
    project: Project, running_sandbox: RunningSandbox, *, story: str, step: str, does: Callable[[Environment], object]
) -> Finished:
    """A drill during which somebody else changes something, as soon as the step is done."""
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    with project.start(story, "--env", str(running_sandbox.file), NO_WINDOW) as session:
        wait_for_step(project, session, step, event="step-done")
        does(environment)
        return project.finish(session)


def drill_deployed_over(
    project: Project,
    running_sandbox: RunningSandbox,
    *,
    story: str,
    changed: str,
    does: Callable[[Environment], object],
) -> Finished:
    """A drill during which a colleague deploys over the rollback, after the action saw its target and before the tests ask.

    The message to the team, which comes in between, is held up by a channel that hangs; then the session stands still meanwhile.
    """
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    with project.start(story, "--env", str(running_sandbox.file), NO_WINDOW) as session:
        wait_for_step(project, session, changed, event="step-done")
        running_sandbox.remote.plant("channel-fails", what="slack", how="hangs")
        wait_for_step(project, session, TELL, event="step-started")
        session.send_signal(signal.SIGSTOP)
        try:
            does(environment)
        finally:
            # The incident, too: whoever waits for recovery would wait for all of the objective.
            running_sandbox.remote.clear_all()
            session.send_signal(signal.SIGCONT)
        return project.finish(session)


def wait_for_step(project: Project, session: "subprocess.Popen[str]", step: str, *, event: str) -> None:
    """Until the journal says so."""
    journal, end_s = project.run_folder / "journal.jsonl", time.monotonic() + _WITHIN_S
    while not (journal.exists() and f'"event": "{event}", "step": "{step}"' in journal.read_text("utf-8")):
        assert time.monotonic() < end_s, f"the journal never said {event} of {step!r}"
        assert session.poll() is None, project.finish(session).out
        time.sleep(_POLL_S / 5)


def deploy_the_bad_back_end(environment: Environment) -> None:
    """As a colleague who knows of nothing: what came before the rollback runs again."""
    host = api_host(environment, Waiter())
    bad = next(deploy for deploy in host.deploys() if deploy.state == "deactivated" and deploy.trigger == "new_commit")
    again = host.restore(bad.id)
    Waiter().until(lambda: host.deploy(again.id).state, holds=lambda now: now == "live", within_s=30, what="it is live")


def publish_the_bad_site(environment: Environment) -> None:
    """The same for the site, lock or not."""
    host = site_host(environment, Waiter())
    published = host.live()
    ready = [deploy for deploy in host.deploys() if deploy.state == "ready" and deploy.commit != published.commit]
    bad = max(ready, key=lambda deploy: deploy.finished_at or NEVER)
    host.unlock(published.id)
    host.restore(bad.id)
    Waiter().until(lambda: host.live().id, holds=lambda now: now == bad.id, within_s=30, what="it is published")


def said(ended: Finished) -> str:
    """What the terminal says, in one line."""
    return " ".join(ended.out.split())


def journal(ended: Finished) -> list[dict[str, Any]]:
    """Its entries, in order."""
    lines = (ended.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def events(ended: Finished) -> list[str]:
    """What the journal tells, in order."""
    return [entry["event"] for entry in journal(ended)]


def owed(ended: Finished) -> list[str]:
    """The kinds of what was to be undone, in order; at this pace the public may have been told, too."""
    return [entry["kind"] for entry in journal(ended) if entry["event"] == "undo-owed"]


@pytest.mark.nightly
def test_a_refused_rollback_is_a_failed_action(running_sandbox: RunningSandbox, project: Project) -> None:
    """12: which step, what Render said, and what to do; what was changed before it is put back, and the checks say how it is."""
    ended = drill(project, running_sandbox, at='"event": "planting"', what="error-403", operation="rollback")

    assert ended.rc == 12, ended.out
    assert "step 'run the target' failed: Render, roll back to dep-" in said(ended)
    assert "HTTP 403, forbidden" in said(ended)
    assert "the key of [secrets] render_api_key_env may not do this to this service" in said(ended)
    assert ended.last_line.startswith("REHEARSAL ACTION FAILED"), ended.last_line
    assert {"run-deploy", "clear-faults"} <= set(owed(ended))
    assert events(ended).count("undo-owed") == events(ended).count("undo-done")
    assert running_sandbox.remote.identity()["live"] == "candidate"


@pytest.mark.nightly
def test_automatic_deploys_that_stay_on_decide(running_sandbox: RunningSandbox, project: Project) -> None:
    """12, although users have the stable release: the next push would take it from them. Nobody is told to do more than that."""
    ended = drill(project, running_sandbox, at='"event": "planting"', what="error-503", operation="patch")

    assert ended.rc == 12, ended.out
    assert "step 'switch automatic deploys off' failed: Render, switch autodeploy of" in said(ended)
    assert "automatic deploys are on: the next push deploys over the rollback" in said(ended)
    steps = [json.loads(line) for line in (ended.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    assert "see which release answers" in {step["step"] for step in steps if step["event"] == "step-done"}
    told = [str(message["body"]["text"]) for message in running_sandbox.remote.received("slack")]
    [ending] = [text for text in told if "no stronger strategy is needed" in text]
    assert "users are well again" in ending
    assert "Left to do: 'switch automatic deploys off'" in ending
    assert not any("take the next stronger strategy" in text for text in told), told


@pytest.mark.nightly
def test_a_provider_that_is_down_stops_its_own_part_only(running_sandbox: RunningSandbox, project: Project) -> None:
    """12: not even the front end's target can be found; the back end and the features are taken back all the same."""
    ended = drill(
        project,
        running_sandbox,
        at='"event": "planting"',
        story="drills/test_full_system.py",
        provider="netlify-answers",
        what="error-401",
        operation="all",
    )

    assert ended.rc == 12, ended.out
    assert "step 'front end: see what is published' failed: Netlify" in said(ended)
    assert "HTTP 401" in said(ended)
    steps = [json.loads(line) for line in (ended.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    done = {step["step"] for step in steps if step["event"] == "step-done"}
    assert done >= {"back end: see which release answers", "see that the features are off", "empty the API's cache"}
    assert running_sandbox.remote.identity()["live"] == "candidate"  # undone


def test_what_cannot_be_put_back_is_undo_failed(running_sandbox: RunningSandbox, project: Project) -> None:
    """14: with what a person must do; also where the last test, which reports it, is an advisory one."""
    ended = drill(
        project, running_sandbox, at='"step": "see which release answers"', what="error-403", operation="rollback"
    )

    assert ended.rc == 14, ended.out
    assert "the back end is not as it was before the rollback: Render, roll back to dep-" in said(ended)
    assert "a person must run the deploy dep-" in said(ended)
    # By its folder: by its id alone it would not be found, since it was given a place of its own.
    assert re.search(rf"pytest --undo \S*{ended.folder.name} --env", said(ended)), ended.out
    assert "docs/runbook.md#undo-failed" in said(ended)
    assert ended.last_line.startswith("REHEARSAL UNDO FAILED"), ended.last_line


@pytest.mark.long_matrix("drills that are refused")
def test_who_is_not_alone_is_refused(running_sandbox: RunningSandbox, project: Project) -> None:
    """13: another session holds the lock; nothing is planted, and nothing is asked of anybody."""
    range_ = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    with environment_lock(range_, run="another run", who="Ada", pushes=False):
        ended = project.run(STORY, "--env", str(running_sandbox.file), NO_WINDOW)

    assert ended.rc == 13, ended.out
    assert "another session is changing sandbox: run another run of Ada" in said(ended)
    assert not (ended.folder / "journal.jsonl").exists()
    assert running_sandbox.remote.identity()["live"] == "candidate"


@pytest.mark.long_matrix("drills that are refused")
def test_no_target_is_refused(running_sandbox: RunningSandbox, project: Project) -> None:
    """13: named wrongly, with the candidates; the target is never guessed."""
    ended = project.run(STORY, "--env", str(running_sandbox.file), NO_WINDOW, "--to", "dep-none")

    assert ended.rc == 13, ended.out
    assert "no deploy of Render has this id" in said(ended)
    assert "--to dep-" in said(ended)


@pytest.mark.long_matrix("drills that are refused")
def test_a_target_for_the_site_that_stays_is_refused(running_sandbox: RunningSandbox, project: Project) -> None:
    """13: it would be passed over, and whoever typed it would think that the back end was taken back."""
    ended = project.run("drills/test_frontend_restore.py", "--env", str(running_sandbox.file), "--to", "backend=1.41.3")

    assert ended.rc == 13, ended.out
    assert "--to backend=…: frontend-restore does not roll the backend back" in said(ended)


@pytest.mark.long_matrix("drills that are refused")
def test_after_a_rollback_of_one_site_the_releases_are_named_one_by_one(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """0 when each site serves what was named for it; 10 when nobody says that two releases are right, or says it the other way."""
    host = site_host(load_environment(str(running_sandbox.file), ROOT / "environments", {}), Waiter())
    stable = running_sandbox.remote.identity()["releases"]["stable"]["commit"]
    host.restore(next(deploy.id for deploy in host.deploys() if deploy.commit == stable))
    Waiter().until(host.live, holds=lambda now: now.commit == stable, within_s=10, what="the stable site is published")
    health = ("-m", "health", "--env", str(running_sandbox.file))

    untold = project.run(*health)
    told = project.run(*health, "--to", "frontend=1.41.3", "--to", "backend=1.42.0")
    swapped = project.run(*health, "--to", "frontend=1.42.0", "--to", "backend=1.41.3")

    assert (untold.rc, told.rc, swapped.rc) == (10, 0, 10), told.out
    assert untold.outcomes()["test_no_part_was_left_behind"] == "broken criterion"
    assert {"test_front_end_is_healthy", "test_back_end_is_healthy"} <= {
        name for name, outcome in swapped.outcomes().items() if outcome == "broken criterion"
    }


@pytest.mark.nightly
def test_automatic_deploys_that_come_back_are_seen(running_sandbox: RunningSandbox, project: Project) -> None:
    """10: the action found them off, a colleague switched them on: the test asks again."""
    ended = drill_with_a_colleague(
        project,
        running_sandbox,
        story=STORY,
        step=backend.STILL_OFF,
        does=lambda environment: api_host(environment, Waiter()).set_auto_deploy(on=True),
    )

    assert ended.rc == 10, ended.out
    assert ended.outcomes()["test_the_next_push_does_not_deploy"] == "broken criterion"
    assert ended.outcomes()["test_the_target_answers"] == "passed"


@pytest.mark.nightly
def test_a_lock_that_is_gone_is_seen(running_sandbox: RunningSandbox, project: Project) -> None:
    """10: the action locked the site, a colleague unlocked it: the test asks again."""

    def unlock(environment: Environment) -> None:
        host = site_host(environment, Waiter())
        host.unlock(host.live().id)

    ended = drill_with_a_colleague(
        project, running_sandbox, story="drills/test_frontend_restore.py", step=frontend.LOCK, does=unlock
    )

    assert ended.rc == 10, ended.out
    assert ended.outcomes()["test_nothing_is_published_over_it"] == "broken criterion"
    assert ended.outcomes()["test_visitors_get_the_target"] == "passed"


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("story", "changed", "does", "red"),
    [
        pytest.param(
            f"drills/test_{way}.py",
            changed,
            does,
            red,
            id=way + ("" if does is deploy_the_bad_back_end else "-site"),
        )
        for way, changed, does, red in (
            ("backend_provider", backend.DEPLOY, deploy_the_bad_back_end, "test_the_target_answers"),
            ("frontend_restore", frontend.RESTORE, publish_the_bad_site, "test_visitors_get_the_target"),
            ("full_system", BACK + backend.DEPLOY, deploy_the_bad_back_end, "test_the_stable_service_answers"),
            ("full_system", FRONT + frontend.RESTORE, publish_the_bad_site, "test_visitors_get_the_stable_site"),
            ("backend_commit", backend.DEPLOY, deploy_the_bad_back_end, "test_the_target_answers"),
            ("backend_branch", backend.DEPLOY, deploy_the_bad_back_end, "test_the_target_answers"),
            ("frontend_commit", frontend.RESTORE, publish_the_bad_site, "test_visitors_get_the_target"),
            ("frontend_revert", frontend.RESTORE, publish_the_bad_site, "test_visitors_get_the_target"),
        )
    ],
)
def test_what_is_deployed_over_the_rollback_is_seen(
    running_sandbox: RunningSandbox,
    project: Project,
    story: str,
    changed: str,
    does: Callable[[Environment], object],
    red: str,
) -> None:
    """10: the action saw its target, a colleague deployed the bad release again: the test asks anew."""
    ended = drill_deployed_over(project, running_sandbox, story=story, changed=changed, does=does)

    assert ended.rc == 10, ended.out
    assert ended.outcomes()[red] == "broken criterion"
    assert "expected" in said(ended)
