"""An environment is loaded as it was declared, or refused with all of its problems; secrets are never shown."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.environment import Environment
from pam_rollback.core.environment_file import load_environment
from pam_rollback.core.plan import load_plan

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "environments"
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
[statuspage]
api_url = "http://127.0.0.1:4007/v1"
page_id = "range"
[pagerduty]
api_url = "http://127.0.0.1:4007"
[email]
host = "127.0.0.1"
port = 4008
from = "rollback@sandbox.example"
starttls = false
[sandbox]
control_url = "http://127.0.0.1:4003"
token = "{SECRET}-token"
[sandbox.variables]
PAM_ADMIN_TOKEN = "{SECRET}-admin"
PAM_DATABASE_DSN = "postgresql://u:{SECRET}-dsn@127.0.0.1/x"
PAM_EMERGENCY_TOKEN = "{SECRET}-emergency"
RENDER_API_KEY = "rnd_{SECRET}"
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


def test_addresses_and_secrets_are_resolved(folder: Path) -> None:
    """What a session needs is there, by name."""
    staging = load_environment("staging", folder, VARIABLES)

    assert staging.url_of("health_db") == "https://api.staging.example.com/health/db"
    assert staging.url_of("backend_health") == "https://backend.staging.example.com/health"
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


def test_a_secret_that_no_ability_needs_may_be_there_or_not(folder: Path) -> None:
    """An old token is kept by those who have one; it is a secret like any other, and where there is none nobody is asked for it."""
    assert not load_environment(str(running(folder)), folder, {}).has_secret("expired_user_token")
    kept = load_environment(str(running(folder)), folder, {"EXPIRED_USER_TOKEN": f"{SECRET}-expired"})

    assert kept.has_secret("expired_user_token")
    assert f"{SECRET}-expired" in kept.secrets()


def test_sandbox_without_addresses_is_a_template(folder: Path) -> None:
    """By its name alone nothing is a sandbox, and no secret of this machine is picked up for it."""
    sandbox = load_environment("sandbox", folder, {"PAM_ADMIN_TOKEN": SECRET})

    assert sandbox.is_template
    assert not sandbox.is_sandbox
    assert sandbox.secrets() == ()


def test_production_that_is_a_sandbox_is_guarded_as_production(folder: Path) -> None:
    """The kind decides what is protected, also when the controls of a sandbox are there: the safe side wins."""
    text = RUNNING.replace(
        'extends = "sandbox"', 'extends = "sandbox"\nname = "production"\nkind = "production"\npace = 1'
    )
    production = load_environment(str(running(folder, text)), folder, {})

    assert production.kind == "production"
    assert not production.is_sandbox


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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("[secrets]", "[secret]", "secret: unknown key, did you mean 'secrets'?", id="misspelt table"),
        pytest.param(
            "admin_token_env",
            "admin_tokn_env",
            "[secrets] admin_tokn_env: unknown key, did you mean 'admin_token_env'?",
            id="key",
        ),
        pytest.param(
            "frontend =",
            "front_end =",
            "[urls] front_end: unknown key, did you mean 'frontend'?",
            id="misspelt address",
        ),
        pytest.param(
            '"flag_admin"',
            '"flag_adnin"',
            "abilities #1: unknown value 'flag_adnin', did you mean 'flag_admin'?",
            id="ability",
        ),
        pytest.param(
            'kind = "staging"', 'kind = "stagin"', "kind: unknown value 'stagin', did you mean 'staging'?", id="kind"
        ),
        pytest.param(
            'name = "staging"',
            'name = "production"',
            "name: expected 'staging' as the file is called",
            id="name of another",
        ),
        pytest.param('name = "staging"', 'name = "../x"', "name: ", id="name that is a path"),
        pytest.param(
            'kind = "staging"',
            'kind = "staging"\npace = 0',
            "pace: expected greater than or equal to 1, found 0",
            id="pace",
        ),
        pytest.param(
            'kind = "staging"',
            'kind = "staging"\npace = "1"',
            "pace: expected a number, found '1'",
            id="text for a number",
        ),
        pytest.param(
            "https://staging.", "http://staging.", "[urls] frontend: staging must be https", id="not encrypted"
        ),
        pytest.param("https://staging.", "ftp://staging.", "[urls] frontend: expected an address", id="no web address"),
        pytest.param(
            "https://staging.example.com", "staging.example.com", "found 'staging.example.com'", id="no scheme"
        ),
        pytest.param("https://staging.example.com", "https://", "[urls] frontend: expected an address", id="no host"),
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
            "[secrets]", '[paths]\nversion = "version"\n[secrets]', "[paths] version: ", id="path without slash"
        ),
        pytest.param(
            "[secrets]",
            '[paths]\nversion = "//evil.example/x"\n[secrets]',
            "[paths] version: ",
            id="path to another host",
        ),
        pytest.param(
            "[secrets]",
            "[probing]\ntimeout_s = 60\n[secrets]",
            "[probing] timeout_s: expected less than or equal to 5",
            id="patience",
        ),
        pytest.param(
            "[secrets]",
            "[probing]\nrate_hz = 0\n[secrets]",
            "[probing] rate_hz: expected greater than 0, found 0",
            id="rate",
        ),
        pytest.param(
            "[secrets]",
            '[thresholds.SC-1]\nduration_s = "x"\n[secrets]',
            "[thresholds.SC-1] duration_s: expected a number",
            id="figure",
        ),
        pytest.param(
            "[urls]",
            '[[waivers]]\nitem = "SC-3"\nuntil = "soon"\n[urls]',
            "[waivers #1] until: expected a date",
            id="waiver date",
        ),
        pytest.param(
            "[urls]", '[[waivers]]\nitem = "SC-3"\n[urls]', "[waivers #1] approved_by: missing", id="waiver of nobody"
        ),
        pytest.param("[secrets]", "[secrets\n", "not valid TOML: ", id="broken TOML"),
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


def test_ability_needs_its_variable_named(folder: Path) -> None:
    """Declaring an ability without saying where its secret is does not work either."""
    message = refusal(folder, 'admin_token_env = "STAGING_ADMIN_TOKEN"', "")

    assert 'admin_token_env: missing: name the variable that holds it, or remove "flag_admin" from abilities' in message


def test_variable_that_no_ability_needs_may_be_missing(folder: Path) -> None:
    """Only what is declared is demanded."""
    (folder / "staging.toml").write_text(STAGING.replace('"flag_admin", ', ""))

    assert load_environment("staging", folder, {"STAGING_SLACK": VARIABLES["STAGING_SLACK"]}).kind == "staging"


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


def test_unknown_environment_lists_those_that_exist(folder: Path) -> None:
    """A typo in --env is answered with what there is."""
    with pytest.raises(ConfigurationError) as caught:
        load_environment("stagging", folder, {})

    assert "no environment of that name, did you mean 'staging'? there are: sandbox, staging" in str(caught.value)


def test_missing_file_is_named(folder: Path) -> None:
    """A path is taken as a path."""
    with pytest.raises(ConfigurationError, match=r"gone\.toml: 1 problem\n  there is no such file"):
        load_environment(str(folder / "gone.toml"), folder, {})


def test_problem_of_the_extended_file_is_told_apart(folder: Path) -> None:
    """The reader is sent to the file in which the mistake stands."""
    base = folder / "sandbox.toml"
    base.write_text(base.read_text().replace("rate_hz = 50", "rate_hzz = 50"))

    with pytest.raises(
        ConfigurationError, match=r"running\.toml: 1 problem\n.*rate_hzz: .*'rate_hz'\? \(in .*sandbox\.toml\)"
    ):
        load_environment(str(running(folder)), folder, {})


def test_extending_goes_one_level(folder: Path) -> None:
    """No chains, and so no circles."""
    (folder / "second.toml").write_text('extends = "second"\n')

    with pytest.raises(ConfigurationError, match="extends another one itself"):
        load_environment("second", folder, {})


@pytest.fixture(params=["staging", "production"])
def committed(request: pytest.FixtureRequest) -> Environment:
    """Give each committed environment; none of them needs a secret for read-only checks."""
    return load_environment(request.param, COMMITTED, {})


def test_committed_environments_fit_the_plan(committed: Environment) -> None:
    """Overridden figures and waivers name items that exist, and every relaxed figure has a waiver with an end."""
    plan = load_plan(ROOT / "plan.toml").with_overrides(committed.thresholds, source=committed.name)

    assert {waiver.item for waiver in committed.waivers} <= set(plan.ids())
    assert {change.item for change in plan.relaxed} == {waiver.item for waiver in committed.waivers}
    assert all(isinstance(waiver.until, date) for waiver in committed.waivers)


def test_committed_environments_promise_no_flag_api(committed: Environment) -> None:
    """Today's product has none: promising it would make a rollback fail in the middle of an incident."""
    assert not committed.abilities & {
        "flag_admin",
        "flag_evaluation",
        "emergency_endpoint",
        "cache_admin",
        "feature_check",
    }
    assert committed.url_of("health_pam").endswith("/api/v1/health/pam")
    assert committed.control_probe_url


def test_committed_sandbox_holds_no_secret_and_no_address() -> None:
    """The default of every session is complete only once a sandbox runs."""
    assert load_environment("sandbox", COMMITTED, {}).is_template
