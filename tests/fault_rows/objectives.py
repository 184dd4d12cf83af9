"""What turns the objectives of a rollback red: the story's own tests."""

from tests.fault_rows.row import Row

CONFIGURATION = "test_no_older_configuration_is_lost"


def _row(what: str, words: str) -> Row:
    return Row(
        f"{what}-lost",
        "configuration-lost",
        frozenset({CONFIGURATION}),
        words,
        {"what": what},
        select="rollback",
        situation="after-feature-flag",
    )


ROWS = [
    _row("settings", "flags or settings older than 300 s are lost"),
    _row("flags", "is off for 0 %, was on for"),
]
