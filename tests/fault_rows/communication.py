"""What turns the checks of communication, support tickets and time frames red."""

from tests.fault_rows.row import Row

PAGE = "test_status_page_tells_the_truth"
NOTICE = "test_notice_in_the_app_is_there_or_gone"
CHANNEL = "test_incident_channel_was_told"
TICKETS = "test_support_gets_as_many_tickets_as_usual"
HEALTH_IN_TIME = "test_health_verdict_came_in_time"
INTEGRITY_IN_TIME = "test_integrity_verdict_came_in_time"
STORY_NOTICE = "test_team_was_notified"
"""The story's own expectation, in drills/."""
LEVEL = "test_level_was_told_when_it_was_due"
CONTACT = "test_contact_was_written_to_when_due"
CHANNELS = "test_channels_took_what_was_sent"
ENDING = "test_team_heard_how_it_ended"

ALL_AT_ONCE = "".join(f"thresholds.EM-{level}.from_s = 0\n" for level in (2, 3, 4))
"""Every level is due when the rollback begins: a drill is over long before the plan's half an hour."""
SLACK_ALONE = 'abilities = ["flag_admin", "flag_evaluation", "test_account", "slack", "status_page", "metrics"]\n'

ROWS = [
    Row(
        "status-page-cries-wolf",
        "status-page-lies",
        # An incident that is open asks for a notice, too: whoever believes the page misses it.
        frozenset({PAGE, NOTICE}),
        "the service is healthy, but the status page still shows 'PAM does not answer'",
        {"claims": "major-outage"},
        select="communication",
    ),
    Row(
        "status-page-down",
        "status-page-down",
        frozenset({PAGE}),
        "the status page cannot be read",
        select="communication",
    ),
    Row(
        "status-page-says-nothing",
        "database-down",
        frozenset({PAGE, NOTICE}),
        "All Systems Operational",
        unknown=frozenset({TICKETS}),
        select="communication",
    ),
    Row(
        "notice-left-over",
        "data",
        frozenset({NOTICE}),
        "the service is healthy and no incident is open, but the app shows 'PAM answers slowly. We are on it.'",
        {"what": "notice-left-over"},
        select="communication",
    ),
    Row(
        "notice-html",
        "answers-html",
        frozenset({NOTICE}),
        "the notice in the app cannot be read",
        {"server": "api", "path": "/api/v1/notice"},
        select="communication",
    ),
    Row(
        "tickets-flood",
        "data",
        frozenset({TICKETS}),
        "40 support tickets in 60 min",
        {"what": "tickets-flood"},
        select="communication",
    ),
    Row(
        "incident-channel-down",
        "notifications-down",
        frozenset({CHANNEL, STORY_NOTICE, CHANNELS}),
        "#pam-incidents was not told: Slack did not accept the message",
        select="communication",
        situation="after-feature-flag",
    ),
    Row(
        "nobody-can-be-told",
        "channel-fails",
        frozenset({CHANNEL, STORY_NOTICE, CHANNELS, LEVEL, ENDING}),
        "EM-3, product owner, leadership: not everybody was told (Slack failed",
        {"what": "slack", "how": "refuses"},
        select="communication",
        situation="after-feature-flag",
        setting=SLACK_ALONE + ALL_AT_ONCE,
    ),
    Row(
        "mailboxes-unknown",
        "channel-fails",
        frozenset({CHANNELS, CONTACT}),
        "EC-1 was not written to (e-mail failed (mail: nobody was accepted",
        {"what": "email", "how": "refuses"},
        select="communication",
        situation="after-feature-flag",
        setting=ALL_AT_ONCE,
        verdict="GO",
    ),
    Row(
        "status-page-takes-nothing",
        "channel-fails",
        frozenset({CHANNELS, "test_level_was_told_when_it_was_due[EM-4]"}),
        "EM-4: status page failed (Statuspage did not accept it: HTTP 420",
        {"what": "statuspage", "how": "rate-limited"},
        select="communication",
        situation="after-feature-flag",
        setting=ALL_AT_ONCE,
        verdict="GO",
    ),
    Row(
        "pager-silent",
        "channel-fails",
        frozenset({CHANNELS}),
        "EM-1: PagerDuty failed (PagerDuty: silent",
        {"what": "pagerduty", "how": "hangs"},
        select="communication",
        situation="after-feature-flag",
        verdict="GO",
    ),
    Row(
        "health-verdict-late",
        "",
        frozenset({HEALTH_IN_TIME}),
        "first verdict, health checks: late",
        environment="[thresholds.TF-1]\nuntil_s = 0.001\n",
        verdict="GO",
    ),
    Row(
        "integrity-verdict-late",
        "",
        frozenset({INTEGRITY_IN_TIME}),
        "first verdict, data integrity checks: late",
        select="integrity",
        environment="[thresholds.TF-3]\nfrom_s = 0\nuntil_s = 0.001\n",
        verdict="GO",
    ),
]
