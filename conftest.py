"""What every session has. A topic's fixtures are loaded when a test asks for one; `pytest --fixtures checks` explains each."""

pytest_plugins = [
    "pam_rollback.session.fixtures.environment",  # runbook, plan, environment, clock, waiter, sandbox_controls, situation, journal
    "pam_rollback.session.fixtures.scoring",  # scored: enters a fact into the table of criteria; known: what was red before
]
