"""An environment is read from its file, from the one that it extends, and from the private one of a running sandbox."""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.target.environment_file import load_environment
from tests.target.declared_environments import RUNNING, SECRET, folder, refusal, refusal_of_running, running

__all__ = ["folder"]


def test_running_sandbox_completes_the_committed_file(folder: Path) -> None:
    """Abilities and pace come from the repository; addresses, token and secrets from the private file, before any variable."""
    file = running(folder)
    sandbox = load_environment(str(file), folder, {"PAM_ADMIN_TOKEN": "of-somebody-else"})

    assert sandbox.is_sandbox
    assert not sandbox.is_template
    assert sandbox.file == file
    assert sandbox.pace == 60
    assert "flag_admin" in sandbox.abilities
    assert sandbox.secret("admin_token") == f"{SECRET}-admin"
    assert f"{SECRET}-token" in sandbox.secrets()


def test_sandbox_without_addresses_is_a_template(folder: Path) -> None:
    """By its name alone nothing is a sandbox, and no secret of this machine is picked up for it."""
    sandbox = load_environment("sandbox", folder, {"PAM_ADMIN_TOKEN": SECRET})

    assert sandbox.is_template
    assert not sandbox.is_sandbox
    assert sandbox.secrets() == ()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_token_file_must_be_private(folder: Path, mode: int) -> None:
    """Others on this machine must not be able to read the token."""
    with pytest.raises(ConfigurationError, match=rf"\[sandbox\]: .*expected mode 0600, found 0{mode:o}; chmod 600 it"):
        load_environment(str(running(folder, mode=mode)), folder, {})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "http://127.0.0.1:4001",
            "http://192.0.2.7:4001",
            "[urls] frontend: a sandbox is on loopback addresses only",
            id="front end",
        ),
        pytest.param(
            "http://127.0.0.1:4002",
            "https://api.wheelsandwins.com",
            "[urls] api: a sandbox is on loopback",
            id="real API",
        ),
        pytest.param(
            "http://127.0.0.1:4003",
            "http://127.evil.example:4003",
            "[sandbox] control_url: a sandbox",
            id="127.something",
        ),
        pytest.param(
            "http://127.0.0.1:4003",
            "http://localhost.evil.example",
            "[sandbox] control_url: a sandbox",
            id="localhost.something",
        ),
        pytest.param(
            "http://127.0.0.1:4002",
            "http://pam.localhost:4002",
            "found 'http://pam.localhost:4002'; a name below .localhost leads where the resolver says: write 127.0.0.1",
            id="something.localhost",
        ),
        pytest.param(
            "http://127.0.0.1:4004/",
            "https://hooks.slack.com/",
            "PAM_SLACK_WEBHOOK_URL leads out of this machine",
            id="real Slack",
        ),
        pytest.param(f'token = "{SECRET}-token"', "", "[sandbox] token: missing", id="no token"),
        pytest.param(f'token = "{SECRET}-token"', 'token = ""', "[sandbox] token: ", id="empty token"),
        pytest.param(f'PAM_ADMIN_TOKEN = "{SECRET}-admin"', "", "PAM_ADMIN_TOKEN is not set", id="no admin token"),
        pytest.param(
            "noah@example.com",
            "Maya@example.com",
            "SECOND_TEST_USER_EMAIL is the first test account's address",
            id="one account twice",
        ),
        pytest.param(
            'status_page = "http://127.0.0.1:4005"', "", 'or remove "status_page" from abilities', id="no status page"
        ),
        pytest.param(
            'extends = "sandbox"',
            'extends = "sandbx"',
            "extends: no environment 'sandbx', did you mean 'sandbox'?",
            id="extends",
        ),
        pytest.param(
            'extends = "sandbox"',
            'extends = "../sandbox"',
            "extends: no environment '../sandbox'",
            id="extends another folder",
        ),
        pytest.param('extends = "sandbox"', "extends = 3", "extends: no environment 3", id="extends a number"),
    ],
)
def test_bad_sandbox_file_is_refused(folder: Path, old: str, new: str, said: str) -> None:
    """What is not wholly on this machine is no sandbox."""
    message = refusal_of_running(folder, old, new)

    assert said in message
    assert SECRET not in message


def test_other_loopback_addresses_count(folder: Path) -> None:
    """The whole loopback network, by name and in both versions of IP."""
    text = RUNNING.replace("127.0.0.1:4001", "localhost:4001").replace("127.0.0.1:4003", "[::1]:4003")

    assert load_environment(str(running(folder, text)), folder, {}).is_sandbox


def test_sandbox_needs_the_controls_of_a_running_one(folder: Path) -> None:
    """Calling itself a sandbox and naming addresses is not enough."""
    message = refusal(folder, 'kind = "staging"', 'kind = "sandbox"')

    assert "kind: a sandbox is known by the [sandbox] table of a running one" in message


def test_problem_of_the_extended_file_is_told_apart(folder: Path) -> None:
    """The reader is sent to the file in which the mistake stands."""
    base = folder / "sandbox.toml"
    base.write_text(base.read_text().replace("rate_hz = 50", "rate_hzz = 50"))

    with pytest.raises(
        ConfigurationError, match=r"running\.toml: 1 problem\n.*rate_hzz: .*'rate_hz'\? \(in .*sandbox\.toml\)"
    ):
        load_environment(str(running(folder)), folder, {})


def test_what_is_wrong_with_the_file_comes_before_the_secrets_that_are_missing(folder: Path) -> None:
    """A name that does not fit is read among a dozen variables that somebody has to export."""
    staging = (folder / "staging.toml").read_text(encoding="utf-8")
    (folder / "copied.toml").write_text(staging, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_environment("copied", folder, {})

    places = [problem.place for problem in caught.value.problems]
    assert places[0] == "name"
    assert places[1:]
    assert all(place.startswith("[secrets]") for place in places[1:])
