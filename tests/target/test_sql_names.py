"""A name of an environment can stand in every query, or is refused when the file is loaded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.target.sql_names import TABLES, Names, accepted, wrong_name


@pytest.mark.parametrize(
    ("key", "here", "words"),
    [
        ("Expenses", "spent", "expected the name of a table or column as the checks have it"),
        ("expenses.amount.total.net", "net", "expected the name of a table or column as the checks have it"),
        ("expenses", "a.b.c", "write it as name or schema.name"),
        ("expenses", "money.", "write it as name or schema.name"),
        ("expenses", " ", "write it as name or schema.name"),
        ("expenses.amount", '"Total"', "write it without quotes, % and control characters"),
        ("expenses.amount", "total%s", "write it without quotes, % and control characters"),
        ("expenses.amount", "total\x00", "write it without quotes, % and control characters"),
        ("expenses.amount", "ä" * 32, "an identifier of PostgreSQL has at most 63 bytes, this one has 64"),
    ],
)
def test_a_name_that_would_break_a_query_is_refused(key: str, here: str, words: str) -> None:
    """With the key, what was expected, what was found and what to write."""
    with pytest.raises(ValueError, match="expected") as refused:
        accepted({"profiles": "people", key: here})

    assert words in str(refused.value)
    assert str(refused.value).startswith(f"{key}: ")
    assert "profiles" not in str(refused.value)


def test_a_table_that_no_check_reads_is_refused() -> None:
    """A slip of the pen would otherwise go on to be 'missing'."""
    with pytest.raises(ConfigurationError, match="no check reads this table, did you mean 'expenses'"):
        Names.of({"expense.amount": "total"}, TABLES, source="x")


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=30), st.text(max_size=80), max_size=4))
def test_whatever_stands_there_has_one_answer(names: dict[str, str]) -> None:
    """Taken as it is, or refused with a sentence for each that is wrong."""
    wrong = [key for key, here in names.items() if wrong_name(key, here)]
    try:
        assert accepted(names) == names
    except ValueError as refused:
        assert [key for key in wrong if f"{key}: expected" not in str(refused)] == []  # noqa: PT017 - the other half of the assertion
        assert wrong
