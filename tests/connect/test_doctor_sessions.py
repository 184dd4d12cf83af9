"""``pytest -m doctor``: a list with a command for each gap, 0 or 11, and nothing is sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.ops.connect.__main__ import ask_doctor
from tests.scripted_provider import Recording, recording_server
from tests.sessions import Finished, Project, runbook_in

VARIABLES = {
    "TEST_USER_EMAIL": "a@example.org",
    "TEST_USER_PASSWORD": "invented-pass-word",
    "PAM_DATABASE_DSN": "postgresql://reader:invented@127.0.0.1:9/pam",
    "SUPABASE_ANON_KEY": "invented-anon-key",
}


@pytest.fixture
def server() -> Iterator[Recording]:
    """Whom nobody may ask."""
    with recording_server() as recording:
        yield recording


@pytest.fixture
def project(tmp_path: Path, server: Recording) -> Project:
    """The runbook with an environment whose every address is that server's."""
    made = runbook_in(tmp_path)
    urls = "\n".join(f'{name} = "{server.url}"' for name in ("frontend", "api", "backend", "supabase"))
    secrets = "\n".join(
        f'{key}_env = "{value}"'
        for key, value in {
            "test_user_email": "TEST_USER_EMAIL",
            "test_user_password": "TEST_USER_PASSWORD",
            "database_dsn": "PAM_DATABASE_DSN",
            "supabase_key": "SUPABASE_ANON_KEY",
        }.items()
    )
    text = f'name = "here"\nkind = "staging"\nproduct = "pam-today"\nabilities = ["browser"]\n[urls]\n{urls}\n[secrets]\n{secrets}\n'
    made.write("environments/here.toml", text)
    return made


def declare(project: Project, *abilities: str, more: str = "") -> None:
    """Say that these are there."""
    file = project.folder / "environments" / "here.toml"
    listed = ", ".join(f'"{one}"' for one in abilities)
    file.write_text(file.read_text("utf-8").replace('["browser"]', f"[{listed}]") + more, "utf-8")


SIGNS = {"[x]": "now", "[~]": "partial", "[ ]": "missing", "[-]": "not available", "[!]": "crashed"}


def states(session: Finished) -> dict[str, str]:
    """State by item, as the record has them."""
    [told] = [one["entries"] for one in session.record["told"] if one["heading"].startswith("What can be judged in ")]
    found: dict[str, str] = {}
    for line in told[1:]:
        ids = line.partition(" (and more of ")[0].rpartition(": ")[2].split()
        found = {**dict.fromkeys(ids, SIGNS[line[:3]]), **found}
    return found


def test_what_is_missing_is_named_with_its_command(project: Project, server: Recording) -> None:
    """And it is no verdict about the product, which nobody asked."""
    session = project.run("-m", "doctor", "--env", "here")
    found = states(session)

    assert session.rc == 11, session.out
    assert "INCONCLUSIVE for doctor" in session.last_line
    assert "What can be judged in here\n" in session.out
    assert (found["DI-1"], found["HC-4"]) == ("missing", "not available")
    assert found["HC-2"] in {"now", "partial"}
    assert 'after: export PAM_DATABASE_DSN=…; "database" in abilities of environments/here.toml' in str(
        session.record["told"]
    )
    assert server.asked == []


def test_with_what_it_named_the_item_can_be_judged(project: Project, server: Recording) -> None:
    """Each way, in all that stands on it."""
    project.environment.update(VARIABLES)
    before = states(project.run("-m", "doctor", "--env", "here"))
    declare(project, "browser", "database", "test_account")
    after = states(project.run("-m", "doctor", "--env", "here"))

    assert (before["DI-1"], after["DI-1"]) == ("missing", "now")
    assert (before["RPO-3"], after["RPO-3"]) == ("missing", "now")
    assert before["CR-3"] == "not available"  # its contract describes no voice: no account changes that
    assert before["ST-3"] == after["ST-3"] == "missing"
    assert server.asked == []


def test_it_ends_with_0_when_nothing_is_missing(project: Project) -> None:
    """What nobody will ever set up has a waiver that somebody approved; a provisional one does not count."""
    missing = [
        item for item, state in states(project.run("-m", "doctor", "--env", "here")).items() if state == "missing"
    ]
    waivers = "".join(
        f'\n[[waivers]]\nitem = "{item}"\nuntil = 2999-01-01\nreason = "a test"\napproved_by = "APPROVED"\n'
        for item in missing
    )
    assert "SC-3" in missing
    relaxed = "\n[thresholds.SC-3]\nmemory_mb_max = 450\n"
    declare(project, "browser", more=relaxed + waivers.replace("APPROVED", "provisional, to be confirmed"))
    provisional = project.run("-m", "doctor", "--env", "here")
    file = project.folder / "environments" / "here.toml"
    file.write_text(file.read_text("utf-8").replace("provisional, to be confirmed", "Ann"), "utf-8")
    approved = project.run("-m", "doctor", "--env", "here")

    assert provisional.rc == 11, provisional.out
    assert "SC-3 memory_mb_max is relaxed and no waiver that holds today names it" in provisional.out
    assert "nobody yet, so it does not count (provisional, to be confirmed)" in " ".join(provisional.out.split())
    assert approved.rc == 0, approved.out
    assert "no waiver that holds today" not in approved.out
    assert "GO for doctor" in approved.last_line


def test_a_variable_that_is_not_set_is_an_answer(project: Project) -> None:
    """Other sessions refuse to begin (4); to this one it is what was asked for."""
    declare(project, "browser", "database")
    session = project.run("-m", "doctor", "--env", "here")

    assert session.rc == 11, session.out
    assert "the configuration is not complete" in session.out
    assert "PAM_DATABASE_DSN is not set; export it" in session.out
    assert project.run("-m", "health", "--env", "here").rc == 4


def test_what_connects_a_product_has_a_session_say_it(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """With the variables that it was given, on the same terminal."""
    project.environment.update(VARIABLES)

    assert ask_doctor(project.folder, "here", project.variables) == ""
    assert "plan items can be judged now" in capfd.readouterr().out


_CRASHES = """

def pytest_pam_why_left_out(item):
    if item.get_closest_marker("doctor") is None and "HC-2" in [one for mark in item.iter_markers("criterion") for one in mark.args]:
        raise KeyError("a check of ours")
"""


def test_a_check_that_crashes_is_a_state_of_its_own(project: Project) -> None:
    """Neither green nor missing; the other items are known all the same."""
    conftest = project.folder / "conftest.py"
    conftest.write_text(conftest.read_text("utf-8") + _CRASHES, "utf-8")
    session = project.run("-m", "doctor", "--env", "here")
    found = states(session)

    assert session.rc == 11, session.out
    assert found["HC-2"] == "crashed"
    assert found["DI-1"] == "missing"
    assert "[!] the check itself failed: " in session.out
    assert "KeyError: 'a check of ours'" in session.out
