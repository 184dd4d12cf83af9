"""Who publishes the front end and who runs the back end: a provider with a table of its own, or one from outside."""

from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment

TOKEN = "pier-s3cr3t-0815"
HEAD = """
name = "staging"
kind = "staging"
abilities = [{abilities}]
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com"
backend = "https://backend.staging.example.com"
[secrets]
frontend_host_token_env = "TOKEN"
netlify_auth_token_env = "TOKEN"
"""
OWN = '[frontend_host]\nprovider = "pier"\napi_url = "https://pier.example.com"\nid = "pam"\n'
NETLIFY = '[netlify]\nsite_id = "0a1b"\n'


def loaded(folder: Path, tables: str, *, abilities: str = '"frontend_host"', token: str = TOKEN) -> Environment:
    """An environment with these tables."""
    (folder / "staging.toml").write_text(HEAD.format(abilities=abilities) + tables, encoding="utf-8")
    return load_environment("staging", folder, {"TOKEN": token} if token else {})


@pytest.mark.parametrize(
    ("tables", "ability", "provider", "place"),
    [
        (OWN, "frontend_host", "pier", ("https://pier.example.com", "pam")),
        (NETLIFY, "netlify", "netlify", ("https://api.netlify.com/api/v1", "0a1b")),
        (NETLIFY, "frontend_host", "netlify", ("https://api.netlify.com/api/v1", "0a1b")),
    ],
)
def test_a_host_is_known_whoever_it_is(
    tmp_path: Path, tables: str, ability: str, provider: str, place: tuple[str, str]
) -> None:
    """By its name, where it is, and by a token that is a secret. A file may declare it by who it is."""
    environment = loaded(tmp_path, tables, abilities=f'"{ability}"')
    host = environment.host_of("frontend")

    assert host is not None
    assert (host.provider, (host.api_url, host.id)) == (provider, place)
    assert environment.abilities == {"frontend_host"}
    assert environment.host_token("frontend") == TOKEN
    assert TOKEN in environment.secrets()
    assert environment.host_of("backend") is None


@pytest.mark.parametrize(
    ("tables", "token", "words"),
    [
        ("", TOKEN, "[netlify]: missing; say who it is there (or in [frontend_host])"),
        (OWN + NETLIFY, TOKEN, "[frontend_host]: [netlify] is there, too: a frontend has one host"),
        (OWN, "", "[secrets] frontend_host_token_env: TOKEN is not set"),
        (OWN.replace("https", "http"), TOKEN, "[frontend_host] api_url: staging must be https"),
        (OWN.replace('id = "pam"', ""), TOKEN, "[frontend_host] id: missing"),
    ],
)
def test_half_a_host_is_refused(tmp_path: Path, tables: str, token: str, words: str) -> None:
    """Before anything is sent, and with what to write instead."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, tables, token=token)
    assert words in str(caught.value)
