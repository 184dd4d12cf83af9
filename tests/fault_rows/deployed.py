"""What turns the checks red of what the hosts say is deployed, and of what a database has for it."""

from tests.fault_rows.row import Row

ANSWERS, WORKERS = "test_the_live_deploy_answers", "test_no_worker_was_left_behind"
_FILE = "test_deployed.py"
_IN_NAME = {"what": "live-in-name-only"}

ROWS = [
    Row(
        "live-in-name-only",
        "render-deploys",
        frozenset({ANSWERS}),
        "the back end serves commit",
        _IN_NAME,
        file=_FILE,
        moved_to="stable",
    ),
    Row(
        "api-left-behind",
        "render-deploys",
        frozenset({ANSWERS}),
        "another deploy still answers (strong: seen in an answer to users)",
        _IN_NAME,
        file=_FILE,
        product="pam-today",
        moved_to="stable",
    ),
    Row(
        "worker-left-behind",
        "worker-left-behind",
        frozenset({WORKERS}),
        "worker left behind: pam-celery runs dep-",
        file=_FILE,
        product="pam-today",
        moved_to="stable",
    ),
    *(
        Row(
            f"todays-migration-{where}",
            "data",
            frozenset({"test_migrations_drift"}),
            words,
            {"what": f"todays-migration-{where}"},
            select="integrity",
            file="integrity/migrations-drift.sql",
            product="pam-today",
            moved_to=moved_to,
        )
        for where, words, moved_to in (
            ("ahead", "unknown to the release: 99990101000000", "stable"),
            ("behind", "not applied: 20261118071500", ""),
        )
    ),
]
