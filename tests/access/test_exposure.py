"""Whole sessions of the detectors: green on the healthy sandbox, narrower where less is declared.

What each of them finds: tests/fault_rows/decision_security.py.
"""

from pathlib import Path

import pytest

from tests.sessions import Finished, Project, RunningSandbox

ACCESS, SEPARATION, USERS, OWN = (
    "test_nobody_gets_in_without_a_right_token",
    "test_nobody_sees_what_belongs_to_others",
    "test_core_features_work_for_most_users",
    "test_no_answer_belongs_to_another_account",
)


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """The file in question; what others of the phase there may be are not asked."""
    return ("test_exposure.py",)


def with_abilities(range_: RunningSandbox, folder: Path, *abilities: str) -> Path:
    """The sandbox's file, declaring nothing but these."""
    file = folder / "less.toml"
    text = range_.file.read_text(encoding="utf-8")
    declared = ", ".join(f'"{ability}"' for ability in abilities)
    file.write_text(text.replace('kind = "sandbox"\n', f'kind = "sandbox"\nabilities = [{declared}]\n', 1), "utf-8")
    file.chmod(0o600)
    return file


def words_of(session: Finished) -> str:
    """What the terminal shows, however it was wrapped."""
    return " ".join(session.out.split())


def figures(session: Finished) -> dict[str, dict[str, object]]:
    """The table of criteria, by test."""
    return {
        result["nodeid"].rpartition("::")[2].partition("[")[0]: result["measured"][0]
        for result in session.record["results"]
        if result["measured"]
    }


def test_the_healthy_sandbox_is_green(running_sandbox: RunningSandbox, project: Project) -> None:
    """All four, with what was tried; no token, password or address is in what the session leaves."""
    session = project.run("-m", "decision", f"--env={running_sandbox.file}")
    table = figures(session)

    assert session.outcomes() == dict.fromkeys((ACCESS, SEPARATION, USERS, OWN), "passed"), session.out
    assert session.record["unmeasured"] == [], "the decision does not judge whether a rollback succeeded"
    assert (table[ACCESS]["n"], table[ACCESS]["measured"]) == (6 * 5 + 6 + 1, 0)
    assert "an expired token" in str(table[ACCESS]["definition"])
    assert "support tickets" in str(table[SEPARATION]["definition"])
    assert (table[USERS]["n"], table[USERS]["measured"]) == (400, 0)
    left = [path.read_bytes() for path in session.folder.rglob("*") if path.is_file()]
    secrets = [value.encode() for value in running_sandbox.variables.values()]
    assert [secret for secret in secrets for content in left if secret in content] == []
    assert not any(b"eyJ" in content for content in left), "a piece of a token"


def test_without_accounts_less_is_tried_and_a_hole_is_found_all_the_same(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """No token, a made-up one, and an old one that is kept; whoever comes without a token needs none of ours to be seen."""
    file = with_abilities(running_sandbox, tmp_path, "flag_admin")
    running_sandbox.remote.plant("auth-bypass")
    session = project.run("-m", "decision", f"--env={file}")
    left_out = {
        entry["nodeid"].rpartition("::")[2].partition("[")[0]: entry["reason"] for entry in session.record["deselected"]
    }

    assert session.outcomes() == {ACCESS: "broken criterion"}, session.out
    assert "with no token: HTTP 200" in words_of(session)
    assert figures(session)[ACCESS]["n"] == 7 * 3
    assert "not tried: forged tokens: sandbox declares no test_account" in words_of(session)
    assert left_out[SEPARATION] == "sandbox declares no second_test_account, test_account"
    assert left_out[USERS] == "sandbox declares no feature_check, test_account"


def test_a_feature_check_that_contradicts_a_real_user_is_not_believed(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """It says that the chat works, and the test account gets a page: nothing is known of anybody else."""
    running_sandbox.remote.plant("answers-html", path="/api/v1/pam/chat", server="api")
    session = project.run("-m", "decision", f"--env={running_sandbox.file}")

    assert session.outcomes()[USERS] == "could not measure", session.out
    assert "it says that chat works for the test account, and in 5 real tries it does not" in words_of(session)
