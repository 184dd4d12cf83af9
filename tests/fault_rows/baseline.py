"""What keeps a baseline from being used, and what is worse than one."""

from tests.fault_rows.row import Row
from tests.fault_rows.servers_records import RECORDED_ERRORS

WELL = "test_service_is_well_while_it_is_recorded"
GOOD = "test_what_is_recorded_is_good"
AS_FAST, AS_FEW = "test_answers_are_as_fast_as_before", "test_no_more_errors_than_before"

ROWS = [
    Row(
        "baseline-of-an-ill-service",
        "answers-unhealthy",
        frozenset({WELL}),
        "before: PAM says unhealthy",
        {"server": "api", "path": "/health/pam"},
        select="baseline",
    ),
    Row(
        "baseline-with-an-open-door",
        "",
        frozenset({"test_somebody_answers_for_what_was_found"}),
        "at_most = 16",
        select="baseline",
        product="pam-today",
        elsewhere="tests/access/test_todays_known.py",
        verdict="GO",
    ),
    Row(
        "baseline-with-errors",
        "errors",
        frozenset({GOOD, "test_somebody_answers_for_what_was_found"}),  # pages show the errors, too
        "what is bad must not become what is usual",
        {"share": 0.2},
        select="baseline",
    ),
    # The baseline's answers took 200 ms. 350 ms are within the plan's limit, and 60 % more than usual.
    Row(
        "answers-slower-than-before",
        "latency",
        frozenset({AS_FAST}),
        " % (100 ms)",
        {"ms": 350},
        select="performance",
        setting="[thresholds.SC-5]\nresponse_time_unnoticed_ms = 100\n",
        counted_before=True,
    ),
    Row(
        "more-errors-than-before",
        "errors",
        frozenset({AS_FEW, "test_few_answers_are_errors", RECORDED_ERRORS}),
        "expected at most +1 points",
        {"share": 0.08},
        select="performance",
        counted_before=True,
    ),
]
