"""What turns the checks of performance red."""

from tests.fault_rows.row import Row
from tests.fault_rows.servers_records import RECORDED_ERRORS, RECORDED_GROWTH, RECORDED_MEMORY, RECORDED_SPEED

ANSWERS = "test_answers_are_fast"
ERRORS = "test_few_answers_are_errors"
MEMORY = "test_memory_is_low"
GROWTH = "test_memory_does_not_run_away"
FRONT_PAINTED, CHAT_PAINTED = "test_front_page_is_painted_soon", "test_chat_is_painted_soon"
FRONT_JUMPS, CHAT_JUMPS = "test_front_page_does_not_jump", "test_chat_does_not_jump"
FRONT_KEYS, CHAT_KEYS = "test_front_page_answers_to_keys", "test_chat_answers_to_keys"
LIGHT, FEW_REQUESTS = "test_front_page_is_light", "test_front_page_asks_for_little"
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
        "api-dead-without-account",
        "release-down",
        frozenset({ERRORS}),
        "error rate",
        select="performance",
        # A third of the probes fails, and what is left when that is told may be too little to say how fast the answers are.
        uncertain=frozenset({ANSWERS}),
        setting="abilities = []",
    ),
    _row("memory-high", "memory-leak", {MEMORY, RECORDED_MEMORY}, "memory in use up to", mb=40),
    _row("memory-growing", "memory-leak", {GROWTH, RECORDED_GROWTH}, "memory grows by", mb=0, mb_per_s=0.4),
    _unknown_memory("metrics-are-a-page", "answers-html", "memory is not known"),
    _unknown_memory("metrics-silent", "answers-silence", "memory is not known"),
    _row(
        "page-painted-late", "page", {FRONT_PAINTED, CHAT_PAINTED}, "main content painted (LCP)", what="paint-late.js"
    ),
    _row("page-jumps", "page", {FRONT_JUMPS, CHAT_JUMPS}, "layout shift (CLS)", what="layout-shift.js"),
    _row("page-hangs", "page", {FRONT_KEYS, CHAT_KEYS}, "answer to a key or click (INP)", what="interaction-slow.js"),
    Row(
        "performance-verdict-late",
        "",
        frozenset({IN_TIME}),
        "first verdict, performance verification: late",
        select="performance",
        environment="[thresholds.TF-2]\nfrom_s = 0\nuntil_s = 0.001\n",
        verdict="GO",
    ),
    _row("page-heavy", "page", {LIGHT, FEW_REQUESTS}, "the front page: weight", what="page-heavy.js"),
]
