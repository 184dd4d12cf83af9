"""What turns the stories of the strategies red: their own tests, in the situation after them."""

from tests.fault_rows.row import Row

GRADUAL, EMERGENCY = "after-gradual", "after-emergency"


def _row(name: str, situation: str, fault: str, red: set[str], words: str, **parameters: str | float) -> Row:
    return Row(
        f"{situation.removeprefix('after-')}-{name}",
        fault,
        frozenset(red),
        words,
        parameters,
        select="rollback",
        situation=situation,
    )


ROWS = [
    _row(
        "kept",
        GRADUAL,
        "flags-partial",
        {"test_users_only_leave", "test_nobody_keeps_a_feature"},
        "of 200 users have it, too many for 0 %",
        percent=10,
    ),
    _row("untold", GRADUAL, "notifications-down", {"test_team_was_notified"}, "HTTP 500"),
    _row("settings-lost", GRADUAL, "configuration-lost", {"test_no_older_configuration_is_lost"}, "settings"),
    _row("kept", EMERGENCY, "flags-partial", {"test_no_user_keeps_a_feature"}, "still on for", percent=10),
    _row("untold", EMERGENCY, "notifications-down", {"test_team_was_notified"}, "HTTP 500"),
    _row("settings-lost", EMERGENCY, "configuration-lost", {"test_no_older_configuration_is_lost"}, "settings"),
]
