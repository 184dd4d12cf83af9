"""What turns the checks of the watch red. One that saw nothing has no verdict: its fault makes it unknown, and never red."""

from tests.fault_rows.row import Row

_PROVEN_BY = "tests/watch/test_sessions.py"
ASKS = "test_nothing_asks_for_a_rollback"
SAW = "test_the_watch_itself_saw"
OUTAGE = Row(
    "watch-outage",
    "errors",
    frozenset({ASKS}),
    "ROLL BACK NOW (",
    {"share": 1.0},
    select="watch",
    elsewhere=_PROVEN_BY,
)
LEAK = Row(
    "watch-leak",
    "memory-leak",
    frozenset({ASKS}),
    "IR-6 since",
    {"mb": 150, "mb_per_s": 4.0},
    select="watch",
    elsewhere=_PROVEN_BY,
)
OFFLINE = Row(
    "watch-offline",
    "errors",
    frozenset(),
    "looks proved nothing (tolerated 5 %), the latest: users are not answered, and neither can the unrelated",
    {"share": 1.0},
    select="watch",
    environment='[probing]\ncontrol_url = "http://127.0.0.1:9/"',
    unknown=frozenset({ASKS, SAW}),
    elsewhere=_PROVEN_BY,
)
ROWS = [OUTAGE, LEAK, OFFLINE]
