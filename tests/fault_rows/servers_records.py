"""What turns the checks of the servers' own records red, and what makes them unknown."""

from tests.fault_rows.row import Row

RECORDED_ERRORS = "test_records_show_few_errors"
RECORDED_SPEED = "test_records_show_fast_answers"
RECORDED_MEMORY = "test_records_show_small_processes"
RECORDED_GROWTH = "test_records_show_processes_at_rest"
ALL = frozenset({RECORDED_ERRORS, RECORDED_SPEED, RECORDED_MEMORY, RECORDED_GROWTH})
_FILE = "test_servers_records.py"


def _row(identifier: str, fault: str, red: str, words: str, **parameters: str | float) -> Row:
    return Row(identifier, fault, frozenset({red}), words, parameters, select="performance", file=_FILE)


def _unknown(what: str, words: str, unknown: frozenset[str] = ALL) -> Row:
    parameters = {"what": what}
    return Row(
        f"records-{what}",
        "render-metrics",
        frozenset(),
        words,
        parameters,
        select="performance",
        file=_FILE,
        unknown=unknown,
    )


ROWS = [
    _row("records-with-errors", "errors", RECORDED_ERRORS, ", asked below 2 %", share=0.08),
    _row("records-slow", "latency", RECORDED_SPEED, ", asked below 500 ms", ms=650),
    _row("records-memory-high", "memory-leak", RECORDED_MEMORY, ", asked below 100 MB", mb=40),
    _row("records-memory-growing", "memory-leak", RECORDED_GROWTH, "memory grows by", mb=0, mb_per_s=0.6),
    Row(
        "records-service-down",
        "release-down",
        frozenset({RECORDED_ERRORS}),
        ", asked below 2 %",
        {"how": "killed"},
        select="performance",
        file=_FILE,
        # Refusals are fast, and a process that is not there holds nothing: neither is good.
        unknown=frozenset({RECORDED_MEMORY, RECORDED_GROWTH}),
    ),
    Row(
        "records-service-hangs",
        "release-down",
        frozenset({RECORDED_SPEED}),
        ", asked below 500 ms",
        {"how": "hung"},
        select="performance",
        file=_FILE,
        # All that is on record was given up by clients.
        unknown=frozenset({RECORDED_ERRORS}),
    ),
    _unknown("error-500", "HTTP 500, internal server error, request"),
    _unknown("unauthorized", "the key of [secrets] render_api_key_env is not accepted"),
    _unknown("rate-limited", "its limit of requests was met, ask again in"),
    _unknown("hangs", "can this machine reach"),
    _unknown("garbage", "expected JSON, found HTTP 200 application/json"),
    _unknown("empty", "nothing is not zero"),
    _unknown("stale", "a hole hides an outage"),
    _unknown("coarse", "its points stand for 60 s each"),
    _unknown("gaps", "a hole hides an outage"),
    _unknown("not-a-number", "a hole hides an outage"),
    _unknown("another-service", "are these the records of this service?", frozenset({RECORDED_ERRORS, RECORDED_SPEED})),
]
