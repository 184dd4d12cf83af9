"""A sandbox's file that was edited: nothing but the sandbox itself is asked to change anything."""

import re

import pytest

from tests.plugin.beginning import Begin, begin
from tests.scripted_provider import recording_server
from tests.sessions import ONLY_HEALTH, ROOT, Project, RunningSandbox

__all__ = ["begin"]

STORY = "drills/test_feature_flag.py"
EDITED = (
    *(f"[urls] {part}" for part in ("frontend", "api", "backend", "status_page")),
    *("[load] stable_api", "[load] stable_backend", "[render] api_url", "[netlify] api_url"),
    *("[statuspage] api_url", "[pagerduty] api_url", "[email] host, port", "[secrets] slack_webhook_env"),
    *("[secrets] database_dsn_env", "[secrets] staging_copy_dsn_env"),
)


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions end before the first check."""
    return ONLY_HEALTH


def attach(project: Project, text: str) -> str:
    """Write an edited file; gives how to attach by it."""
    project.write("edited.toml", text)
    (project.folder / "edited.toml").chmod(0o600)
    return "--env=edited.toml"


def test_a_file_that_leads_elsewhere_is_refused_before_the_first_request(
    running_sandbox: RunningSandbox, project: Project, begin: Begin
) -> None:
    """Every address but the control's is another server's: all are named at once, and that server hears nothing."""
    with recording_server() as elsewhere:
        port = elsewhere.url.rpartition(":")[2]
        lines = running_sandbox.file.read_text(encoding="utf-8").splitlines()
        moved = [line if "control_url" in line else _moved(line, port) for line in lines]
        ended = begin(project.folder, STORY, attach(project, "\n".join(moved)))

    assert ended.rc == 13, ended.said
    assert [key for key in EDITED if f"edited.toml: {key}" not in ended.said] == []
    assert f"http://127.0.0.1:{port} is not an address of this sandbox; it has api http://127.0.0.1:" in ended.said
    assert elsewhere.asked == []
    assert running_sandbox.remote.faults() == []
    assert not (project.folder / "reports" / "out").exists()
    assert not [secret for secret in running_sandbox.variables.values() if len(secret) > 30 and secret in ended.said]


def _moved(line: str, port: str) -> str:
    return re.sub(r"(127\.0\.0\.1:|^port = )\d+", rf"\g<1>{port}", line)


def test_a_server_that_agrees_to_everything_is_no_sandbox(
    running_sandbox: RunningSandbox, project: Project, begin: Begin
) -> None:
    """Whoever answers at the control address has to prove the token: saying "sandbox" is not enough."""
    with recording_server() as elsewhere:
        text = re.sub(r"http://127\.0\.0\.1:\d+", elsewhere.url, running_sandbox.file.read_text(encoding="utf-8"))
        ended = begin(project.folder, STORY, attach(project, text))

    assert ended.rc == 11, ended.said
    assert "expected the addresses that the sandbox owns, found none" in ended.said
    assert elsewhere.changing == []


def test_what_the_template_or_a_variable_names_is_proved_too(project: Project) -> None:
    """A sandbox of the session's own: its file extends ``environments/sandbox.toml``, which somebody edited."""
    with recording_server() as elsewhere:
        template = project.folder / "environments" / "sandbox.toml"
        text = template.read_text(encoding="utf-8").replace('"PAM_SLACK_WEBHOOK_URL"', '"TEAM_WEBHOOK"')
        template.write_text(text, encoding="utf-8")
        project.environment["TEAM_WEBHOOK"] = f"{elsewhere.url}/services/T0/B0/real"
        ended = project.run(STORY)

    assert ended.rc == 13, ended.out
    assert "[secrets] slack_webhook_env (TEAM_WEBHOOK)" in " ".join(ended.out.split())
    assert elsewhere.asked == []


def test_a_variable_of_postgresql_leads_no_query_elsewhere(
    running_sandbox: RunningSandbox, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PGHOSTADDR wins over the host of an address."""
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    ended = begin(ROOT, "-m", "health", f"--env={running_sandbox.file}")

    assert ended.rc == 13, ended.said
    assert "PGHOSTADDR is set and leads queries elsewhere: unset it" in ended.said
