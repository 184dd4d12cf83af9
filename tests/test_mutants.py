"""What the run of mutants names is there: a renamed module would not be tried."""

from tests.mutants.__main__ import LISTED, MODULES, ROOT, SOURCES


def test_what_is_named_is_there() -> None:
    """A renamed module would not be tried, a renamed test would be missed at night only."""
    assert [name for name in MODULES if not (SOURCES / name).is_file()] == []
    tests = {test for rules in MODULES.values() for test in rules.tests}
    assert [test for test in tests if not (ROOT / "tests" / test).is_file()] == []
    assert LISTED.is_file()
