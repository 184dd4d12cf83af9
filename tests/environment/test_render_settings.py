"""What an environment says about its service on Render is taken as it was meant, or refused with what to write instead."""

from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment

KEY = "rnd_s3cr3t-0815"
HEAD = """
name = "staging"
kind = "staging"
abilities = ["render_metrics"]
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com"
backend = "https://backend.staging.example.com"
[secrets]
render_api_key_env = "RENDER_API_KEY"
"""
TABLE = '[render]\nservice_id = "srv-abc123"\n'


def loaded(folder: Path, table: str = TABLE, variables: dict[str, str] | None = None) -> Environment:
    """An environment with this table."""
    (folder / "staging.toml").write_text(HEAD + table, encoding="utf-8")
    return load_environment("staging", folder, {"RENDER_API_KEY": KEY} if variables is None else variables)


def refusal(folder: Path, table: str, variables: dict[str, str] | None = None) -> str:
    """What was said instead."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, table, variables)
    return str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", '[render]: missing; say which service it is, or remove "render_metrics" from abilities'),
        ("[render]\n", "[render] service_id: missing: the id of the back end's service, such as srv-abc123"),
        ('[render]\nservice_id = "dep-1"\n', "[render] service_id"),
        (TABLE + 'owner_id = "me"\n', "[render] owner_id"),
        (TABLE + 'workers = ["celery"]\n', "[render] workers"),
        (TABLE + 'workers = ["srv-abc123"]\n', "[render] workers: srv-abc123 stands twice"),
        (TABLE + "resolution_s = 10\n", "[render] resolution_s: 10 s is finer than Render tells: 30 at least"),
        (TABLE + "gap_max_s = 100\n", "[render] gap_max_s: 100 is less than 3 steps of 60 s"),
        (TABLE + 'api_url = "http://api.example"\n', "[render] api_url: staging must be https"),
        (TABLE + 'worker_service_id = "srv-x"\n', "worker_service_id: unknown key, "),
        (TABLE + 'srvice_id = "srv-x"\n', "srvice_id: unknown key, did you mean 'service_id'?"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, table: str, words: str) -> None:
    """With the place, and what to write."""
    assert words in refusal(tmp_path, table)


def test_the_key_is_needed_where_the_ability_is_declared(tmp_path: Path) -> None:
    """And the way out is named."""
    said = refusal(tmp_path, TABLE, {})

    assert 'RENDER_API_KEY is not set; export it, or remove "render_metrics" from abilities' in said
