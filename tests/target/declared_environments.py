"""Environments as the tests declare them: a staging of our own, and a sandbox that runs."""

import shutil
from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.target.environment_file import load_environment

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "environments"
EXAMPLES = COMMITTED / "examples"
SECRET = "s3cr3t-value-0815"

STAGING = """
name = "staging"
kind = "staging"
abilities = ["flag_admin", "slack"]
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com/"
backend = "https://backend.staging.example.com"
[secrets]
admin_token_env = "STAGING_ADMIN_TOKEN"
slack_webhook_env = "STAGING_SLACK"
"""
VARIABLES = {"STAGING_ADMIN_TOKEN": SECRET, "STAGING_SLACK": f"https://hooks.example.com/{SECRET}"}

RUNNING = f"""
extends = "sandbox"
[urls]
frontend = "http://127.0.0.1:4001"
api = "http://127.0.0.1:4002"
backend = "http://127.0.0.1:4002"
status_page = "http://127.0.0.1:4005"
[render]
api_url = "http://127.0.0.1:4006/v1"
service_id = "srv-range"
owner_id = "tea-range"
[netlify]
api_url = "http://127.0.0.1:4007/api/v1"
site_id = "0a1b-range"
[git]
remote = "/tmp/range/repository.git"
[statuspage]
api_url = "http://127.0.0.1:4008/v1"
page_id = "range"
[pagerduty]
api_url = "http://127.0.0.1:4008"
[email]
host = "127.0.0.1"
port = 4009
from = "rollback@sandbox.example"
starttls = false
[load]
stable_api = "http://127.0.0.1:4010"
stable_backend = "http://127.0.0.1:4010"
[sandbox]
control_url = "http://127.0.0.1:4003"
token = "{SECRET}-token"
[sandbox.variables]
PAM_ADMIN_TOKEN = "{SECRET}-admin"
PAM_DATABASE_DSN = "postgresql://u:{SECRET}-dsn@127.0.0.1/x"
PAM_STAGING_COPY_DSN = "postgresql://u:{SECRET}-copy@127.0.0.1/x_copy"
PAM_EMERGENCY_TOKEN = "{SECRET}-emergency"
RENDER_API_KEY = "rnd_{SECRET}"
NETLIFY_AUTH_TOKEN = "nfp_{SECRET}"
STATUSPAGE_API_KEY = "{SECRET}-statuspage"
PAGERDUTY_ROUTING_KEY = "{SECRET}-pagerduty"
PAM_SMTP_USERNAME = "{SECRET}-mail-user"
PAM_SMTP_PASSWORD = "{SECRET}-mail"
PAM_SLACK_WEBHOOK_URL = "http://127.0.0.1:4004/services/{SECRET}"
TEST_USER_EMAIL = "maya@example.com"
TEST_USER_PASSWORD = "{SECRET}-password"
SECOND_TEST_USER_EMAIL = "noah@example.com"
SECOND_TEST_USER_PASSWORD = "{SECRET}-password-of-the-second"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of environments: the committed sandbox, and a staging of our own."""
    environments = tmp_path / "environments"
    environments.mkdir()
    shutil.copy(COMMITTED / "sandbox.toml", environments)
    (environments / "staging.toml").write_text(STAGING)
    return environments


def running(folder: Path, text: str = RUNNING, mode: int = 0o600) -> Path:
    """Write what a running sandbox would write."""
    file = folder.parent / "running.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def refusal(folder: Path, old: str, new: str, variables: dict[str, str] | None = None) -> str:
    """Change one place of the staging file, load it, and give what was said."""
    assert old in STAGING
    (folder / "staging.toml").write_text(STAGING.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as caught:
        load_environment("staging", folder, VARIABLES if variables is None else variables)
    return str(caught.value)


def refusal_of_running(folder: Path, old: str, new: str) -> str:
    """The same for the file of a running sandbox."""
    assert old in RUNNING
    with pytest.raises(ConfigurationError) as caught:
        load_environment(str(running(folder, RUNNING.replace(old, new, 1))), folder, {})
    return str(caught.value)
