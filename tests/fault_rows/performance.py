"""What turns the checks of performance red."""

from tests.fault_rows.row import Row
from tests.fault_rows.servers_records import RECORDED_ERRORS, RECORDED_GROWTH, RECORDED_MEMORY, RECORDED_SPEED

ANSWERS = "test_answers_are_fast"
ERRORS = "test_few_answers_are_errors"
MEMORY = "test_memory_is_low"
GROWTH = "test_memory_does_not_run_away"
IN_TIME = "test_performance_verdict_came_in_time"

_METRICS = {"server": "api", "path": "/metrics"}


def _row(identifier: str, fault: str, red: set[str], words: str, **parameters: str | float) -> Row:
    return Row(identifier, fault, frozenset(red), words, parameters, select="performance")


def _unknown_memory(identifier: str, fault: str, words: str) -> Row:
    unknown = frozenset({MEMORY, GROWTH})
    return Row(identifier, fault, frozenset(), words, _METRICS, select="performance", unknown=unknown)


ROWS = [
    _row("answers-slow", "latency", {ANSWERS, RECORDED_SPEED}, "response time", ms=650),
    _row("some-errors", "errors", {ERRORS, RECORDED_ERRORS}, "error rate", share=0.08),
    Row(
        # Without an account nothing that users read is asked: never green, so no row (tests/probe/rules/test_parts.py).
        "api-dead-with-an-account-alone",
        "release-down",
        frozenset({ERRORS}),
        "error rate",
        select="performance",
        # What is left when the errors are told may be too little to say how fast the answers are.
        uncertain=frozenset({ANSWERS}),
        setting='abilities = ["test_account"]',
    ),
    _row("memory-high", "memory-leak", {MEMORY, RECORDED_MEMORY}, "memory in use up to", mb=40),
    _row("memory-growing", "memory-leak", {GROWTH, RECORDED_GROWTH}, "memory grows by", mb=0, mb_per_s=0.4),
    _unknown_memory("metrics-are-a-page", "answers-html", "memory is not known"),
    _unknown_memory("metrics-silent", "answers-silence", "memory is not known"),
    Row(
        "performance-verdict-late",
        "",
        frozenset({IN_TIME}),
        "first verdict, performance verification: late",
        select="performance",
        environment="[thresholds.TF-2]\nfrom_s = 0\nuntil_s = 0.001\n",
        verdict="GO",
    ),
]
