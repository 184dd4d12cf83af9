"""What an environment says about its Prometheus is taken as it was meant, or refused with what to write instead; tokens are never shown."""

from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment

TOKEN = "s3cr3t-token-0815"
TABLE = """
url = "https://prometheus.example.com/"
requests = 'pam_requests_total{job="pam", path!~"/metrics|/health.*"}'
"""
STAGING = """
name = "staging"
kind = "staging"
abilities = ["prometheus"]
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com"
backend = "https://backend.staging.example.com"
[prometheus]
"""


def loaded(
    folder: Path, table: str = TABLE, variables: dict[str, str] | None = None, head: str = STAGING
) -> Environment:
    """An environment with this table."""
    (folder / "staging.toml").write_text(head + table, encoding="utf-8")
    return load_environment("staging", folder, variables or {})


def refusal(folder: Path, table: str, head: str = STAGING) -> str:
    """What was said instead."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, table, head=head)
    return str(caught.value)


@pytest.mark.parametrize(
    "selector",
    ["up", "job:up:sum", '{__name__="up"}', 'up{a="}{[("}', "up{a='x', b=~\"5[0-9]{2}\"}", "up {}", "  up  "],
)
def test_series_can_be_named_in_every_way_that_prometheus_knows(tmp_path: Path, selector: str) -> None:
    """Braces and brackets inside quotes are text."""
    settings = loaded(tmp_path, f"url = 'https://p.example'\nmemory_bytes = '''{selector}'''\n").prometheus

    assert settings is not None
    assert settings.memory_bytes == selector.strip()


@pytest.mark.parametrize(
    "expression",
    [
        "rate(pam_requests_total[5m])",
        "pam_requests_total[5m]",
        "sum by (le) (x_bucket)",
        "a / b",
        "{}",
        " ",
        '{a="x"',
        "up offset 5m",
        "1",
    ],
)
def test_an_expression_is_no_series(tmp_path: Path, expression: str) -> None:
    """A sum of counters hides restarts; a rate misses the first error."""
    message = refusal(tmp_path, f"url = 'https://p.example'\nrequests = '''{expression}'''\n")

    assert "[prometheus] requests: expected series as they were scraped, such as" in message


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "[prometheus] url: missing"),
        ("url = 'http://p.example'\nmemory_bytes = 'x'", "[prometheus] url: staging must be https"),
        ("url = 'https://me:pw@p.example'\nmemory_bytes = 'x'", "[prometheus] url: expected an address"),
        ("url = 'https://p.example'", "[prometheus]: no series is named"),
        ("url = 'https://p.example'\nrequest = 'x'", "[prometheus] request: unknown key, did you mean 'requests'?"),
        (TABLE + "error_rate_pct = '1'", "[prometheus] error_rate_pct: besides requests"),
        (TABLE + "status_errors = '5(.'", "[prometheus] status_errors: expected a regular expression, found '5(.'"),
        (TABLE + "step_s = 90", "[prometheus] gap_max_s: 120 is less than 2 steps of 90 s"),
        (TABLE + "step_s = 0.1", "[prometheus] step_s: expected greater than or equal to 1"),
        (TABLE + "[secrets]\nprometheus_token_env = 'PROM'", 'PROM is not set; export it, or remove "prometheus"'),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, table: str, said: str) -> None:
    """Before anything is asked, by table and key."""
    message = refusal(tmp_path, table)

    assert said in message
    assert "pw" not in message


def test_the_ability_needs_the_table(tmp_path: Path) -> None:
    """And the table alone, without the ability, is only kept."""
    without_table = STAGING.replace("[prometheus]\n", "")
    without_ability = STAGING.replace('"prometheus"', "")

    assert '[prometheus]: missing; say where it is, or remove "prometheus"' in refusal(tmp_path, "", without_table)
    kept = loaded(tmp_path, TABLE + "[secrets]\nprometheus_token_env = 'PROM'", head=without_ability)
    assert kept.prometheus is not None
