"""Whole stories, seen from outside: one action per environment, stopped half way, killed half way, undone, and for real."""

import json
import re
import signal
import time
from pathlib import Path

import pytest

from pam_rollback.core.flags import Flag
from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote
from tests.sessions import FLAGS, ON, ONLY_HEALTH, WINDOWS, Finished, Project, Range


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories and answers, not about each check."""
    return (*ONLY_HEALTH, WINDOWS)


STORY = "drills/test_feature_flag.py"
OFF = Flag(enabled=False, rollout_pct=0)
FLAG_POST = "POST /admin/feature-flags"
NO_WINDOW = "--pace=600"
"""A window of 1.5 s is told to be too short at once: for sessions that show something else, whatever becomes of it."""
_POLL_S = 0.05
_WITHIN_S = 90


def wait_for(path: Path, text: str) -> None:
    """Wait until a file holds the text."""
    end_s = time.monotonic() + _WITHIN_S
    while not (path.exists() and text in path.read_text(encoding="utf-8")):
        assert time.monotonic() < end_s, f"{path} never said {text!r}"
        time.sleep(_POLL_S)


def steps(ended: Finished) -> list[str]:
    """What the journal says was done, in order."""
    lines = (ended.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry["event"] for entry in map(json.loads, lines)]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_one_action_per_environment(practice_range: Range, project: Project, workers: tuple[str, ...]) -> None:
    """However many workers there are: one change and one undo, seen by the sandbox; everything is GO, and as it was before."""
    before = practice_range.remote.request_counts().get(FLAG_POST, 0)

    ended = project.run(STORY, "--env", str(practice_range.file), *workers)

    assert ended.rc == 0, ended.out
    assert practice_range.remote.request_counts()[FLAG_POST] - before == 2
    assert steps(ended).count("action") == 1
    assert ended.last_line.startswith("REHEARSAL GO for feature-flag sandbox 127.0.0.1:"), ended.last_line
    assert {practice_range.flags.read_flags()[name] for name in FLAGS} == {ON}
    assert practice_range.remote.faults() == []
    texts = [message["body"]["text"] for message in practice_range.remote.slack_messages()]
    assert all(text.startswith("DRILL, nothing is wrong") for text in texts)
    # The story's own message; besides it the escalation tells of the beginning and the end.
    assert sum("switched off for all users" in text for text in texts) == 1


@pytest.mark.parametrize(
    ("fault", "parameters", "rc", "red"),
    [
        pytest.param(
            "flags-partial",
            {"percent": 10},
            10,
            {"test_every_user_reverts"},
            id="a tenth of the users keeps the features",
        ),
        pytest.param("notifications-down", {}, 10, {"test_team_was_notified"}, id="the channel is down"),
        pytest.param(
            "delay-all",
            {"ms": 700},
            10,
            {"test_response_time_stays_low", "test_recovery_is_complete_in_time", "test_users_recover_in_time"},
            id="slow all the same",
        ),
    ],
)
@pytest.mark.long_matrix
def test_a_rollback_that_does_not_help_is_seen(
    practice_range: Range, project: Project, fault: str, parameters: dict[str, float], rc: int, red: set[str]
) -> None:
    """The expectation that depends on it turns red, and says so."""
    with project.start(STORY, "--env", str(practice_range.file)) as session:
        # After the incident was planted (its own clean-up would take an earlier fault away) and before the rollback is judged.
        wait_for(project.run_folder / "after-feature-flag" / "baseline.json", "overall")
        practice_range.remote.plant(fault, **parameters)
        ended = project.finish(session)

    assert ended.rc == rc, ended.out
    assert {name for name, outcome in ended.outcomes().items() if outcome == "broken criterion"} >= red, ended.out


def test_accepted_but_ignored_is_a_failed_action(practice_range: Range, project: Project) -> None:
    """The admin API says 200 and nothing changes: 12, never GO, and the checks still say how it is."""
    practice_range.remote.plant("flags-ignored")

    ended = project.run(STORY, "--env", str(practice_range.file), NO_WINDOW)

    assert ended.rc == 12, ended.out
    assert "accepted, but it did not take effect" in " ".join(ended.out.split())
    assert ended.outcomes()["test_pam_is_healthy"] == "passed"


def test_checks_alone_do_not_hide_a_failed_action(practice_range: Range, project: Project) -> None:
    """Only checks are selected and all of them are green, but the rollback before them was not done: 12, never GO."""
    practice_range.remote.plant("flags-ignored")

    ended = project.run("-m", "health", "--situation", "after-feature-flag", "--env", str(practice_range.file))

    assert set(ended.outcomes().values()) == {"passed"}, ended.out
    assert ended.rc == 12, ended.out
    assert "the rollback was not done: step 'read the flags back' failed" in " ".join(ended.out.split())


def test_an_incident_that_cannot_be_seen_proves_nothing(practice_range: Range, project: Project) -> None:
    """The planted fault breaks less than the plan's limit: INCONCLUSIVE, and no rollback is claimed."""
    plan = (project.folder / "plan.toml").read_text(encoding="utf-8")
    assert "error_rate_pct_max = 20" in plan
    project.write("plan.toml", plan.replace("error_rate_pct_max = 20", "error_rate_pct_max = 99"))

    ended = project.run(STORY, "--env", str(practice_range.file))

    assert ended.rc == 11, ended.out
    assert "the planted incident cannot be seen, so this drill proves nothing" in " ".join(ended.out.split())
    assert "action" not in (steps(ended) if (ended.folder / "journal.jsonl").exists() else [])


@pytest.mark.long_matrix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_a_signal_ends_the_wait_and_undoes(
    practice_range: Range, project: Project, number: signal.Signals, workers: tuple[str, ...]
) -> None:
    """In the middle of the window: the wait ends, the flags are back, the report says broken, the code is not pytest's mild 2."""
    with project.start(STORY, "--env", str(practice_range.file), *workers) as session:
        wait_for(project.run_folder / "journal.jsonl", "window-began")
        sent_s = time.monotonic()
        session.send_signal(number)
        ended = project.finish(session)
        took_s = time.monotonic() - sent_s

    assert took_s < 15
    assert ended.rc == 12, ended.out
    assert {practice_range.flags.read_flags()[name] for name in FLAGS} == {ON}
    assert practice_range.remote.faults() == []
    assert f"stopped by {number.name}" in " ".join(ended.out.split())
    assert '"status": "broken"' in "".join(
        path.read_text(encoding="utf-8") for path in ended.folder.glob("allure-results/*-result.json")
    )


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    "after",
    ['"step": "switch the features off"', '"step": "tell the team", "result"'],
    ids=["in the change", "in the wait"],
)
def test_what_kill_9_left_can_be_undone(practice_range: Range, project: Project, after: str) -> None:
    """The journal knows what is owed; --undo puts it back, once, and refuses another environment."""
    with project.start(STORY, "--env", str(practice_range.file)) as session:
        wait_for(project.run_folder / "journal.jsonl", after)
        wait_for(project.run_folder / "journal.jsonl", '"kind": "set-flags"')
        session.kill()
        project.finish(session)
    killed = str(project.run_folder)

    undone = project.run("--undo", killed, "--env", str(practice_range.file))

    assert undone.rc == 0, undone.out
    assert "UNDONE: 2 changes" in undone.out
    assert {practice_range.flags.read_flags()[name] for name in FLAGS} == {ON}
    again = project.run("--undo", killed, "--env", str(practice_range.file))
    assert "UNDONE: 0 changes" in again.out
    elsewhere = project.run(
        "--undo",
        killed,
        "--env",
        "production",
        "--execute",
        "--confirm",
        "production",
        "--reason",
        "r",
        "--initiated-by",
        "i",
    )
    assert elsewhere.rc == 13, elsewhere.out


def test_two_sessions_do_not_change_one_environment(practice_range: Range, project: Project) -> None:
    """The second is refused while the first acts, and changes nothing."""
    with project.start(STORY, "--env", str(practice_range.file), NO_WINDOW) as first:
        folder = project.run_folder
        wait_for(folder / "journal.jsonl", '"event": "action"')
        second = project.run(STORY, "--env", str(practice_range.file))
        project.runs -= 1
        ended = project.finish(first)

    assert second.rc in {11, 13}, second.out
    assert not (second.folder / "journal.jsonl").exists() or "step-started" not in steps(second)
    assert ended.rc in {0, 10, 11}, ended.out


def test_a_dry_run_sends_nothing(practice_range: Range, project: Project) -> None:
    """PLANNED, 11, and the sandbox has seen no request."""
    before = practice_range.remote.request_counts()

    ended = project.run(STORY, "--env", str(practice_range.file), "--dry-run")

    assert ended.rc == 11, ended.out
    assert ended.last_line.startswith("PLANNED for feature-flag"), ended.last_line
    assert "switch the features off" in ended.out
    assert practice_range.remote.request_counts() == before


def test_no_secret_is_written_anywhere(practice_range: Range, project: Project) -> None:
    """A test that shouts every secret, in every channel: none of them is in any file of the run or on the terminal."""
    secrets = [*practice_range.variables.values(), practice_range.state["sandbox"]["token"]]
    secrets.remove(practice_range.variables["TEST_USER_EMAIL"])
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

    ended = project.run("checks/test_case.py", "--env", str(practice_range.file), "-rA", "--tb=long", "--showlocals")
    written = {path: path.read_bytes().decode("utf-8", "replace") for path in ended.folder.rglob("*") if path.is_file()}

    assert ended.rc == 10, ended.out
    assert [secret for secret in secrets if secret in ended.out] == []
    assert [(path.name, secret) for path, text in written.items() for secret in secrets if secret in text] == []


def test_the_same_file_is_the_real_rollback(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """A second sandbox plays production: nothing is planted, the features go off and stay off, and only --undo brings them back."""
    with launch(tmp_path / "second.toml") as file:
        text = file.read_text(encoding="utf-8")
        urls = dict(re.findall(r'^(frontend|api|backend) = "(.*)"$', text, re.MULTILINE))
        variables = dict(re.findall(r'^([A-Z_]+) = "(.*)"$', text, re.MULTILINE))
        control = re.search(r'control_url = "(.*)"', text)
        assert control is not None
        project.environment.update(variables)
        project.write("environments/production.toml", production(urls))
        consent = ["--execute", "--confirm", "production", "--reason", "errors since 14:02", "--initiated-by", "alex"]
        acks = ["--ack", "SC-6=kim: tickets as usual", "--ack", "SC-3=kim: memory flat on the dashboard"]
        real = project.run(STORY, "--env", "production", "--mode", "real", *consent, *acks, "--to", "1.42.0")
        second = Range(file, {"urls": urls, "sandbox": {"variables": variables}}, practice_range.remote)

        assert real.rc == 0, real.out
        assert real.last_line.startswith("GO for feature-flag production 127.0.0.1:"), real.last_line
        assert "not part of a real rollback: test_incident_is_seen" in real.out
        assert "no flags and settings were recorded before; a baseline has them" in real.out
        assert "test_incident_is_seen" not in real.outcomes()
        assert {second.flags.read_flags()[name] for name in FLAGS} == {OFF}
        assert "undo-done" not in steps(real)

        undone = project.run("--undo", str(real.folder), "--env", "production", *consent)
        assert undone.rc == 0, undone.out
        assert {second.flags.read_flags()[name] for name in FLAGS} == {ON}


def test_a_real_rollback_acts_although_it_cannot_measure(
    practice_range: Range, project: Project, tmp_path: Path
) -> None:
    """Every write of users fails, so the ledger has nothing to go by: the features go off all the same, and the RPO is not known."""
    with launch(tmp_path / "second.toml") as file:
        text = file.read_text(encoding="utf-8")
        urls = dict(re.findall(r'^(frontend|api|backend) = "(.*)"$', text, re.MULTILINE))
        variables = dict(re.findall(r'^([A-Z_]+) = "(.*)"$', text, re.MULTILINE))
        control, token = re.findall(r'^(?:control_url|token) = "(.*)"$', text, re.MULTILINE)
        Remote(control, token).plant("errors", share=1)
        project.environment.update(variables)
        project.write("environments/production.toml", production(urls))
        consent = ["--execute", "--confirm", "production", "--reason", "errors since 14:02", "--initiated-by", "alex"]

        real = project.run(STORY, "--env", "production", "--mode", "real", *consent)
        second = Range(file, {"urls": urls, "sandbox": {"variables": variables}}, practice_range.remote)

        assert real.rc == 11, real.out
        assert {second.flags.read_flags()[name] for name in FLAGS} == {OFF}
        assert real.outcomes()["test_users_recover_in_time"] == "passed"
        assert real.outcomes()["test_no_acknowledged_write_is_lost"] == "could not measure"


def production(urls: dict[str, str]) -> str:
    """An environment file as production would have it, with a window that a test can wait for and the waiver that this takes."""
    return f"""
name = "production"
kind = "production"
abilities = ["flag_admin", "flag_evaluation", "test_account", "browser", "slack"]
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
rate_hz = 30
timeout_s = 2
[thresholds.SC-1]
duration_s = 10
[thresholds.SC-2]
duration_s = 10
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
