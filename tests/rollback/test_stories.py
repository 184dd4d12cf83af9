"""Whole stories, seen from outside: one that does not help, one that is not done, one that is stopped, and the real one.

The drill that is a GO: test_drill.py. Runs that were killed: test_resume.py.
"""

import json
import re
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pam_rollback.core.errors import NothingToProve
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe.incident import ErrorRate
from pam_rollback.probe.observation import Observation
from pam_rollback.report.earlier_runs import sought
from pam_rollback.rollback import planting
from tests.fault_rows.communication import CHANNEL, CHANNELS, STORY_NOTICE
from tests.fault_rows.health import READS
from tests.fault_rows.matrix import ROOT
from tests.plugin.drilling import NO_WINDOW, calm, journal, switched_off, switched_on, wait_for
from tests.sessions import ONLY_HEALTH, WINDOWS, Project, RunningSandbox
from tests.virtual_clock import VirtualClock


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories and answers, not about each check."""
    return (*ONLY_HEALTH, WINDOWS)


STORY = "drills/test_feature_flag.py"
SHARED = {
    *("test_incident_is_seen", "test_team_was_notified", "test_users_recover_in_time"),
    *("test_recovery_is_complete_in_time", "test_no_acknowledged_write_is_lost", "test_no_older_configuration_is_lost"),
}
"""What each is held against."""
WITHOUT_PAGES = ("-m", "rollback and not journey")
"""The story without a browser."""


@dataclass(frozen=True)
class Helpless:
    """What goes on after the rollback, and the expectations that depend on it."""

    id: str
    red: frozenset[str]
    faults: Mapping[str, Mapping[str, str | float]]
    arguments: tuple[str, ...] = field(
        default=(NO_WINDOW, "-k", f"reverts or {STORY_NOTICE} or {CHANNEL} or {CHANNELS}")
    )


HELPLESS = (
    Helpless(
        "a tenth of the users keeps the features, and the channel is down",
        frozenset({"test_every_user_reverts", STORY_NOTICE, CHANNEL, CHANNELS}),
        {"flags-partial": {"percent": 10}, "notifications-down": {}},
    ),
    Helpless(
        "slow all the same",
        frozenset({"test_response_time_stays_low", "test_recovery_is_complete_in_time", "test_users_recover_in_time"}),
        {"delay-all": {"ms": 700}},
        (),
    ),
)


@pytest.mark.long_matrix
@pytest.mark.parametrize("case", HELPLESS, ids=lambda case: case.id)
def test_a_rollback_that_does_not_help_is_seen(
    running_sandbox: RunningSandbox, project: Project, case: Helpless
) -> None:
    """Each expectation that depends on it turns red, and says so: NO-GO."""
    if NO_WINDOW in case.arguments:
        calm(project)
    for name in ("test_communication.py", "test_escalation.py"):
        shutil.copy(ROOT / "checks" / name, project.folder / "checks")
    with project.start(STORY, "--env", str(running_sandbox.file), *case.arguments) as session:
        # After the incident was planted (its own clean-up would take an earlier fault away) and before the rollback is judged.
        wait_for(project.run_folder / "after-feature-flag" / "baseline.json", "overall")
        for fault, parameters in case.faults.items():
            running_sandbox.remote.plant(fault, **parameters)
        ended = project.finish(session)

    assert ended.rc == 10, ended.out
    assert {name for name, outcome in ended.outcomes().items() if outcome == "broken criterion"} >= case.red, ended.out


def test_a_failed_action_is_told_and_hidden_by_nothing(running_sandbox: RunningSandbox, project: Project) -> None:
    """The admin API says 200 and nothing changes. Only checks are selected, and all that says nothing of the incident is green: 12.

    Whoever heard that the rollback began hears at once that it failed, with the step.
    """
    calm(project)
    running_sandbox.remote.plant("flags-ignored")

    ended = project.run(
        "-m", "health", "--situation", "after-feature-flag", "--env", str(running_sandbox.file), NO_WINDOW
    )

    outcomes = ended.outcomes()
    del outcomes[READS]  # the incident goes on: a share of what users read fails
    assert set(outcomes.values()) == {"passed"}, ended.out
    assert ended.rc == 12, ended.out
    said = " ".join(ended.out.split())
    assert "accepted, but it did not take effect" in said
    assert "the rollback was not done: step 'read the flags back' failed" in said
    texts = [message["body"]["text"] for message in running_sandbox.remote.received("slack")]
    [failed] = [text for text in texts if "FAILED after" in text]
    assert "Last step: read the flags back (FAILED)" in failed
    assert not any("every step is done" in text for text in texts)


@dataclass(frozen=True)
class NobodyFails:
    """The prober of a situation in which all is well."""

    clock: VirtualClock

    @property
    def settled_s(self) -> float:
        """Up to now."""
        return self.clock.now_s

    def error_rate(self, **_: object) -> ErrorRate:
        """None."""
        return ErrorRate(errors=0, n=100, over_s=5, limit_pct=20)


def test_an_incident_that_cannot_be_seen_proves_nothing() -> None:
    """The planted fault hits nobody, say because the features are off already: no rollback is claimed."""
    clock = VirtualClock()
    planted: Any = SimpleNamespace(journeys=())

    with pytest.raises(NothingToProve, match="the planted incident cannot be seen, so this drill proves nothing"):
        planting.see(cast("Observation", NobodyFails(clock)), Waiter(clock), planted, over_s=5, limit_pct=20)


@pytest.mark.long_matrix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_a_signal_ends_the_wait_and_undoes(
    running_sandbox: RunningSandbox, project: Project, number: signal.Signals, workers: tuple[str, ...]
) -> None:
    """In the middle of the window: the wait ends, the flags are back, the test that ran is not judged, the code is not pytest's mild 2.

    What was begun is told to its end, also to the pager. A second session is refused while the first one acts, and changes nothing.
    """
    long_window(project)
    command = (STORY, "--env", str(running_sandbox.file), "--pace=20", *WITHOUT_PAGES, *workers)
    # Whoever runs these tests under nohup hands on that a hang-up is ignored.
    with project.start(*command, preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL)) as session:
        folder = project.run_folder
        wait_for(folder / "journal.jsonl", "window-began")
        second = project.run(STORY, "--env", str(running_sandbox.file))
        sent_s = time.monotonic()
        session.send_signal(number)
        project.runs -= 1
        ended = project.finish(session)
        took_s = time.monotonic() - sent_s

    assert second.rc in {11, 13}, second.out
    assert not {"action", "planting"} & {entry["event"] for entry in journal(second.folder)}
    assert took_s < WINDOW_S, "it ended because it was asked to"
    assert ended.rc == 12, ended.out
    assert switched_on(running_sandbox)
    assert running_sandbox.remote.faults() == []
    assert f"stopped by {number.name}" in " ".join(ended.out.split())
    shown = [json.loads(path.read_text("utf-8")) for path in ended.folder.glob("allure-results/*-result.json")]
    why = [one["statusDetails"]["message"] for one in shown if one["status"] == "skipped"]
    assert any(text.startswith(f"not run: stopped by {number.name} while it ran") for text in why), why
    assert not re.search(r"BROKEN|UNKNOWN|could not", ended.out), ended.out
    actions = [message["body"].get("event_action") for message in running_sandbox.remote.received("pagerduty")]
    assert actions[-1] == "resolve"


WINDOW_S = 45
"""At pace 20."""


def long_window(project: Project) -> None:
    """So long that a machine that is busy does something else meanwhile; the incident is seen as soon as otherwise."""
    calm(project)
    plan = (project.folder / "plan.toml").read_text(encoding="utf-8")
    old = "error_rate_pct_max = 20\nduration_s = 300"
    assert old in plan
    project.write("plan.toml", plan.replace(old, "error_rate_pct_max = 20\nduration_s = 40"))


def test_a_dry_run_sends_nothing(running_sandbox: RunningSandbox, project: Project) -> None:
    """PLANNED, 11, and the sandbox has seen no request."""
    before = running_sandbox.remote.request_counts()

    ended = project.run(STORY, "--env", str(running_sandbox.file), "--dry-run")

    assert ended.rc == 11, ended.out
    assert ended.last_line.startswith("PLANNED for feature-flag"), ended.last_line
    assert "switch the features off" in ended.out
    assert running_sandbox.remote.request_counts() == before


def test_every_story_is_held_against_the_same(running_sandbox: RunningSandbox, project: Project) -> None:
    """Each has the same objectives, and the recovery time of its own strategy: what a decision quotes is on record under it."""
    planned = project.run("drills", "--env", str(running_sandbox.file), "--dry-run")
    wanted = {
        situation: own.criterion
        for own in sought(load_plan(ROOT / "plan.toml")).values()
        for situation in own.situations
    }

    assert planned.rc == 11, planned.out
    for situation, criterion in wanted.items():
        of_story = {
            result["nodeid"].rpartition("::")[2].partition("[")[0]: result["criteria"]
            for result in planned.record["results"]
            if result["situation"] == situation and result["phase"] == "rollback"
        }
        assert set(of_story) >= SHARED, situation
        assert of_story["test_users_recover_in_time"] == [criterion], situation


def test_no_secret_is_written_anywhere(running_sandbox: RunningSandbox, project: Project) -> None:
    """A test that shouts every secret, in every channel: none of them is in any file of the run or on the terminal."""
    secrets = [*running_sandbox.variables.values(), running_sandbox.state["sandbox"]["token"]]
    secrets.remove(running_sandbox.variables["TEST_USER_EMAIL"])
    project.write(
        "checks/test_case.py",
        '"""Is it?"""\n'
        "import allure, sys\n"
        "def test_a(environment, runbook):\n"
        "    told = ' '.join(environment.secrets())\n"
        "    print(told); print(told, file=sys.stderr)\n"
        "    allure.attach(told, name='told')\n"
        "    with allure.step(told):\n"
        "        pass\n"
        "    runbook.journal.append('shout', told=told)\n"
        "    assert told == '', told\n"
        "def test_b(environment):\n"
        "    raise KeyError(environment.secret('admin_token'))\n",
    )

    ended = project.run("checks/test_case.py", "--env", str(running_sandbox.file), "-rA", "--tb=long", "--showlocals")
    written = {path: path.read_bytes().decode("utf-8", "replace") for path in ended.folder.rglob("*") if path.is_file()}

    assert ended.rc == 10, ended.out
    assert [secret for secret in secrets if secret in ended.out] == []
    assert [(path.name, secret) for path, text in written.items() for secret in secrets if secret in text] == []


def test_the_same_file_is_the_real_rollback(running_sandbox: RunningSandbox, project: Project) -> None:
    """The sandbox plays production: nothing is planted, the features go off and stay off, and only --undo brings them back."""
    project.environment.update(running_sandbox.variables)
    project.write("environments/production.toml", production(running_sandbox.state["urls"]))
    calm(project)
    consent = ["--execute", "--confirm", "production", "--reason", "errors since 14:02", "--initiated-by", "alex"]
    acks = [
        "--ack",
        "SC-5=kim: the old chat is back",
        "--ack",
        "SC-6=kim: tickets as usual",
        "--ack",
        "SC-3=kim: memory flat on the dashboard",
    ]
    real = project.run(STORY, "--env", "production", "--mode", "real", *consent, *acks, "--to", "1.42.0")

    assert real.rc == 0, real.out
    assert real.last_line.startswith("GO for feature-flag production 127.0.0.1:"), real.last_line
    assert "not part of a real rollback: test_incident_is_seen" in real.out
    assert "no flags and settings were recorded before; a baseline has them" in real.out
    assert "test_incident_is_seen" not in real.outcomes()
    assert switched_off(running_sandbox)
    assert "undo-done" not in {entry["event"] for entry in journal(real.folder)}

    undone = project.run("--undo", str(real.folder), "--env", "production", *consent)
    assert undone.rc == 0, undone.out
    assert switched_on(running_sandbox)


def production(urls: dict[str, str]) -> str:
    """An environment file as production would have it, with a window that a test can wait for and the waiver that this takes."""
    return f"""
name = "production"
kind = "production"
abilities = ["flag_admin", "flag_evaluation", "feature_check", "test_account", "slack"]
[urls]
frontend = "{urls["frontend"]}"
api = "{urls["api"]}"
backend = "{urls["backend"]}"
[secrets]
admin_token_env = "PAM_ADMIN_TOKEN"
slack_webhook_env = "PAM_SLACK_WEBHOOK_URL"
test_user_email_env = "TEST_USER_EMAIL"
test_user_password_env = "TEST_USER_PASSWORD"
[probing]
rate_hz = 50
timeout_s = 2
[thresholds.SC-1]
duration_s = 16
[thresholds.SC-2]
duration_s = 16
p95_ms_max = 3000
[[waivers]]
item = "SC-1"
until = 2099-12-31
reason = "a test cannot wait for 15 minutes"
approved_by = "the test"
[[waivers]]
item = "SC-2"
until = 2099-12-31
reason = "a test cannot wait for 15 minutes"
approved_by = "the test"
"""
