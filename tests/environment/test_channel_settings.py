"""What an environment says about its channels is taken as it was meant, or refused with what to write instead."""

from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment

SECRETS = {
    "STATUSPAGE_API_KEY": "sp-s3cr3t",
    "PAGERDUTY_ROUTING_KEY": "0123456789abcdef0123456789abcdef",
    "SMTP_USER": "rollback",
    "SMTP_PASSWORD": "m4il-s3cr3t",
}
HEAD = """
name = "staging"
kind = "staging"
abilities = ["statuspage", "pagerduty", "email"]
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com"
backend = "https://backend.staging.example.com"
[secrets]
statuspage_api_key_env = "STATUSPAGE_API_KEY"
pagerduty_routing_key_env = "PAGERDUTY_ROUTING_KEY"
"""
SIGNS_IN = 'smtp_username_env = "SMTP_USER"\nsmtp_password_env = "SMTP_PASSWORD"\n'
PAGE = '[statuspage]\npage_id = "kctbh9vrtdwd"\n'
PAGER = "[pagerduty]\n"
MAIL = '[email]\nhost = "smtp.example.com"\nfrom = "rollback@example.com"\n'


def loaded(folder: Path, tables: str = PAGE + PAGER + MAIL, variables: dict[str, str] | None = None) -> Environment:
    """An environment with these tables."""
    (folder / "staging.toml").write_text(HEAD + tables, encoding="utf-8")
    return load_environment("staging", folder, SECRETS if variables is None else variables)


def refusal(folder: Path, tables: str, variables: dict[str, str] | None = None) -> str:
    """What was said instead."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, tables, variables)
    return str(caught.value)


def test_who_signs_in_needs_both(tmp_path: Path) -> None:
    """A user name without its password is half a secret."""
    tables = SIGNS_IN + PAGE + PAGER + MAIL

    assert loaded(tmp_path, tables).secret("smtp_password") == SECRETS["SMTP_PASSWORD"]
    without = {name: value for name, value in SECRETS.items() if name != "SMTP_PASSWORD"}
    assert (
        '[secrets] smtp_password_env: SMTP_PASSWORD is not set; export it, or remove "email" from abilities'
        in refusal(tmp_path, tables, without)
    )


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (PAGER + MAIL, '[statuspage]: missing; say which page it is, or remove "statuspage" from abilities'),
        (PAGE + MAIL, "[pagerduty]: missing; say where events go (an empty table is PagerDuty's own address)"),
        (PAGE + PAGER, '[email]: missing; say which server takes mail, or remove "email" from abilities'),
        ("[statuspage]\n" + PAGER + MAIL, "[statuspage] page_id: missing"),
        (PAGE + PAGER + "[email]\n", "[email] host: missing"),
        (PAGE + PAGER + "[email]\n", "[email] from: missing"),
        (PAGE + PAGER + MAIL + "port = 0\n", "[email] port: expected greater than or equal to 1"),
        (PAGE + PAGER + MAIL + "starttls = false\n", "[email] starttls: false, but the server is not on this machine"),
        (PAGE + PAGER + MAIL.replace("rollback@example.com", "rollback"), "[email] from"),
        (PAGE + PAGER + MAIL.replace("from", "form"), "form: unknown key, did you mean 'from'?"),
        (
            PAGE + '[pagerduty]\napi_url = "http://events.example"\n' + MAIL,
            "[pagerduty] api_url: staging must be https",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, tables: str, words: str) -> None:
    """With its place, what was expected, and the way out."""
    assert words in refusal(tmp_path, tables)


def test_a_sandbox_writes_to_nobody_outside(tmp_path: Path) -> None:
    """Its mail server has to be on this machine, as all of its addresses."""
    file = tmp_path / "sandbox.toml"
    text = HEAD.replace("staging", "sandbox").replace("https://sandbox.example.com", "http://127.0.0.1:1")
    text = text.replace("https://api.sandbox.example.com", "http://127.0.0.1:1")
    text = text.replace("https://backend.sandbox.example.com", "http://127.0.0.1:1")
    control = '[sandbox]\ncontrol_url = "http://127.0.0.1:2"\ntoken = "t"\n'
    file.write_text(text + PAGE + PAGER + MAIL + control, encoding="utf-8")
    file.chmod(0o600)

    with pytest.raises(ConfigurationError) as caught:
        load_environment(str(file), tmp_path, SECRETS)
    assert "[email] host: a sandbox is on loopback addresses only (127.0.0.1), found 'smtp.example.com'" in str(
        caught.value
    )
