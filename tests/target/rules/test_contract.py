"""A contract's file is typed and closed: each slip is one clear message with file, key, expected and found."""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.target.files import load_contract

GOOD = """
name = "pam-small"
description = "a small product"

[health.backend]
item = "HC-2"
title = "the back end"
site = "backend"
path = "/health"
conditions = [{ json = "/status", equals = "healthy" }]

[health.database]
item = "HC-3"
title = "the database"
no_endpoint = "/health stays healthy while the database is down"

[sign_in]
path = "/login"

[operations.chat]
method = "POST"
path = "/api/chat"
body = { message = "{message}", limit = 3 }
good = [{ json = "/response", exists = true }]

[operations.expenses]
path = "/api/expenses/{user_id}"

[pages]
home = "/"
login = "/login"
chat = "/pam"
trips = "/wheels"
money = "/wins"
settings = "/settings"
profile = "/profile"

[elements]
log_in = { role = "link", name = "Log in" }
amount = { label = "Amount" }

[operations.history]
path = "/api/history"

[operations.voice]
path = "/api/voice"

[operations.profile]
path = "/api/profile"

[operations.settings]
path = "/api/settings"

[operations.tickets]
path = "/api/tickets"

[operations.cache_clear]
path = "/api/cache_clear"

[tables.left_out]
settings-blank = "there are none"

[tables.users.trips]
owner = "user_id"
stays = ["user_id"]

[tables.users.stops]
owner = "trip_id"
within = "trips"
"""


def _written(folder: Path, text: str) -> Path:
    file = folder / "pam-small.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'path = "/health"\n',
            "",
            "[health] backend: path is missing: say where it is asked, or why it cannot be (no_endpoint)",
        ),
        (
            'equals = "healthy"',
            "equals = nan",
            "[health.backend.conditions #1] equals: expected a text in quotes, a number",
        ),
        ('equals = "healthy"', "lt = 5", "lt: unknown key, removed: hold a figure in a check of your own"),
        ('equals = "healthy"', 'matches = "("', "expected a regular expression, found '('"),
        ('equals = "healthy"', 'equals = "a", exists = true', "expected exactly one operator"),
        (', equals = "healthy"', "", "expected exactly one operator"),
        ('json = "/status"', 'json = "/status", answer = "text"', "expected exactly one subject"),
        (
            'json = "/status"',
            'json = "status"',
            "expected a JSON pointer such as \"/checks/database/status\", found 'status'",
        ),
        ('[{ json = "/status", equals = "healthy" }]', "[]", "conditions are missing: an answer alone is no health"),
        ('title = "the database"', 'title = "the database"\npath = "/db"', "there is no endpoint for it"),
        ('site = "backend"', 'site = "backend"\nhttp_status = 20', 'expected an HTTP status such as 200, or "any"'),
        ('site = "backend"', 'site = "backend"\noptional = ["status"]', "never optional"),
        ('path = "/api/tickets"', "", "[operations] tickets: expected path, or why there is none (no_endpoint)"),
        ('path = "/api/tickets"', 'path = "/t"\nno_endpoint = "none"', "[operations] tickets: expected path, or why"),
        ('path = "/api/tickets"', 'path = "/t"\nitems = "rows"', "[operations.tickets] items: expected a JSON pointer"),
        (
            'label = "Amount"',
            'label = "Amount", selector = "input"',
            "expected exactly one of role, label, selector, found label and",
        ),
        ('role = "link", name', 'label = "Log in", name', "name is the accessible name of a role: expected role, too"),
        ('name = "Log in"', 'name_matches = "("', "expected a regular expression, found '('"),
        ('stays = ["user_id"]', 'stays = ["a; b"]', "[tables.users.trips] stays"),
        ('"there are none"', '""', "[tables.left_out] settings-blank: "),
        ('settings-blank = "there are none"', "[tables.names]\nexpenses = 'a\"b'", "[tables] names: expenses: "),
        (
            'name = "pam-small"',
            'name = "pam-smal"',
            "name: expected 'pam-small' as the file is called, found 'pam-smal'",
        ),
    ],
)
def test_each_slip_is_one_clear_message(tmp_path: Path, old: str, new: str, message: str) -> None:
    """With the file, the key, what was expected and what was found; and one message only."""
    assert old in GOOD
    with pytest.raises(ConfigurationError) as raised:
        load_contract(_written(tmp_path, GOOD.replace(old, new, 1)))

    assert "pam-small.toml: 1 problem" in str(raised.value)
    assert message in str(raised.value)


def test_a_contract_fits_the_plan(tmp_path: Path) -> None:
    """Each health check of the plan has a component, even if it is none, and each component one of the plan's."""
    contract = load_contract(_written(tmp_path, GOOD))

    said = [str(problem) for problem in contract.problems({"HC-2": 0, "HC-4": 0})]
    assert said == [
        "[health.database] item: the plan has no health check 'HC-3'; there are: HC-2, HC-4",
        "[health]: no component for the plan's HC-4; where nothing can be asked, say so with no_endpoint",
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('kind = "variable"', "variable is missing: kind is 'variable'"),
        ('kind = "variable"\nvariable = "A"\ntable = "t"', "table is not for this: kind is 'variable'"),
        ('kind = "row"\ntable = "t"\nkey_column = "k"\nkey = "a"\ncolumn = "v"', "field is missing: kind is 'row'"),
        ('kind = "variable"\nvariable = "A"\nalso_on_by = ["B"]', "also_on_by names 'B', which is no other switch"),
    ],
)
def test_a_switch_is_wholly_of_its_kind(tmp_path: Path, table: str, message: str) -> None:
    """What is missing, what is not for it, and a name that leads nowhere."""
    file = tmp_path / "pam-small.toml"
    file.write_text(f"{GOOD}\n[flags.switches.A]\n{table}\n", encoding="utf-8")

    with pytest.raises(ConfigurationError) as raised:
        load_contract(file)

    assert message in " ".join(str(raised.value).split())
