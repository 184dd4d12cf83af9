"""What is left to do after a rollback, with its dates, and the addresses that people need meanwhile."""

from pathlib import Path

from pam_rollback.plan.plan import load_plan
from pam_rollback.report.sections import at_hand
from pam_rollback.target.environment_file import load_environment

ROOT = Path(__file__).parents[2]
PLAN = load_plan(ROOT / "plan.toml")


def test_the_addresses_are_the_plans_and_say_where_this_environment_asks_instead(tmp_path: Path) -> None:
    """Of today's product, which has no comprehensive check, the plan's address stands; one that has it elsewhere says where."""
    words = at_hand(
        PLAN, load_environment(str(ROOT / "environments/examples/production.toml"), ROOT / "environments", {})
    )
    file = tmp_path / "elsewhere.toml"
    urls = "".join(f'{part} = "https://api.example.com"\n' for part in ("frontend", "api", "backend"))
    text = (
        f'name = "elsewhere"\nkind = "staging"\n[urls]\n{urls}[contract.health.comprehensive]\npath = "/health/all"\n'
    )
    file.write_text(text, encoding="utf-8")
    elsewhere = at_hand(PLAN, load_environment(str(file), ROOT / "environments", {}))

    assert "Emergency rollback (POST): https://api.wheelsandwins.com/admin/emergency-rollback;" in words
    assert "/health/comprehensive;" in words
    assert "/health/comprehensive (set here: https://api.example.com/health/all);" in elsewhere
    assert words.endswith("Status page: https://status.wheelsandwins.com")
