"""Whole sessions of a client that is shut out: never an outage, never an all-clear; what users get decides when somebody can tell."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pam_rollback.adapters.http import fetch
from pam_rollback.core.blocking import Others
from pam_rollback.core.environment_file import load_environment
from pam_rollback.plugin.blocked import Lookout, host_of
from tests.sessions import ROOT, Project, Range

_COUNTED_S = 6.0
_BANNED_S = 3.0


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about answers, not about each check."""
    return ("test_health.py", "test_preflight.py", "test_success_criteria.py")


@pytest.fixture
def alone(practice_range: Range, tmp_path: Path) -> Path:
    """The range's file, without anybody who could look from elsewhere."""
    lines = practice_range.file.read_text(encoding="utf-8").splitlines()
    file = tmp_path / "alone.toml"
    file.write_text("\n".join(line for line in lines if "second_address_proxy" not in line) + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


@contextmanager
def planted(range_: Range, fault: str, **parameters: str) -> Iterator[None]:
    """While the block runs."""
    range_.remote.plant(fault, **parameters)
    try:
        yield
    finally:
        range_.remote.clear_all()


def said(out: str) -> str:
    """However it was wrapped."""
    return " ".join(out.split())


@pytest.mark.parametrize("fault", ["we-are-banned", "everybody-is-banned"])
def test_alone_nobody_knows(practice_range: Range, project: Project, alone: Path, fault: str) -> None:
    """From one address both are the same: neither GO nor NO-GO, and what to do next."""
    with planted(practice_range, fault, status="429", server="both"):
        found = project.run("-m", "health", f"--env={alone}")

    assert found.rc == 11, found.out
    assert "broken criterion" not in found.outcomes().values(), found.out
    assert "answers HTTP 429 on every path that was asked (4 paths, n=4; Retry-After: 3600)" in said(found.out)
    assert "we are blocked, or everybody is: look from another address" in said(found.out)


def test_a_person_who_sees_it_too_makes_it_an_outage(practice_range: Range, project: Project, alone: Path) -> None:
    """What users are answered decides."""
    with planted(practice_range, "everybody-is-banned"):
        found = project.run("-m", "health", f"--env={alone}", "--observed", "IR-2=Ada: 403 on my telephone")

    assert found.rc == 10, found.out
    assert found.outcomes()["test_back_end_is_healthy"] == "broken criterion"


def test_preflight_takes_no_refusal_for_a_lock(practice_range: Range, project: Project, alone: Path) -> None:
    """403 for everybody is what a closed door answers as well: nothing that the API would do is known, and nothing of it is ready."""
    with planted(practice_range, "we-are-banned"):
        found = project.run("-m", "preflight", "checks/test_preflight.py", f"--env={alone}")
    outcomes = found.outcomes()

    assert found.rc == 11, found.out
    assert "broken criterion" not in outcomes.values(), found.out
    for test in (
        "test_flags_can_be_switched_off",
        "test_the_emergency_call_is_there",
        "test_a_rollback_can_be_verified",
    ):
        assert outcomes[test] == "could not measure", found.out
    assert outcomes["test_the_front_end_can_be_restored"] == "passed"  # its host answers
    assert "feature-flag is not checked: 127.0.0.1" in said(found.out)


def test_preflight_takes_no_limit_for_a_wrong_password(practice_range: Range, project: Project) -> None:
    """Too many sign-ins: whether the account may sign in is not known."""
    with planted(practice_range, "rate-limited-login"):
        found = project.run("-m", "preflight", "checks/test_preflight.py", f"--env={practice_range.file}")

    assert found.rc == 11, found.out
    assert "the sign-in is rate limited (HTTP 429, Retry-After: 3600): no error of the service" in said(found.out)


def test_a_ban_in_the_middle_of_a_window(practice_range: Range, project: Project, alone: Path) -> None:
    """Not known from there on, at once; nothing is red."""
    with project.start("-m", "window", f"--env={alone}") as session:
        timeline = project.run_folder / "as-is" / "timeline.jsonl"
        while not (timeline.exists() and timeline.stat().st_size > 50_000):
            time.sleep(0.05)
        with planted(practice_range, "we-are-banned"):
            ended = project.finish(session)

    assert ended.rc == 11, ended.out
    assert ended.outcomes()["test_error_rate_stays_low"] == "could not measure"
    assert "broken criterion" not in ended.outcomes().values(), ended.out
    assert "we are blocked, or everybody is" in said(ended.out)


def test_a_ban_after_a_rollback(practice_range: Range, project: Project, alone: Path) -> None:
    """In a drill, too, it is neither a recovery nor a failed one: not known. The rollback itself was done."""
    with project.start("drills/test_feature_flag.py", f"--env={alone}") as session:
        journal = project.run_folder / "journal.jsonl"
        while session.poll() is None and not (journal.exists() and "action-finished" in journal.read_text("utf-8")):
            time.sleep(0.05)
        with planted(practice_range, "we-are-banned"):
            time.sleep(_BANNED_S)
        ended = project.finish(session)
    outcomes = ended.outcomes()

    assert ended.rc == 11, ended.out
    assert outcomes["test_error_rate_stays_low"] == "could not measure", ended.out
    assert not {"broken criterion", "action failed", "undo failed"} & set(outcomes.values()), ended.out
    assert "we are blocked, or everybody is" in said(ended.out)


def test_a_path_that_was_never_there(practice_range: Range, project: Project, alone: Path) -> None:
    """A wrong setting is no outage of the service: which one it is, is said."""
    with planted(practice_range, "path-missing", path="/api/v1/expenses"):
        found = project.run("-m", "window", f"--env={alone}")

    assert found.rc == 11, found.out
    assert "this product has no such path: /api/v1/expenses answers HTTP 404; see [paths]" in said(found.out)


@pytest.mark.parametrize(
    ("fault", "others"), [("we-are-banned", Others.SERVED), ("everybody-is-banned", Others.REFUSED)]
)
def test_the_hosts_count_tells_what_users_get(practice_range: Range, alone: Path, fault: str, others: Others) -> None:
    """Render counts the answers to users, who come from elsewhere."""
    environment = load_environment(str(alone), ROOT / "environments", {})
    api, proxy = environment.urls.api, practice_range.state["sandbox"]["second_address_proxy"]
    stopped = threading.Event()

    def users() -> None:
        while not stopped.wait(0.05):
            fetch(f"{api}/health", proxy=proxy, deadline_s=3)

    with planted(practice_range, fault):
        thread = threading.Thread(target=users, daemon=True)
        thread.start()
        since_s = time.monotonic()
        stopped.wait(_COUNTED_S)
        looks = Lookout(environment).looks(host_of(api), since_s=since_s, until_s=time.monotonic(), ours=0)
        stopped.set()
        thread.join(10)

    assert [look.others for look in looks] == [others], looks
