"""Tables of an environment that a topic or a provider owns: taken as they were meant, or refused with what to write instead.

Secrets are never shown, and nothing is asked before all of it fits.
"""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.rollback.lock_targets import targets_of
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment

VALUES = {
    "RENDER_API_KEY": "rnd_s3cr3t-0815",
    "STATUSPAGE_API_KEY": "sp-s3cr3t",
    "PAGERDUTY_ROUTING_KEY": "0123456789abcdef0123456789abcdef",
    "SMTP_USER": "rollback",
    "SMTP_PASSWORD": "m4il-s3cr3t",
    "TOKEN": "pier-s3cr3t-0815",
    "ADMIN": "a-token",
    "FRONTEND": "a:b.token",
}
HEAD = """
name = "staging"
kind = "staging"
abilities = [{abilities}]
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com"
backend = "https://backend.staging.example.com"
{tables}
"""
SECRETS = """
[secrets]
render_api_key_env = "RENDER_API_KEY"
statuspage_api_key_env = "STATUSPAGE_API_KEY"
pagerduty_routing_key_env = "PAGERDUTY_ROUTING_KEY"
frontend_host_token_env = "TOKEN"
netlify_auth_token_env = "TOKEN"
unleash_admin_token_env = "ADMIN"
unleash_frontend_token_env = "FRONTEND"
"""
RENDER = '[render]\nservice_id = "srv-abc123"\n'
PAGE = '[statuspage]\npage_id = "kctbh9vrtdwd"\n'
PAGER = "[pagerduty]\n"
MAIL = '[email]\nhost = "smtp.example.com"\nfrom = "rollback@example.com"\n'
CHANNELS = '"statuspage", "pagerduty", "email"'
HOST = '[frontend_host]\nprovider = "pier"\napi_url = "https://pier.example.com"\nid = "pam"\n'
NETLIFY = '[netlify]\nsite_id = "0a1b"\n'
UNLEASH = '[unleash]\nurl = "https://unleash.example.com"\n'
FLAGS = '"flag_admin", "flag_evaluation"'
PROMETHEUS = """[prometheus]
url = "https://prometheus.example.com/"
requests = 'pam_requests_total{job="pam", path!~"/metrics|/health.*"}'
"""
SERIES = "[prometheus]\nurl = 'https://p.example'\n"


def loaded(folder: Path, abilities: str, tables: str, secrets: str = "", **variables: str) -> Environment:
    """An environment with these abilities and tables; ``secrets``: one more line of theirs."""
    text = HEAD.format(abilities=abilities, tables=tables) + SECRETS + secrets
    (folder / "staging.toml").write_text(text, encoding="utf-8")
    return load_environment("staging", folder, VALUES | variables)


def refusal(folder: Path, abilities: str, tables: str, secrets: str = "", **variables: str) -> str:
    """What was said instead."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, abilities, tables, secrets, **variables)
    return str(caught.value)


@pytest.mark.parametrize(
    ("abilities", "tables", "words"),
    [
        *(
            ('"render_metrics"', tables, words)
            for tables, words in (
                ("", '[render]: missing; say which service it is, or remove "render_metrics" from abilities'),
                ("[render]\n", "[render] service_id: missing: the id of the back end's service, such as srv-abc123"),
                ('[render]\nservice_id = "dep-1"\n', "[render] service_id"),
                (RENDER + 'owner_id = "me"\n', "[render] owner_id"),
                (RENDER + 'workers = ["celery"]\n', "[render] workers"),
                (RENDER + 'workers = ["srv-abc123"]\n', "[render] workers: srv-abc123 stands twice"),
                (RENDER + "resolution_s = 10\n", "[render] resolution_s: 10 s is finer than Render tells: 30 at least"),
                (RENDER + "gap_max_s = 100\n", "[render] gap_max_s: 100 is less than 3 steps of 60 s"),
                (RENDER + 'api_url = "http://api.example"\n', "[render] api_url: staging must be https"),
                (RENDER + 'srvice_id = "srv-x"\n', "srvice_id: unknown key, did you mean 'service_id'?"),
            )
        ),
        *(
            (CHANNELS, tables, words)
            for tables, words in (
                (PAGER + MAIL, '[statuspage]: missing; say which page it is, or remove "statuspage" from abilities'),
                (PAGE + MAIL, "[pagerduty]: missing; say where events go (an empty table is PagerDuty's own address)"),
                (PAGE + PAGER, '[email]: missing; say which server takes mail, or remove "email" from abilities'),
                ("[statuspage]\n" + PAGER + MAIL, "[statuspage] page_id: missing"),
                (PAGE + PAGER + "[email]\n", "[email] host: missing"),
                (PAGE + PAGER + MAIL + "port = 0\n", "[email] port: expected greater than or equal to 1"),
                (
                    PAGE + PAGER + MAIL + "starttls = false\n",
                    "[email] starttls: false, but the server is not on this machine",
                ),
                (PAGE + PAGER + MAIL.replace("rollback@example.com", "rollback"), "[email] from"),
                (
                    PAGE + '[pagerduty]\napi_url = "http://events.example"\n' + MAIL,
                    "[pagerduty] api_url: staging must be https",
                ),
            )
        ),
        *(
            ('"prometheus"', tables, words)
            for tables, words in (
                ("", '[prometheus]: missing; say where it is, or remove "prometheus"'),
                ("[prometheus]\n", "[prometheus] url: missing"),
                (SERIES, "[prometheus]: no series is named"),
                (SERIES.replace("//", "//me:pw@") + "memory_bytes = 'x'", "[prometheus] url: expected an address"),
                (PROMETHEUS + "error_rate_pct = '1'", "[prometheus] error_rate_pct: besides requests"),
                (
                    PROMETHEUS + "status_errors = '5(.'",
                    "[prometheus] status_errors: expected a regular expression, found '5(.'",
                ),
                (PROMETHEUS + "step_s = 90", "[prometheus] gap_max_s: 120 is less than 2 steps of 90 s"),
                (PROMETHEUS + "step_s = 0.1", "[prometheus] step_s: expected greater than or equal to 1"),
            )
        ),
        *(
            ('"frontend_host"', tables, words)
            for tables, words in (
                ("", "[netlify]: missing; say who it is there (or in [frontend_host])"),
                (HOST + NETLIFY, "[frontend_host]: [netlify] is there, too: a frontend has one host"),
                (HOST.replace("https", "http"), "[frontend_host] api_url: staging must be https"),
                (HOST.replace('id = "pam"', ""), "[frontend_host] id: missing"),
            )
        ),
        *(
            (FLAGS, tables, words)
            for tables, words in (
                ("", "[secrets] admin_token_env: missing"),
                (UNLEASH.replace("https", "http"), "[unleash] url: staging must be https"),
                ("[unleash]\n", "[unleash] url: missing"),
                (UNLEASH + 'environment = "a/b"\n', "[unleash] environment"),
                (UNLEASH + 'enviroment = "a"\n', "did you mean 'environment'"),
            )
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, abilities: str, tables: str, words: str) -> None:
    """With its place, what was expected, and the way out."""
    message = refusal(tmp_path, abilities, tables)

    assert words in message
    assert ":pw" not in message


@pytest.mark.parametrize(
    ("abilities", "tables", "key", "variable", "ability"),
    [
        ('"render_metrics"', RENDER, "", "RENDER_API_KEY", "render_metrics"),
        (
            CHANNELS,
            PAGE + PAGER + MAIL,
            'smtp_username_env = "SMTP_USER"\nsmtp_password_env = "SMTP_PASSWORD"',
            "SMTP_PASSWORD",
            "email",
        ),
        ('"prometheus"', PROMETHEUS, 'prometheus_token_env = "PROM"', "PROM", "prometheus"),
        ('"frontend_host"', HOST, "", "TOKEN", "frontend_host"),
        (FLAGS, UNLEASH, "", "ADMIN", 'flag_admin" and "flag_evaluation'),
        (FLAGS, UNLEASH, "", "FRONTEND", "flag_evaluation"),
    ],
)
def test_its_secret_is_needed_where_the_ability_is_declared(
    tmp_path: Path, abilities: str, tables: str, key: str, variable: str, ability: str
) -> None:
    """Half a sign-in is none. The way out is named, no other secret is asked for, and the table alone is only kept."""
    said = refusal(tmp_path, abilities, tables, key, **{variable: ""})
    kept = loaded(tmp_path, "", tables, key, **{variable: ""})
    used = loaded(tmp_path, abilities, tables, key, **{variable: "t-o-k-e-n"})

    assert f'{variable} is not set; export it, or remove "{ability}" from abilities' in said
    assert "1 problem\n" in said
    assert kept.abilities == frozenset()
    assert "t-o-k-e-n" in used.secrets()
    assert "t-o-k-e-n" not in repr(used)


@pytest.mark.parametrize(
    "selector",
    ["up", "job:up:sum", '{__name__="up"}', 'up{a="}{[("}', "up{a='x', b=~\"5[0-9]{2}\"}", "up {}", "  up  "],
)
def test_series_can_be_named_in_every_way_that_prometheus_knows(tmp_path: Path, selector: str) -> None:
    """Braces and brackets inside quotes are text."""
    settings = loaded(tmp_path, '"prometheus"', f"{SERIES}memory_bytes = '''{selector}'''\n").prometheus

    assert settings is not None
    assert settings.memory_bytes == selector.strip()


@pytest.mark.parametrize(
    "expression",
    [
        *("rate(pam_requests_total[5m])", "pam_requests_total[5m]", "sum by (le) (x_bucket)", "a / b"),
        *("{}", " ", '{a="x"', "up offset 5m", "1"),
    ],
)
def test_an_expression_is_no_series(tmp_path: Path, expression: str) -> None:
    """A sum of counters hides restarts; a rate misses the first error."""
    message = refusal(tmp_path, '"prometheus"', f"{SERIES}requests = '''{expression}'''\n")

    assert "[prometheus] requests: expected series as they were scraped, such as" in message


def test_a_sandbox_writes_to_nobody_outside(tmp_path: Path) -> None:
    """Its mail server has to be on this machine, as all of its addresses."""
    file = tmp_path / "sandbox.toml"
    text = HEAD.format(abilities=CHANNELS, tables=PAGE + PAGER + MAIL).replace("staging", "sandbox")
    for address in ("https://sandbox.example.com", "https://api.sandbox.example.com"):
        text = text.replace(address, "http://127.0.0.1:1")
    text = text.replace("https://backend.sandbox.example.com", "http://127.0.0.1:1")
    control = '[sandbox]\ncontrol_url = "http://127.0.0.1:2"\ntoken = "t"\n'
    file.write_text(text + SECRETS + control, encoding="utf-8")
    file.chmod(0o600)

    with pytest.raises(ConfigurationError) as caught:
        load_environment(str(file), tmp_path, VALUES)
    assert "[email] host: a sandbox is on loopback addresses only (127.0.0.1), found 'smtp.example.com'" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("tables", "ability", "provider", "place"),
    [
        (HOST, "frontend_host", "pier", ("https://pier.example.com", "pam")),
        (NETLIFY, "netlify", "netlify", ("https://api.netlify.com/api/v1", "0a1b")),
        (NETLIFY, "frontend_host", "netlify", ("https://api.netlify.com/api/v1", "0a1b")),
    ],
)
def test_a_host_is_known_whoever_it_is(
    tmp_path: Path, tables: str, ability: str, provider: str, place: tuple[str, str]
) -> None:
    """By its name, where it is, and by a token that is a secret. A file may declare it by who it is."""
    environment = loaded(tmp_path, f'"{ability}"', tables)
    host = environment.host_of("frontend")

    assert host is not None
    assert (host.provider, (host.api_url, host.id)) == (provider, place)
    assert environment.abilities == {"frontend_host"}
    assert environment.host_token("frontend") == VALUES["TOKEN"]
    assert VALUES["TOKEN"] in environment.secrets()
    assert environment.host_of("backend") is None


def test_one_writer_for_one_unleash_project_and_environment(tmp_path: Path) -> None:
    """Two products that share the flags wait for each other; two environments of one project do not."""

    def flags(more: str = "") -> set[str]:
        found = loaded(tmp_path, FLAGS, UNLEASH + more)
        return {name for name, words in targets_of(found, pushes=False).items() if "unleash" in words}

    assert len(flags()) == 1
    assert flags() == flags('environment = "production"\n')
    assert flags().isdisjoint(flags('environment = "development"\n'))
