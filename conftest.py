"""The index of the fixtures; `pytest --fixtures checks` explains each."""

pytest_plugins = [
    "pam_rollback.session.fixtures.environment",  # plan, environment, clock, waiter, practice_range
    "pam_rollback.session.fixtures.situations",  # situation, in_situation
    "pam_rollback.session.fixtures.scoring",  # scored: enters a fact into the table of criteria; known.py beside it
    "pam_rollback.health.fixtures.health",  # health, expected_releases; preflight.py beside it
    "pam_rollback.integrity.fixtures.integrity",  # database_link, integrity, rows_before, row_loss; row_access.py beside it
    "pam_rollback.exposure.fixtures.exposure",  # access, separation, affected_users; decision.py beside it
    "pam_rollback.communication.fixtures.communication",  # public_truth, users_told, team_told, ticket_volume; checklist.py beside it
    "pam_rollback.session.fixtures.time_frames",  # first_verdict
    "pam_rollback.observation.fixtures.observation",  # account, observation, ledger; baseline.py and experience.py beside it
    "pam_rollback.rollback.fixtures.incident",  # incident: planted in a drill, declared in a real rollback
    "pam_rollback.rollback.fixtures.actions",  # feature_flags_rolled_back; feature_flag.py and others beside it
    "pam_rollback.observation.fixtures.windows",  # recovery, good_since_s, held_window, progress; held_data.py beside it
    "pam_rollback.rollback.fixtures.objectives",  # complete_recovery, surviving_writes, settings_loss
    "pam_rollback.records.fixtures.performance",  # monitored, memory, front_page, chat_page, front_page_weight
    "pam_rollback.records.fixtures.servers_records",  # recorded_*; circuit_breakers.py beside it
    "pam_rollback.browser.fixtures.browser",  # base_url, browser_type_launch_args, browser
    "pam_rollback.browser.fixtures.journeys",  # traveller, visitor, webkit_traveller, site
    "pam_rollback.browser.fixtures.accessibility",  # audits, audited, keyboard_chat
]
