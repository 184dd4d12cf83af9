"""The headers of the SQL checks: whatever a file holds, it is read or refused with lines, at once."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.target.invariants import CHARACTERS_MAX, KEYS, parse_invariant

GOOD = {
    "id": "x",
    "criterion": "SC-4",
    "sentence": "it is so",
    "severity": "critical",
    "expectation": "no rows; the worst first",
    "dialect": "product",
    "tables": "expenses",
    "empty": "allowed",
    "anchor": "data-loss",
}
LINE = st.one_of(
    st.sampled_from([f"-- {key}: {value}" for key, value in GOOD.items()]),
    st.builds("-- {}: {}".format, st.sampled_from(KEYS), st.text(max_size=20)),
    st.text(max_size=30),
    st.just("SELECT id FROM expenses"),
)


@settings(deadline=None)
@given(st.lists(LINE, max_size=14).map("\n".join))
def test_any_file_is_read_or_refused_by_lines(text: str) -> None:
    """No other exception comes, and each problem has its place."""
    try:
        found = parse_invariant(text, source="x.sql", stem="x")
    except ConfigurationError as refused:
        assert refused.source == "x.sql"  # noqa: PT017 - one of two ends
        assert all(problem.place.startswith("line ") for problem in refused.problems)  # noqa: PT017
    else:
        assert found.query
        assert found.id == "x"
        assert text.splitlines()[found.first_line - 1].strip()


@pytest.mark.parametrize("blank", [" ", "\t", "a ", ": "])
def test_a_long_line_takes_no_longer_than_its_length(blank: str) -> None:
    """A pattern that tries every way of reading blanks would stand still for minutes."""
    text = f"-- sentence: a{blank * 45_000}x\nSELECT id FROM expenses"[:CHARACTERS_MAX]
    begun_s = time.process_time()
    with pytest.raises(ConfigurationError, match="expected a line `-- id: …`"):
        parse_invariant(text, source="x.sql", stem="x")

    assert time.process_time() - begun_s < 1


def test_a_file_that_is_too_long_is_not_read() -> None:
    """With how long it may be."""
    with pytest.raises(
        ConfigurationError, match=r"expected at most 100,000 characters, found 100,001; one file is one invariant"
    ):
        parse_invariant("-" * (CHARACTERS_MAX + 1), source="x.sql", stem="x")
