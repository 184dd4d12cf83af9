"""Whole sessions of a ramp on a running sandbox: what users have afterwards, what the journal knows, and the exit code.

A watch takes 5 s here instead of a quarter of an hour; each stage is watched once, and stages need not be apart. What an invocation does
when, and what it never does, is in test_invocation.py, in simulated time; `make test` runs of the sabotages the breach that is rolled back.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pam_rollback.plan.flags import Flag
from pam_rollback.plan.plan import load_plan
from pam_rollback.redeploy.ramp.invocation import RampJournal
from pam_rollback.redeploy.ramp.state import RampEvent, rules_of
from pam_rollback.rollback.lock import environment_lock
from pam_rollback.target.environment_file import load_environment
from tests.ramp.gate_runs import leave_gate_run
from tests.sessions import FLAGS, ONLY_HEALTH, ROOT, Finished, Project, RunningSandbox

PACE = 180
RELEASE = "1.42.0"
INCONCLUSIVE = 11
_BUSY_AT_MOST = 3
_WITHIN_S = 120


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """A ramp asks for none of the checks."""
    return ONLY_HEALTH


@dataclass
class Ramped:
    """A project, a sandbox with the features off, and the ramp's journal between them."""

    project: Project
    range: RunningSandbox
    env: Path
    approvals: tuple[str, ...] = ()

    @property
    def journal(self) -> Path:
        """Where it is without --state-dir."""
        return self.project.folder / "reports" / "state" / "sandbox" / "ramp.jsonl"

    def run(self, *args: str) -> Finished:
        """One invocation."""
        return self.project.run(*self.arguments, *args)

    def run_until_known(self, *args: str) -> Finished:
        """One invocation, and others after it while users could not be watched: a machine that is too busy ends with 11, as it should."""
        ended = self.run(*args)
        return ended if ended.rc != INCONCLUSIVE else until_known(self.run)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What every invocation has."""
        return ("-m", "ramp", "--env", str(self.env), f"--pace={PACE}")

    def let_in(self, share: int) -> None:
        """Set the flags, as the ramp did in an earlier invocation, or as somebody did."""
        flag = Flag(enabled=share > 0, rollout_pct=share)
        self.range.flags.set_flags(dict.fromkeys(FLAGS, flag))

    @property
    def shares(self) -> set[int]:
        """What the plan's flags stand at."""
        flags = self.range.flags.read_flags()
        return {flags[name].rollout_pct if flags[name].enabled else 0 for name in FLAGS}

    def events(self, *kinds: str) -> list[str]:
        """The events of these kinds in the journal, with their stages."""
        lines = [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]
        return [
            f"{line['event']} {line.get('stage', '')}".strip() for line in lines if not kinds or line["event"] in kinds
        ]

    def stands_at(self, number: int, *, held: bool = True) -> None:
        """Make the journal and the flags of a ramp that has come so far; each window so far is complete."""
        plan = load_plan(self.project.folder / "plan.toml")
        rules = rules_of(plan.ramp, plan.ramp_terms, pace=PACE, approvals=self.approvals)
        now_s = time.time() - 30
        journal = RampJournal(self.journal, lambda: now_s)
        journal.begin()
        journal.append(RampEvent.STARTED, release=RELEASE, terms=rules.terms, by="tests")
        for step in rules.stages[: number + 1]:
            journal.append(RampEvent.RAISING, stage=step.id, by="tests")
            journal.append(RampEvent.ENTERED, stage=step.id, by="tests")
            if held or step is not rules.stages[number]:
                until_s = now_s + step.hold_s
                journal.append(
                    RampEvent.WATCHED, stage=step.id, from_s=now_s, until_s=until_s, state="good", words="tests"
                )
                now_s = until_s
        self.let_in(rules.stages[number].share_pct)


@pytest.fixture
def ramped(running_sandbox: RunningSandbox, project: Project) -> Iterator[Ramped]:
    """Features off, as after a rollback, and a gate that said GO a minute ago."""
    plan = (project.folder / "plan.toml").read_text(encoding="utf-8")
    assert plan.count("hold_s_min = 7200") == 3
    # How fast a busy machine answers is another test's concern: here a slow answer would be a breach that nobody planted.
    plan = plan.replace("p95_ms_max = 500", "p95_ms_max = 4000")
    project.write(
        "plan.toml",
        plan.replace("hold_s_min = 7200", "hold_s_min = 900").replace("apart_s_min = 72000", "apart_s_min = 0"),
    )
    # A watch of 5 s needs all answers that it can have.
    project.adjust("environments/sandbox.toml", "[probing]\nrate_hz = 25", "[probing]\nrate_hz = 50")
    leave_gate_run(project.folder / "reports" / "out", **about(running_sandbox))
    found = Ramped(project, running_sandbox, running_sandbox.file)
    found.let_in(0)
    yield found
    running_sandbox.as_it_was()


@pytest.fixture
def asking(ramped: Ramped) -> Ramped:
    """Where the last stage needs a person's yes, by the environment's file."""
    ramped.env = ramped.project.folder / "asking.toml"
    ramped.env.write_text(
        ramped.range.file.read_text(encoding="utf-8") + '\n[ramp]\napprovals = ["RA-4"]\n', encoding="utf-8"
    )
    ramped.env.chmod(0o600)
    ramped.approvals = ("RA-4",)
    return ramped


def about(running_sandbox: RunningSandbox) -> dict[str, Any]:
    """What a gate of it is about, as its record has it."""
    return {"host": host_of(running_sandbox), "commits": [running_sandbox.remote.identity()["commit"]]}


def host_of(running_sandbox: RunningSandbox) -> str:
    """Where its API is, as a record has it."""
    return urlsplit(str(running_sandbox.state["urls"]["api"])).netloc


def until_known(invoke: Callable[[], Finished]) -> Finished:
    """The first invocation that could watch users, or the last of several."""
    ended = invoke()
    for _ in range(_BUSY_AT_MOST):
        if ended.rc != INCONCLUSIVE:
            break
        ended = invoke()
    return ended


def killed_in_a_raise(ramped: Ramped) -> bool:
    """Kill an invocation as soon as its journal says that it raises.

    False when it ended before, since users could not be watched: then nothing of it is left, or its raise would be taken for the next.
    """
    with ramped.project.start(*ramped.arguments) as session:
        end_s = time.monotonic() + _WITHIN_S
        while not (ramped.journal.exists() and '"raising"' in ramped.journal.read_text(encoding="utf-8")):
            assert time.monotonic() < end_s, "it never raised"
            if session.poll() is not None:
                ended = ramped.project.finish(session)
                assert ended.rc == INCONCLUSIVE, ended.out
                ramped.journal.unlink(missing_ok=True)
                ramped.let_in(0)
                return False
            time.sleep(0.002)
        session.kill()
        session.communicate()
    return True


@pytest.mark.nightly
def test_killed_in_the_middle_of_a_raise_it_goes_on_with_the_next_due_thing(ramped: Ramped) -> None:
    """Killed with -9 as soon as the journal says that it raises: then 10 %, entered once and watched.

    On a commit a hundred kills at every write hold that, in simulated time: test_kills.py.
    """
    assert any(killed_in_a_raise(ramped) for _ in range(_BUSY_AT_MOST)), "it never raised"
    ended = ramped.run_until_known()

    assert (ended.rc, ramped.shares) == (0, {10}), ended.out
    assert ramped.events("entered", "window-complete") == ["entered RA-1", "window-complete RA-1"]
    assert "next: raise to RA-2 (25 %)" in " ".join(ended.out.split())
    assert "REHEARSAL GO for ramp" in ended.last_line


@pytest.mark.long_matrix("sabotages of a ramp")
def test_a_breach_in_a_stage_is_rolled_back(ramped: Ramped) -> None:
    """Only the tenth of the users who have the features fails, and the prober's own account may not be one of them. Ended with 10."""
    ramped.stands_at(0, held=False)
    ramped.range.remote.plant("errors", share=0.9)
    ended = ramped.run()

    assert (ended.rc, ramped.shares) == (10, {0}), ended.out
    assert ramped.events("lowering", "rolled-back") == ["lowering", "rolled-back"]
    assert "the ramp was rolled back" in " ".join(ended.out.split())
    ramped.range.remote.clear_all()
    again = ramped.run()
    assert (again.rc, ramped.shares) == (13, {0}), again.out
    assert "was rolled back at" in " ".join(again.out.split())


@pytest.mark.long_matrix("sabotages of a ramp")
def test_from_nobody_to_everybody_no_invocation_skips_or_repeats(asking: Ramped) -> None:
    """All stages by real sessions, one after the other, as a scheduled job would; then a yes, then nothing is left to do."""
    seen = []
    shares = [0]
    while shares[-1] < 50:
        ended = asking.run_until_known()
        # On a busy machine a stage's time may be over when its session ends, and the next one enters two; never one that was entered.
        assert ended.rc == 0, ended.out
        assert min(asking.shares) == max(asking.shares) > shares[-1], ended.out
        shares.append(max(asking.shares))
        seen.append(ended.out)
    waiting = asking.run_until_known()
    assert (waiting.rc, asking.shares) == (0, {50}), waiting.out
    assert 'waits for a yes to RA-4 (100 %): --approve RA-4="who: why"' in " ".join(waiting.out.split())
    asked = [str(message) for message in asking.range.remote.received("slack")]
    assert sum("waits for a yes to RA-4" in message for message in asked) == 1
    last = asking.run_until_known("--approve", "RA-4=kim: two quiet days")
    after = asking.run_until_known()

    assert (last.rc, after.rc, asking.shares) == (0, 0, {100}), last.out + after.out
    assert asking.events("raising", "entered", "window-complete", "finished") == [
        *(f"{event} RA-{stage}" for stage in (1, 2, 3) for event in ("raising", "entered", "window-complete")),
        "raising RA-4",
        "entered RA-4",
        "window-complete RA-4",
        "finished",
    ]
    assert "next: raise to RA-2 (25 %)" in " ".join(seen[0].split())
    assert any("ramp: raised to RA-4 (100 %)" in note for note in last.record["notes"])
    [share] = [result for result in last.record["results"] if "share_of_users" in result["nodeid"]]
    assert share["criteria"] == ["RA-4"], "what was not measured is not said to be ok"


@pytest.mark.long_matrix("sabotages of a ramp")
def test_a_raise_that_does_not_take_effect_is_a_failed_action(ramped: Ramped) -> None:
    """The flag API says 200 and changes nothing: 12, and the journal does not say that anybody was let in."""
    ramped.range.remote.plant("flags-ignored")
    ended = ramped.run_until_known()

    assert (ended.rc, ramped.shares) == (12, {0}), ended.out
    assert "RA-1 (10 %): accepted, but it did not take effect" in " ".join(ended.out.split())
    assert ramped.events("raising", "entered") == ["raising RA-1"]


def test_one_ramp_at_a_time(ramped: Ramped) -> None:
    """Another session holds the environment: 13, before anybody is looked at."""
    range_ = load_environment(str(ramped.env), ROOT / "environments", {})
    with environment_lock(range_, run="another run", who="Ada", pushes=False):
        ended = ramped.run()

    assert ended.rc == 13, ended.out
    assert "another session is changing sandbox: run another run of Ada" in " ".join(ended.out.split())
    assert not ramped.journal.exists()


def test_a_state_out_of_reach_lets_nobody_in(ramped: Ramped) -> None:
    """Another machine may have taken this very release back: 11, and nothing is begun."""
    ramped.project.environment["PAM_STATE"] = "git:http://127.0.0.1:9/state.git"
    ended = ramped.run()

    assert (ended.rc, ramped.shares) == (11, {0}), ended.out
    assert "what other machines know of this ramp is not known here" in " ".join(ended.out.split())
    assert not ramped.journal.exists()


def test_a_dry_run_names_the_stages_and_sends_nothing(ramped: Ramped) -> None:
    """PLANNED, 11."""
    before = ramped.range.remote.request_counts()
    ended = ramped.run("--dry-run")

    assert ended.rc == 11, ended.out
    assert ended.last_line.startswith("PLANNED for ramp"), ended.last_line
    assert [step["step"] for step in ended.record["steps"]] == [
        "RA-1: raise to 10 %",
        "RA-2: raise to 25 %",
        "RA-3: raise to 50 %",
        "RA-4: raise to 100 %",
    ]
    assert ramped.range.remote.request_counts() == before


@pytest.mark.nightly  # on a commit: consent in tests/plugin/test_guard.py, the rest in test_invocation.py and the sessions above
def test_the_real_ramp_needs_consent_and_is_the_same(ramped: Ramped) -> None:
    """The sandbox plays staging: without consent 13; with it the same file lets users in for real, with a journal of that environment."""
    plan = (ramped.project.folder / "plan.toml").read_text(encoding="utf-8")
    ramped.project.write("plan.toml", plan.replace("hold_s_min = 900", "hold_s_min = 5"))
    ramped.project.write("environments/staging.toml", staging(ramped.range))
    ramped.project.environment.update(ramped.range.variables)
    leave_gate_run(ramped.project.folder / "reports" / "out", environment="staging", **about(ramped.range))
    consent = (
        "--mode",
        "real",
        "--execute",
        "--confirm",
        "staging",
        "--reason",
        "1.42.0 is well",
        "--initiated-by",
        "kim",
    )
    refused = ramped.project.run("-m", "ramp", "--env", "staging")
    assert (refused.rc, ramped.shares) == (13, {0}), refused.out
    assert "a ramp lets users of staging (staging) have the new features" in " ".join(refused.out.split())
    ended = until_known(lambda: ramped.project.run("-m", "ramp", "--env", "staging", *consent))

    assert (ended.rc, ramped.shares) == (0, {10}), ended.out
    assert ended.last_line.startswith("GO for ramp staging 127.0.0.1:"), ended.last_line
    journal = (ramped.journal.parents[1] / "staging" / "ramp.jsonl").read_text(encoding="utf-8")
    assert '"event": "entered", "stage": "RA-1", "by": "kim"' in journal


def staging(running_sandbox: RunningSandbox) -> str:
    """An environment file, with windows that a test can wait for and the waivers that this takes."""
    urls = running_sandbox.state["urls"]
    waived = "".join(
        f"""
[thresholds.{item}]
duration_s = 20
gap_s_max = 3
[[waivers]]
item = "{item}"
until = 2099-12-31
reason = "a test cannot wait for 15 minutes"
approved_by = "the test"
"""
        for item in ("SC-1", "SC-2", "SC-3")
    )
    return f"""
name = "staging"
kind = "staging"
abilities = ["flag_admin", "flag_evaluation", "test_account", "feature_check", "metrics", "slack"]
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
{waived}"""


@pytest.mark.long_matrix("sabotages of a ramp")
def test_what_cannot_be_measured_lets_nobody_in(ramped: Ramped) -> None:
    """The features of those who have them cannot be tried: 11, although everything else is well and a raise is due."""
    ramped.stands_at(0)
    text = ramped.range.file.read_text(encoding="utf-8")
    ramped.env = ramped.project.folder / "blind.toml"
    ramped.env.write_text(f'{text}\n[paths]\nfeature_check = "/no-such-path"\n', encoding="utf-8")
    ramped.env.chmod(0o600)
    ended = ramped.run()

    assert (ended.rc, ramped.shares) == (11, {10}), ended.out
    assert "nobody is let in" in " ".join(ended.out.split())
