"""An environment names a product, whose contract it takes over, and may say parts of it differently."""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.target.environment_file import load_environment
from tests.target.declared_environments import STAGING, VARIABLES, folder, refusal

__all__ = ["folder"]


def _with(folder: Path, *, top: str = "", end: str = "") -> Path:
    text = STAGING.replace('kind = "staging"', f'kind = "staging"\n{top}', 1) + end
    if "pam-today" in top:
        text = text.replace('"flag_admin", ', "")  # it has switches, which need other secrets
    (folder / "staging.toml").write_text(text, encoding="utf-8")
    return folder


def test_todays_product_has_no_endpoint_for_some(folder: Path) -> None:
    """Their addresses are empty, and the back end's is there."""
    staging = load_environment("staging", _with(folder, top='product = "pam-today"'), VARIABLES)

    assert [staging.health_url(name) for name in ("frontend", "pam", "comprehensive")] == [""] * 3
    assert staging.health_url("backend") == "https://backend.staging.example.com/health"


def test_parts_may_be_different(folder: Path) -> None:
    """Of one component; the others stay as the contract has them."""
    end = '[contract.health.pam]\npath = "/other/pam"\noptional = ["checks.tts"]\n'
    staging = load_environment("staging", _with(folder, end=end), VARIABLES)

    assert staging.health_url("pam") == "https://api.staging.example.com/other/pam"
    assert staging.contract.health["pam"].optional == ("checks.tts",)
    assert staging.contract.health["database"].optional == ()


def test_what_is_wrong_is_named_with_the_rest(folder: Path) -> None:
    """One list of problems for one file."""
    said = refusal(folder, "[secrets]", '[contract.health.pam]\npaht = "/x"\n[secrets]')

    assert "[contract.health.pam] paht: unknown key, did you mean 'path'?" in said
    said = refusal(folder, "[secrets]", '[contract.health.pam]\nno_endpoint = "none"\n[secrets]')
    assert "[contract.health] pam: there is no endpoint for it, so nothing can be asked" in said


SUPABASE = """
[urls]
frontend = "https://staging.example.com"
api = "https://api.staging.example.com/"
backend = "https://backend.staging.example.com"
supabase = "https://accounts.example.com"
[secrets]
admin_token_env = "STAGING_ADMIN_TOKEN"
slack_webhook_env = "STAGING_SLACK"
test_user_email_env = "EMAIL"
test_user_password_env = "PASSWORD"
supabase_key_env = "KEY"
"""
TODAY = 'name = "staging"\nkind = "staging"\nproduct = "pam-today"\nabilities = ["test_account"]\n'
ACCOUNT = {**VARIABLES, "EMAIL": "t@example.com", "PASSWORD": "pass-word-1", "KEY": "key-of-the-pages"}


def test_accounts_sign_in_where_the_product_says(folder: Path) -> None:
    """At the API; or by Supabase's password grant, with the key of the pages."""
    plan = load_environment("staging", folder, VARIABLES)
    (folder / "staging.toml").write_text(TODAY + SUPABASE, encoding="utf-8")
    today = load_environment("staging", folder, ACCOUNT)

    assert (plan.sign_in_url, plan.sign_in_headers) == ("https://api.staging.example.com/api/v1/auth/login", {})
    assert today.sign_in_url == "https://accounts.example.com/auth/v1/token?grant_type=password"
    assert today.sign_in_headers == {"apikey": "key-of-the-pages"}
    assert "key-of-the-pages" in today.secrets()


def test_what_signing_in_needs_is_asked_for(folder: Path) -> None:
    """Host and key, at once; not of an environment without an account."""
    text = TODAY + SUPABASE.replace('supabase = "https://accounts.example.com"\n', "")
    (folder / "staging.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_environment("staging", folder, {**ACCOUNT, "KEY": ""})

    assert "[urls] supabase: missing: accounts of pam-today sign in there" in str(raised.value)
    assert "[secrets] supabase_key_env: KEY is not set" in str(raised.value)
    (folder / "staging.toml").write_text(text.replace('"test_account"', ""), encoding="utf-8")
    assert load_environment("staging", folder, VARIABLES).contract.name == "pam-today"


def test_a_path_for_each_user_has_a_place_for_the_id(folder: Path) -> None:
    """Whoever knows it gives it; a process that signs in itself fills it in."""
    today = load_environment("staging", _with(folder, top='product = "pam-today"'), VARIABLES)

    assert today.url_of("profile", user_id="u-1") == "https://api.staging.example.com/api/v1/users/u-1/profile"
    assert today.url_of("profile") == "https://api.staging.example.com/api/v1/users/{user_id}/profile"
    assert today.url_of("chat", user_id="u-1") == "https://api.staging.example.com/api/v1/pam/chat"
    assert today.url_of("expenses", user_id="u-1").endswith("/rest/v1/expenses?user_id=eq.u-1&order=created_at.desc")
    assert today.url_of("cache_clear") == ""
    assert today.path_of("settings") == "/api/v1/users/{user_id}/settings"


@pytest.mark.parametrize(
    ("end", "intent", "pointers"),
    [("", "named", ["/response", "/intent"]), ('[chat]\nintent = "never"\n', "never", ["/response"])],
)
def test_what_a_good_answer_of_the_chat_has(folder: Path, end: str, intent: str, pointers: list[str]) -> None:
    """As the contract says, or as the environment does."""
    staging = load_environment("staging", _with(folder, end=end), VARIABLES)

    assert staging.chat_intent == intent
    assert [one.pointer for one in staging.chat_good] == pointers


def test_operations_may_be_elsewhere(folder: Path) -> None:
    """With a place for the user's id; and the sign-in."""
    elsewhere = '[contract.operations.expenses]\npath = "/money/{user_id}"\n[contract.sign_in]\npath = "/in"\n'
    staging = load_environment("staging", _with(folder, end=elsewhere), VARIABLES)

    assert staging.url_of("expenses", user_id="7") == "https://api.staging.example.com/money/7"
    assert staging.url_of("login") == "https://api.staging.example.com/in"


def test_what_is_asked_at_supabase_needs_its_host_and_key(folder: Path) -> None:
    """Else it is not asked, and that is said."""
    (folder / "staging.toml").write_text(TODAY + SUPABASE, encoding="utf-8")
    today = load_environment("staging", folder, ACCOUNT)
    database = today.contract.health["database"]
    assert today.health_url("database") == "https://accounts.example.com/rest/v1/profiles?select=id&limit=1"
    assert today.headers_at(database.site) == {"apikey": "key-of-the-pages"}

    without = load_environment("staging", _with(folder, top='product = "pam-today"'), VARIABLES)
    assert without.health_url("database") == ""
    assert "the database is asked at Supabase: staging names no [urls] supabase" in without.unasked(database)


SWITCHED = TODAY.replace('"test_account"', '"test_account", "flag_admin", "flag_evaluation", "emergency_endpoint"')


def test_switches_are_those_that_can_be_reached(folder: Path) -> None:
    """Rows with the service key, variables with the host; with neither it is said what each needs, and no token of an API is asked for."""
    rows = SUPABASE + 'supabase_service_key_env = "SERVICE"\n'
    host = rows + 'render_api_key_env = "RENDER"\n[render]\nservice_id = "srv-1"\n'
    file, values = folder / "staging.toml", {**ACCOUNT, "SERVICE": "service-key", "RENDER": "rnd_1"}

    def switches(text: str) -> list[str]:
        file.write_text(text, encoding="utf-8")
        return list(load_environment("staging", folder, values).switches)

    assert switches(SWITCHED + rows) == ["PAM_AI_ROUTER"]
    assert len(switches(SWITCHED.replace('["test', '["render", "test') + host)) == 5
    with pytest.raises(ConfigurationError, match="pam-today has switches, and none can be reached: rows need"):
        switches(SWITCHED + SUPABASE)
    file.write_text(TODAY + rows, encoding="utf-8")
    without = load_environment("staging", folder, values)
    assert (without.constant_flags, without.no_shares) == ("its flags are constants of the site's bundle", "")
