"""The page that compares the real product with today's stand-in says what the stand-in answers."""

import re
from pathlib import Path

import pytest

from tests.sandbox.test_today import forged
from tests.sandbox.todays_range import Today

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "todays-product.md"
_ROW = re.compile(
    r"^\| `(?P<method>[A-Z]+) (?P<path>\S+)` \| (?P<token>\w+) \| (?P<real>\d{3}) \| (?P<here>\d{3}) \|", re.MULTILINE
)
WELL, DEAD = "While all is well", "While the database is dead"
KNOWN_DIFFERENCES = {"/openapi.json"}


def rows(heading: str) -> list[dict[str, str]]:
    """The answers of one table."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [row.groupdict() for row in _ROW.finditer(section)]


def asked(today: Today, row: dict[str, str]) -> int:
    """What the sandbox answers to a row's request."""
    path = row["path"].replace("{me}", today.user_id).replace("{other}", "00000000-0000-0000-0000-000000000001")
    tokens = {"none": "", "own": None, "unsigned": forged(today.user_id)}
    body = {"message": "How much did I spend this month?"} if row["method"] in {"POST", "PUT"} else None
    today.remote.forgive()
    return today.api(path, body, token=tokens[row["token"]], method=row["method"]).status


@pytest.mark.parametrize(("heading", "least"), [(WELL, 25), (DEAD, 8)])
def test_the_page_says_what_the_sandbox_answers(today: Today, heading: str, least: int) -> None:
    """Row by row."""
    table = rows(heading)
    assert len(table) >= least
    assert today.user_id
    if heading == DEAD:
        today.remote.plant("database-down")

    assert [{**row, "here": str(asked(today, row))} for row in table] == table


def test_the_real_product_and_the_sandbox_differ_where_it_is_said() -> None:
    """Nowhere else."""
    differing = {row["path"] for heading in (WELL, DEAD) for row in rows(heading) if row["real"] != row["here"]}

    assert differing == KNOWN_DIFFERENCES
