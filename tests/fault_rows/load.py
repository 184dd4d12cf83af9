"""What turns the load gate red: a candidate that fails, is slow or goes away."""

from tests.fault_rows.row import Row

FAST = "test_answers_are_fast_under_load"
SLOWEST = "test_slowest_answers_are_bearable_under_load"
FEW_FAIL = "test_few_requests_fail_under_load"
NO_OUTAGE = "test_no_outage_under_load"
EACH_STEP = "test_each_step_of_the_load_is_borne"
REACHED = "test_asked_load_was_reached"
AS_FAST = "test_candidate_is_as_fast_as_stable"
AS_SELDOM = "test_candidate_fails_as_seldom_as_stable"


def _row(identifier: str, fault: str, red: set[str], words: str, **parameters: str | float) -> Row:
    return Row(identifier, fault, frozenset(red), words, parameters, select="load", folder="load", file="test_load.py")


ROWS = [
    _row(
        "load-with-errors",
        "code-errors",
        {FEW_FAIL, EACH_STEP, REACHED, AS_SELDOM},
        "error rate under load",
        share=0.12,
    ),
    _row("load-slow", "latency", {FAST, EACH_STEP, AS_FAST}, "the load broke it at 10 % of the load", ms=550),
    _row(
        "load-very-slow",
        "latency",
        {FAST, SLOWEST, NO_OUTAGE, EACH_STEP, AS_FAST},
        "longest run of bad seconds under load",
        ms=1500,
    ),
    _row(
        "load-errors-on-the-way",
        "answers-503-healthy",
        {FEW_FAIL, NO_OUTAGE, EACH_STEP, REACHED, AS_SELDOM},
        "error rate under load",
        path="/api/v1/pam/history",
        server="api",
    ),
    _row(
        "load-chat-apologises",
        "chat-apologises",
        {FEW_FAIL, NO_OUTAGE, EACH_STEP, REACHED, AS_SELDOM},
        "chat: an apology instead of an answer (intent: None)",
    ),
]
