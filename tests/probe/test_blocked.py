"""A client that is shut out: never an outage, never an all-clear; what users get decides when somebody can tell.

The rule: tests/probe/rules/test_blocking.py. A ban in a window: test_windows.py. Whole sessions: tests/fault_rows/health.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe import health
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.decision.test_preflight import asked
from tests.sessions import ROOT, RunningSandbox


@pytest.fixture
def alone(running_sandbox: RunningSandbox, tmp_path: Path) -> Path:
    """The sandbox's file, without anybody who could look from elsewhere."""
    lines = running_sandbox.file.read_text(encoding="utf-8").splitlines()
    file = tmp_path / "alone.toml"
    file.write_text("\n".join(line for line in lines if "second_address_proxy" not in line) + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


@contextmanager
def planted(range_: RunningSandbox, fault: str, **parameters: str) -> Iterator[None]:
    """While the block runs."""
    range_.remote.plant(fault, **parameters)
    try:
        yield
    finally:
        range_.remote.clear_all()


def environment(file: Path) -> Environment:
    """What the file describes."""
    return load_environment(str(file), ROOT / "environments", {})


@pytest.mark.parametrize("fault", ["we-are-banned", "everybody-is-banned"])
def test_alone_nobody_knows(running_sandbox: RunningSandbox, alone: Path, fault: str) -> None:
    """From one address both are the same: neither well nor ill, and what to do next."""
    with planted(running_sandbox, fault, status="429", server="both"):
        found = health.ask(environment(alone))

    with pytest.raises(MeasurementFailed) as unknown:
        _ = found.of("HC-2")
    assert "answers HTTP 429 on every path that was asked (4 paths, n=4; Retry-After: 3600)" in str(unknown.value)
    assert "we are blocked, or everybody is: look from another address" in str(unknown.value)


def test_a_person_who_sees_it_too_makes_it_an_outage(running_sandbox: RunningSandbox, alone: Path) -> None:
    """What users are answered decides."""
    with planted(running_sandbox, "everybody-is-banned"):
        found = health.ask(environment(alone), observed=["IR-2=Ada: 403 on my telephone"])

    assert found.of("HC-2").http_status == 403


def test_preflight_takes_no_refusal_for_a_lock(running_sandbox: RunningSandbox, alone: Path) -> None:
    """403 for everybody is what a closed door answers as well: nothing that the API would do is known, and nothing of it is ready."""
    with planted(running_sandbox, "we-are-banned"):
        found = asked(environment(alone))

    for name in ("feature-flag", "gradual", "emergency", "verification"):
        assert found[name].state == "not checked", found[name]
        assert "127.0.0.1" in found[name].words
    assert found["frontend"].state == "ready"  # its host answers
    assert not [name for name, one in found.items() if one.state == "not ready"]


def test_preflight_takes_no_limit_for_a_wrong_password(running_sandbox: RunningSandbox) -> None:
    """Too many sign-ins: whether the account may sign in is not known."""
    with planted(running_sandbox, "rate-limited-login"):
        found = asked(environment(running_sandbox.file))["verification"]

    assert found.state == "not checked", found
    assert "the sign-in is rate limited (HTTP 429, again after 60 min): no error of the service" in found.words
