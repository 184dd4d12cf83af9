"""A service that is down is NO-GO; a machine without a network is INCONCLUSIVE. The control probe tells them apart."""

import socket

import pytest

from tests.sessions import ONLY_HEALTH, Project, Range


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories and answers, not about each check."""
    return ONLY_HEALTH


def dead_address() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("control", "rc", "words"),
    [
        pytest.param("alive", 10, "refused the connection", id="only PAM is down"),
        pytest.param(
            "dead", 11, "this machine seems to be offline, so nothing is known of the service", id="everything is"
        ),
    ],
)
def test_who_is_down(practice_range: Range, project: Project, control: str, rc: int, words: str) -> None:
    """All five endpoints refuse; what that means depends on whether an unrelated address answers."""
    address = practice_range.state["urls"]["frontend"] if control == "alive" else dead_address()
    pam = dead_address()
    project.write(
        "environments/prelive.toml",
        f'name = "prelive"\nkind = "staging"\nabilities = []\n[urls]\nfrontend = "{pam}"\napi = "{pam}"\nbackend = "{pam}"\n'
        f'[probing]\ncontrol_url = "{address}"\n',
    )

    ended = project.run("-m", "health", "--env", "prelive")

    assert ended.rc == rc, ended.out
    assert words in " ".join(ended.out.split())
