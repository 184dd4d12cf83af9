"""What the prober asks of an environment: its usual journeys, and the costly ones only where they were asked for."""

from collections import Counter
from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.probe import parts as asked
from pam_rollback.probe.observer import Prober, steady_of
from pam_rollback.probe.parts import probe_config, series_of
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.sessions import RunningSandbox

ROOT = Path(__file__).resolve().parents[2]
OPEN = {"front page": 1, "cached front page": 2, "health": 3}
READS = {"profile": 1, "settings": 1, "history": 1, "expenses": 1}
PASSWORD = "s3cr3t-password-4711"
VARIABLES = {"MAIL": "pam-test@example.com", "PASSWORD": PASSWORD}


def staging(folder: Path, *, weights: str = "", account: bool = True) -> Environment:
    """An environment of three addresses that probes like this."""
    file = folder / "prelive.toml"
    file.write_text(
        f"""
name = "prelive"
kind = "staging"
abilities = [{'"test_account"' if account else ""}]
[urls]
frontend = "https://www.prelive.example.org"
api = "https://api.prelive.example.org"
backend = "https://backend.prelive.example.org"
[secrets]
test_user_email_env = "MAIL"
test_user_password_env = "PASSWORD"
[probing]
{weights}
""",
        "utf-8",
    )
    return load_environment(str(file), folder, VARIABLES)


def turns(environment: Environment) -> Counter[str]:
    """How often each journey takes its turn in one round."""
    return Counter(journey.name for journey in probe_config(environment, run="r1").rotation)


def test_usually_nothing_costs(tmp_path: Path) -> None:
    """Reads only; nobody signs in again and again, nobody asks PAM."""
    config = probe_config(staging(tmp_path), run="r1")

    assert turns(staging(tmp_path)) == {**OPEN, "as a browser": 3, **READS}
    assert {journey.method for journey in config.journeys} == {"GET"}


def test_without_an_account_three_are_left(tmp_path: Path) -> None:
    """The front page, past caches and through them, and the health of what lies behind it."""
    assert turns(staging(tmp_path, account=False)) == OPEN


def test_an_environment_says_what_else_and_how_often(tmp_path: Path) -> None:
    """A weight of 0 leaves a journey out; no secret shows."""
    environment = staging(tmp_path, weights="weights = { login = 1, chat = 2, expenses = 0, history = 5 }")

    assert turns(environment) == {
        **OPEN,
        "as a browser": 3,
        "profile": 1,
        "settings": 1,
        "history": 5,
        "login": 1,
        "chat": 2,
    }
    assert PASSWORD not in repr(probe_config(environment, run="r1"))


@pytest.mark.parametrize(
    ("weights", "account", "problem"),
    [
        ("weights = { chat = 1 }", False, "[probing.weights] chat: acts as the test account"),
        (
            'weights = { "front page" = 0, "cached front page" = 0, health = 0 }',
            False,
            "[probing] weights: no journey of users is left",
        ),
        (
            'weights = { "front page" = 0, "cached front page" = 0, history = 0, expenses = 0, profile = 0, settings = 0 }',
            True,
            "[probing] weights: no journey of users is left",
        ),
        ("weights = { chat = 101 }", True, "[probing.weights] chat: expected less than or equal to 100"),
        ("weights = { chatt = 1 }", True, "[probing.weights] chatt"),
    ],
)
def test_what_cannot_be_probed_is_refused(tmp_path: Path, weights: str, account: bool, problem: str) -> None:  # noqa: FBT001
    """With its place and a way out."""
    with pytest.raises(ConfigurationError) as refused:
        staging(tmp_path, weights=weights, account=account)

    assert problem in str(refused.value)


def test_the_sandbox_is_signed_in_to_and_asked(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Each journey gets its good answer from the real product, and the record holds no password."""
    text = running_sandbox.file.read_text("utf-8")
    weighed = tmp_path / "weighed.toml"
    weighed.write_text(f"{text}\n[probing]\nrate_hz = 20\nweights = {{ login = 1, chat = 1 }}\n", "utf-8")
    weighed.chmod(0o600)
    environment = load_environment(str(weighed), ROOT / "environments", {})
    config = probe_config(environment, run="weighed")

    with Prober(config, tmp_path / "timeline.jsonl") as prober:
        samples = prober.wait_for_first(3 * len(config.rotation), 20)

    asked = Counter(sample.journey for sample in samples)
    assert asked["login"] >= 2
    assert asked["chat"] >= 2
    assert [sample for sample in samples if not sample.ok] == []
    assert environment.secret("test_user_password") not in (tmp_path / "timeline.jsonl").read_text("utf-8")


def test_todays_product_is_asked_in_each_of_its_parts(tmp_path: Path) -> None:
    """As many turns for each; what is asked as a browser asks names nothing of ours, and goes to where users read."""
    today = load_environment(str(todays(tmp_path)), ROOT / "environments", VARIABLES | {"KEY": "anon"})
    config = probe_config(today, run="r1")
    series = {one.part: one for one in series_of(today, config)}

    assert {name: one.journeys for name, one in series.items()} == {
        "front end": ("front page", "cached front page"),
        "back end": ("profile", "settings"),
        "browser": ("as a browser",),
        "rows": ("history", "expenses"),
        "health": ("health",),
    }
    assert {round(one.rate_hz, 3) for one in series.values()} == {0.2}
    [browser] = [one for one in config.journeys if one.name == "as a browser"]
    assert browser.url.endswith("/api/v1/users/{user_id}/profile")
    assert browser.cached
    assert "pam" not in browser.browser_headers["User-Agent"].lower()
    assert browser.browser_headers["Origin"] == today.urls.frontend


def test_a_part_that_nothing_asks_says_why(tmp_path: Path) -> None:
    """No account, no weight."""
    alone = staging(tmp_path, account=False)
    weighed = staging(tmp_path, weights="weights = { profile = 0, settings = 0, history = 0, expenses = 0 }")

    why = {one.part: one.lacking for one in series_of(alone, probe_config(alone, run="r"))}
    assert "test_account" in why["back end"]
    assert why["front end"] == ""
    lacking = {one.part: one.lacking for one in series_of(weighed, probe_config(weighed, run="r"))}
    assert "weight 0" in lacking["back end"]


def todays(folder: Path) -> Path:
    """An environment of today's product."""
    file = folder / "today.toml"
    file.write_text(
        """
name = "today"
kind = "staging"
product = "pam-today"
abilities = ["test_account"]
[urls]
frontend = "https://www.prelive.example.org"
api = "https://api.prelive.example.org"
backend = "https://api.prelive.example.org"
supabase = "https://rows.prelive.example.org"
[secrets]
test_user_email_env = "MAIL"
test_user_password_env = "PASSWORD"
supabase_key_env = "KEY"
""",
        "utf-8",
    )
    return file


def test_a_prober_asks_its_journeys_of_the_api(tmp_path: Path) -> None:
    """Pages are another host's. Once a second is 60 a minute, ten of thirteen of them at the API."""
    environment = staging(tmp_path)
    found = [
        one
        for one in steady_of(probe_config(environment, run="r"))
        if one.url.startswith((environment.urls.api, environment.urls.backend))
    ]

    assert sum(one.per_minute for one in found) == pytest.approx(60 * 10 / 13)
    assert [one.path for one in found if one.browser] == ["/api/v1/profile"]


def test_the_part_that_is_asked_least_is_known(tmp_path: Path) -> None:
    """Of thirteen probes a part has two or three."""
    assert 0 < asked.slowest_part_hz(staging(tmp_path)) <= 3 / 13
