"""An environment is as it was declared, or refused with all of its problems; secrets are never shown."""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.target.environment_file import load_environment
from tests.target.declared_environments import RUNNING, SECRET, VARIABLES, folder, refusal, running

__all__ = ["folder"]


def test_addresses_and_secrets_are_resolved(folder: Path) -> None:
    """What a session needs is there, by name."""
    staging = load_environment("staging", folder, VARIABLES)

    assert staging.health_url("database") == "https://api.staging.example.com/health/db"
    assert staging.health_url("backend") == "https://backend.staging.example.com/health"
    assert staging.url_of("frontend_version") == "https://staging.example.com/version.json"
    assert staging.url_of("asset_manifest") == "https://staging.example.com/asset-manifest.json"
    assert staging.secret("admin_token") == SECRET
    assert set(staging.secrets()) == set(VARIABLES.values())
    assert not staging.is_sandbox


def test_secrets_are_in_no_repr(folder: Path) -> None:
    """An environment in a traceback or a report gives nothing away."""
    for environment in (
        load_environment("staging", folder, VARIABLES),
        load_environment(str(running(folder)), folder, {}),
    ):
        assert SECRET not in f"{environment!r} {environment} {environment.sandbox!r}"


def test_secret_that_nobody_named_is_refused_when_asked_for(folder: Path) -> None:
    """Asking for what is not configured says how to configure it."""
    staging = load_environment("staging", folder, VARIABLES)

    with pytest.raises(ConfigurationError, match=r"\[secrets\] emergency_token_env: missing: name the variable"):
        staging.secret("emergency_token")


def test_production_that_is_a_sandbox_is_guarded_as_production(folder: Path) -> None:
    """The kind decides what is protected, also when the controls of a sandbox are there: the safe side wins."""
    text = RUNNING.replace(
        'extends = "sandbox"', 'extends = "sandbox"\nname = "production"\nkind = "production"\npace = 1'
    )
    production = load_environment(str(running(folder, text)), folder, {})

    assert production.kind == "production"
    assert not production.is_sandbox


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "[secrets]",
            '[contract.health.pam]\noptional = ["status"]\n[secrets]',
            "is the answer's own word and never optional",
            id="the word itself as optional",
        ),
        pytest.param(
            "[secrets]",
            '[contract.health.pam]\noptional = ["checks tts"]\n[secrets]',
            "expected the place of a part in the answer, its keys joined by dots",
            id="no place of a part",
        ),
        pytest.param("[secrets]", "[secret]", "secret: unknown key, did you mean 'secrets'?", id="misspelt table"),
        pytest.param(
            '"flag_admin"',
            '"flag_adnin"',
            "abilities #1: unknown value 'flag_adnin', did you mean 'flag_admin'?",
            id="ability",
        ),
        pytest.param(
            'kind = "staging"',
            'kind = "production"\ndrills = true',
            "drills: production is no place to practise without damage: expected kind staging",
            id="drills on production",
        ),
        pytest.param(
            'name = "staging"',
            'name = "production"',
            "name: expected 'staging' as the file is called",
            id="name of another",
        ),
        pytest.param('name = "staging"', 'name = "../x"', "name: ", id="name that is a path"),
        pytest.param(
            "https://staging.", "http://staging.", "[urls] frontend: staging must be https", id="not encrypted"
        ),
        pytest.param("https://staging.", "ftp://staging.", "[urls] frontend: expected an address", id="no web address"),
        pytest.param(
            "https://staging.example.com",
            "https://staging.example.com:99999",
            "[urls] frontend: expected an address",
            id="port",
        ),
        pytest.param(
            'backend = "https://backend.staging.example.com"', "", "[urls] backend: missing", id="no back end"
        ),
        pytest.param(
            "[secrets]",
            '[paths]\nversion = "//evil.example/x"\n[secrets]',
            "[paths] version: ",
            id="path to another host",
        ),
        pytest.param(
            "[urls]", '[[waivers]]\nitem = "SC-3"\n[urls]', "[waivers #1] approved_by: missing", id="waiver of nobody"
        ),
    ],
)
def test_bad_environment_is_refused(folder: Path, old: str, new: str, said: str) -> None:
    """Each mistake is named with its place, what was found, and the nearest spelling."""
    assert said in refusal(folder, old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "https://staging.", f"https://user:{SECRET}@staging.", "[urls] frontend: ", id="credentials in an address"
        ),
        pytest.param(
            'staging.example.com"', f'staging.example.com?key={SECRET}"', "[urls] frontend: ", id="query in an address"
        ),
        pytest.param(
            '"STAGING_ADMIN_TOKEN"', f'"{SECRET}"', "[secrets] admin_token_env: ", id="value for the name of a variable"
        ),
        pytest.param(
            "admin_token_env =",
            f'admin_token = "{SECRET}"\nadmin_token_env =',
            "did you mean 'admin_token_env'?",
            id="value in the file",
        ),
        pytest.param(
            "[secrets]",
            f'[sandbox]\ntoken = ["{SECRET}"]\n[secrets]',
            "[sandbox] token: ",
            id="token of the wrong type",
        ),
        pytest.param(
            "[secrets]",
            f'[sandbox.variables]\nX = ["{SECRET}"]\n[secrets]',
            "[sandbox.variables] X: ",
            id="variable of the wrong type",
        ),
    ],
)
def test_misplaced_secret_is_not_repeated(folder: Path, old: str, new: str, said: str) -> None:
    """The message says where it is wrong, and not what stands there."""
    message = refusal(folder, old, new)

    assert said in message
    assert SECRET not in message


def test_every_missing_variable_at_once(folder: Path) -> None:
    """Named by file, table, key and variable, with the ability that asks for it and the nearest one that is there."""
    with pytest.raises(ConfigurationError) as caught:
        load_environment("staging", folder, {"STAGING_ADMINTOKEN": SECRET, "STAGING_SLACK": ""})

    hint = "there is STAGING_ADMINTOKEN; export it"
    wanted = f'STAGING_ADMIN_TOKEN is not set; {hint}, or remove "flag_admin" from abilities'
    assert str(caught.value).splitlines() == [
        f"{folder / 'staging.toml'}: 2 problems",
        f"  [secrets] admin_token_env: {wanted}",
        '  [secrets] slack_webhook_env: STAGING_SLACK is not set; export it, or remove "slack" from abilities',
    ]


@pytest.mark.parametrize("value", [f"{SECRET}\n", f" {SECRET}", f"{SECRET}\x00"])
def test_damaged_secret_is_refused(folder: Path, value: str) -> None:
    """A token with the line end of the file that it was read from would fail in the middle of a rollback."""
    with pytest.raises(ConfigurationError, match="STAGING_ADMIN_TOKEN has blanks at its ends") as caught:
        load_environment("staging", folder, {**VARIABLES, "STAGING_ADMIN_TOKEN": value})

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("webhook", [f"hooks.example.com/{SECRET}", f"http://hooks.example.com/{SECRET}"])
def test_bad_webhook_is_refused(folder: Path, webhook: str) -> None:
    """Before the session, not when the team should be told; without its value."""
    with pytest.raises(ConfigurationError, match=r"slack_webhook_env: STAGING_SLACK .*value not shown") as caught:
        load_environment("staging", folder, {**VARIABLES, "STAGING_SLACK": webhook})

    assert SECRET not in str(caught.value)


def test_a_variable_alone_opens_no_database(folder: Path) -> None:
    """What is there to be read is declared: an address that happens to be exported is not."""
    file = folder / "staging.toml"
    file.write_text(file.read_text(encoding="utf-8") + 'database_dsn_env = "DSN"\n', encoding="utf-8")
    staging = load_environment("staging", folder, {**VARIABLES, "DSN": "postgresql://db.example.com/pam"})

    with pytest.raises(ConfigurationError, match='no "database" is declared, so it is not read, although DSN is set'):
        staging.secret("database_dsn")
