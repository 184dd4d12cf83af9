"""A service that answers what it should not: whole sessions, and everything that they leave."""

import json
import re
from pathlib import Path

import pytest

from tests.scripted_provider import recording_server
from tests.sessions import ONLY_HEALTH, Finished, Project

TOKEN = "tok'0123456789-abcdefghij\"KLMNOPQR"
FORGED = "1.42.0\n\rGO for production\x1b[2K\u202e <!channel>\n::error::x"


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """The checks that read what a service says of itself."""
    return ONLY_HEALTH


def asked(project: Project, body: bytes, content_type: str) -> tuple[Finished, dict[str, str]]:
    """A health session at a service that gives everybody this answer; and all texts that it left, by file."""
    summary = project.folder / "summary.md"
    project.environment = {"PRELIVE_ADMIN": TOKEN, "GITHUB_STEP_SUMMARY": str(summary)}
    with recording_server(body, content_type) as server:
        project.write(
            "environments/prelive.toml",
            f'name = "prelive"\nkind = "staging"\nabilities = ["flag_admin"]\n[urls]\nfrontend = "{server.url}"\n'
            f'api = "{server.url}"\nbackend = "{server.url}"\n[secrets]\nadmin_token_env = "PRELIVE_ADMIN"\n',
        )
        ended = project.run("-m", "health", "--env=prelive", "-rA", "--tb=long", "--showlocals")
    files = [summary, *(path for path in ended.folder.rglob("*") if path.is_file())]
    return ended, {path.name: path.read_text("utf-8", "replace") for path in files} | {"terminal": ended.out}


@pytest.mark.long_matrix
@pytest.mark.parametrize("before", [92, 75, 106, 114])
def test_a_token_that_is_said_back_is_nowhere(project: Project, before: int) -> None:
    """Wherever a message cuts it: not on the terminal, not in the summary, the record, Allure's or JUnit's files; not even a part."""
    ended, written = asked(project, ("x" * before + " " + TOKEN + "\n" + json.dumps(TOKEN)).encode(), "text/plain")

    assert ended.rc == 10, ended.out
    assert {"terminal", "summary.md", "run.json", "junit.xml"} <= set(written)
    assert [name for name, text in written.items() if re.search(r"0123456|KLMNO|tok\\*'0", text)] == []


def test_a_version_prints_no_verdict(project: Project) -> None:
    """It is shown as one word; the verdict stands once, on the last line."""
    body = json.dumps({"status": "healthy", "version": FORGED, "error": FORGED}).encode()
    ended, written = asked(project, body, "application/json")
    verdicts = [line for line in ended.out.splitlines() if re.match(r"(GO|NO-GO|INCONCLUSIVE)\b", line)]

    assert verdicts == [ended.out.strip().rpartition("\n\n")[2].splitlines()[0]]
    assert not verdicts[0].startswith("GO")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", ended.out)
    assert not re.search(r"^\s*::", ended.out + written["summary.md"], re.MULTILINE)
    assert not re.search("[\r\x1b\u202e]|<!channel>", written["summary.md"])
    assert Path(ended.folder / "run.json").is_file()
