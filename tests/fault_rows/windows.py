"""What turns the windows over the success criteria red."""

from dataclasses import replace

from tests.fault_rows.row import Row

ERRORS = "test_error_rate_stays_low"
RESPONSES = "test_response_time_stays_low"
MEMORY = "test_memory_stays_low"
STABLE = "test_memory_is_stable"
RELEASES = "test_no_other_release_answers"
WHOLE = "test_data_is_whole_when_the_window_is_over"
WRITES = "test_writes_and_chat_work_until_the_end"
HEALTH = "test_every_part_is_healthy_when_the_window_is_over"
PEOPLE = "test_people_reach_pam_when_the_window_is_over"


def _row(
    identifier: str, fault: str, red: set[str], words: str, unknown: set[str] | None = None, **parameters: str | float
) -> Row:
    unknown_checks = frozenset(unknown or set())
    return Row(identifier, fault, frozenset(red), words, parameters, select="window", unknown=unknown_checks)


def _of_another_release(identifier: str, fault: str, words: str, **parameters: str) -> Row:
    """The answers are healthy: where nobody said which release is right, one from first to last would do."""
    said = '[release]\nexpected = "1.42.0"\n'
    return Row(identifier, fault, frozenset({RELEASES}), words, parameters, select="window", environment=said)


ROWS = [
    # A question that is asked once may meet an error, or not.
    replace(
        _row(
            "window-errors", "errors", {ERRORS}, "whatever still comes, the error rate stays at 2 % or more", share=0.08
        ),
        file="test_success_criteria.py",
    ),
    # Too few answers are left to say how fast they are.
    _row(
        "window-old-error-cached",
        "old-error-served",
        {ERRORS, HEALTH},
        "bad answers: cached front page",
        unknown={RESPONSES},
    ),
    _of_another_release(
        "window-another-release",
        "answers-wrong-release",
        "answers of the back end name release 1.40.9 instead of 1.42.0",
        server="api",
        path="/health",
    ),
    _row(
        "window-another-commit",
        "answers-of-two-builds",
        {RELEASES},
        "of release 1.42.0, the others",
        server="api",
        path="/health",
    ),
    _of_another_release(
        "window-old-page-cached",
        "old-page-served",
        "answers of the front end name release 1.41.3 instead of 1.42.0",
    ),
    _row("window-data-damaged", "data", {WHOLE}, "are broken: expenses-orphaned", what="expenses-orphaned"),
    _row("window-slow", "latency", {RESPONSES}, "whatever still comes, p95 stays at 500 ms or more", ms=650),
    # Memory is asked over the same edge: late answers leave too few readings in 15 s.
    _row(
        "window-all-late",
        "delay-all",
        {RESPONSES},
        "whatever still comes, p95 stays at 500 ms or more",
        unknown={MEMORY, STABLE},
        ms=700,
    ),
    # The window is broken, so where memory leads was not seen to the end.
    _row("window-memory-high", "memory-leak", {MEMORY}, "MB at +", unknown={STABLE}, mb=40),
    _row("window-memory-growing", "memory-leak", {STABLE}, "memory grows by", mb=0, mb_per_s=0.4),
    _row(
        "window-metrics-silent",
        "answers-silence",
        set(),
        "no usable reading for",
        unknown={MEMORY, STABLE},
        server="api",
        path="/metrics",
    ),
    # From its middle on: all that is asked once was asked before.
    _row("window-chat-fails", "writes-fail", {WRITES, PEOPLE}, "chat failed", what="chat", after_s=7),
    _row("window-expenses-fail", "writes-fail", {WRITES}, "expense failed", what="expenses", after_s=7),
    _row("window-settings-fail", "writes-fail", {WRITES}, "setting failed", what="settings", after_s=7),
    _row("window-profile-fails", "writes-fail", {WRITES}, "profile failed 2 of 2 times", what="profile"),
    _row("window-tickets-fail", "writes-fail", {WRITES}, "ticket failed 2 of 2 times", what="tickets"),
    _row("window-history-kept", "writes-fail", {WRITES}, "deletion of the history failed 2 of 2", what="history"),
    _row("window-reads-behind", "reads-behind", {WRITES, PEOPLE}, "for 30 s not among what is shown"),
    _row(
        "window-component-ill",
        "answers-unhealthy",
        {HEALTH},
        "when the window was over: ",
        server="api",
        path="/health/db",
    ),
    _row("window-metrics-frozen", "metrics-lie", set(), "the page of metrics did not change", unknown={MEMORY, STABLE}),
    _row(
        "window-metrics-of-another",
        "metrics-lie",
        set(),
        "tells of a process that began",
        unknown={MEMORY, STABLE},
        what="of-another",
    ),
]
