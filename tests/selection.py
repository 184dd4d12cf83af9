"""Which of the suite's own tests a command runs: the quick ones, or the rest; what takes long and has a shorter twin only at night."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHOLE = "PAM_WHOLE_MATRIX"
QUICK, REST = "quick", "rest"
QUICK_PATHS = (
    "tests/core/",
    "tests/target/test_",
    "tests/plan/",
    "tests/report/test_sections.py",
    "tests/state/test_retention.py",
    "tests/report/test_verdict.py",
    "tests/plugin/test_resumption.py",
    "tests/plugin/test_time_frames.py",
    "tests/stats/",
    "tests/test_docs.py",
    "tests/test_house_rules.py",
    "tests/test_parsers.py",
    "tests/test_workflows.py",
)
"""Rules, docs and the house: no sandbox, no browser."""
_RULES_OF_A_SLICE = re.compile(r"tests/\w+/rules/")
"""Quick as well, whatever the slice is called."""
LATER = (
    "tests/target/test_accounts.py",
    "tests/target/test_flag_service.py",
    "tests/stats/test_percentiles.py::test_tails_are_the_sums_of_their_terms",
    "tests/probe/rules/test_change.py::test_covers_the_truth_as_often_as_it_says",
    "tests/probe/rules/test_change.py::test_rates_cover_the_truth_as_often_as_they_say",
    "tests/plan/test_held_tests.py::test_it_is_what_pytest_finds",
    "tests/probe/rules/test_recovery.py::test_what_failed_in_part_ends_when_luck_does_not_explain_the_good",
    "tests/stats/test_series.py::test_what_it_says_is_never_wrong",
    "tests/test_docs.py::test_shown_commands_select_something",
)
"""Tests among them that take seconds of processor: thousands of drawn histories, processes of pytest. They run with the rest."""
NIGHTLY = (
    "tests/load/test_locust.py",  # the load engine against a server of its own; by day the gate uses it
    "tests/target/client/test_unleash_conformance.py",  # Unleash's own server, 200 MB
    "tests/records/test_performance.py",  # rows of page loads, one at a time
    "tests/report/test_html_report.py",  # reports by Allure's generator; by day the drill's own is looked at
    "tests/sandbox/test_netlify_conformance.py",  # Netlify's own client, 420 MB
    "tests/sandbox/test_render_conformance.py",
)
"""Files of `make test-all` only."""


def is_quick(test: str) -> bool:
    """Whether a test, or some of a test file, belongs to `make quick`."""
    rules = test.startswith(QUICK_PATHS) or _RULES_OF_A_SLICE.match(test) is not None
    return rules and not test.startswith(LATER)


def wanted(test: str, part: str, *, whole: bool) -> bool:
    """Whether that part of the tests has this test in it, or some of this file. Without a part everything that was named is run."""
    if part == QUICK:
        return is_quick(test)
    if part == REST:
        some_are_later = any(name.startswith(f"{test}::") for name in LATER)
        return (some_are_later or not is_quick(test)) and (whole or not test.startswith(NIGHTLY))
    return True
