"""What the ledger asks of the product's API over and over, said beforehand."""

from dataclasses import asdict
from pathlib import Path

from pam_rollback.environment.environment_file import load_environment
from pam_rollback.ledger.service.asked import asked
from tests.observation.test_probed_journeys import staging
from tests.sessions import ROOT

TODAY = """
name = "prelive"
kind = "staging"
product = "pam-today"
abilities = ["test_account"]
[urls]
frontend = "https://www.prelive.example.org"
api = "https://api.prelive.example.org"
backend = "https://api.prelive.example.org"
supabase = "{supabase}"
[secrets]
test_user_email_env = "MAIL"
test_user_password_env = "PASSWORD"
supabase_key_env = "KEY"
"""


def per_minute(steady: object) -> dict[str, tuple[float, bool]]:
    """By path: how often, and whether with a token."""
    return {one["path"]: (round(one["per_minute"], 1), one["token"]) for one in map(asdict, steady)}  # type: ignore[call-overload]


def test_a_ledger_asks_what_it_writes(tmp_path: Path) -> None:
    """By its weights, as the test account; on a sandbox a drill bothers nobody, and without an account nothing is written."""
    environment = staging(tmp_path)
    found = per_minute(asked(environment, 1.0).steady)

    assert sorted(found.values()) == [(7.5, True), (15.0, True), (37.5, True)]
    assert asked(environment.model_copy(update={"kind": "sandbox"}), 1.0).steady == ()
    assert asked(staging(tmp_path, account=False), 1.0).steady == ()


def test_what_is_not_written_is_not_asked(tmp_path: Path) -> None:
    """Today's product keeps expenses alone, at a host that counts for itself; behind the API's they would all be asked of it."""
    found = []
    for supabase in ("https://rows.prelive.example.org", "https://api.prelive.example.org"):
        file = tmp_path / "prelive.toml"
        file.write_text(TODAY.format(supabase=supabase), "utf-8")
        secrets = {"MAIL": "t@example.org", "PASSWORD": "p", "KEY": "k"}
        environment = load_environment(str(file), ROOT / "environments", secrets)
        found.append(per_minute(asked(environment, 1.0).steady))

    assert found == [{}, {"/rest/v1/expenses": (60.0, True)}]
