"""What turns the stories of the strategies red: their own tests, in the situation after them."""

from tests.fault_rows.row import Row

TOLD, CONFIGURATION = "test_team_was_notified", "test_no_older_configuration_is_lost"
RECOVERED = {"test_users_recover_in_time", "test_recovery_is_complete_in_time"}
OF_ALL = {TOLD, "test_no_acknowledged_write_is_lost", *RECOVERED}
"""The tests of every story that ask for its rollback. The incident was seen, and settings are compared, whether it was done or not."""
OF_THE_SITE = frozenset({"test_visitors_get_the_target", "test_nothing_is_published_over_it", *OF_ALL})
OF_THE_SERVICE = frozenset({"test_the_target_answers", "test_the_next_push_does_not_deploy", *OF_ALL})
OF_EVERYTHING = frozenset(
    {
        "test_visitors_get_the_stable_site",
        "test_the_stable_service_answers",
        "test_all_features_are_off",
        *OF_ALL,
    }
)


def _row(story: str, name: str, fault: str, red: set[str], words: str, **parameters: str | float) -> Row:
    return Row(
        f"{story}-{name}",
        fault,
        frozenset(red),
        words,
        parameters,
        select="rollback",
        situation=f"after-{story}",
    )


def _undone(story: str, name: str, fault: str, words: str, **parameters: str | float) -> Row:
    """A step that helps users was not done: none of the tests that ask for it may say more than that."""
    family = story.partition("-")[0]
    return Row(
        f"{story}-{name}",
        fault,
        frozenset(),
        words,
        parameters,
        select="rollback",
        situation=f"after-{story}",
        undone={"frontend": OF_THE_SITE, "backend": OF_THE_SERVICE, "full": OF_EVERYTHING}[family],
        # The incident of the others is the API's, and is still there.
        uncertain=frozenset() if family == "frontend" else frozenset({CONFIGURATION}),
    )


def _unwell(story: str, fault: str, **parameters: str | float) -> Row:
    """Done, and of no help."""
    return Row(
        f"{story}-unwell",
        fault,
        frozenset(RECOVERED),
        "not recovered",
        parameters,
        select="rollback",
        situation=f"after-{story}",
        objective_s={"RTO-3": 20},
        uncertain=frozenset({CONFIGURATION}) if fault == "code-errors" else frozenset(),
    )


ROWS = [
    _row(
        "gradual",
        "kept",
        "flags-partial",
        {"test_users_only_leave", "test_nobody_keeps_a_feature"},
        "of 200 users have it, too many for 0 %",
        percent=10,
    ),
    _row(
        "gradual",
        "kept-by-accounts",
        "flags-partial",
        {"test_users_only_leave", "test_nobody_keeps_a_feature"},
        "of 200 users have it, too many for 0 %",
        percent=10,
        who="accounts",
    ),
    _row("gradual", "untold", "notifications-down", {TOLD}, "HTTP 500"),
    _row("gradual", "settings-lost", "configuration-lost", {CONFIGURATION}, "settings"),
    _row("emergency", "kept", "flags-partial", {"test_no_user_keeps_a_feature"}, "still on for", percent=10),
    _row(
        "emergency",
        "kept-by-accounts",
        "flags-partial",
        {"test_no_user_keeps_a_feature"},
        "still on for",
        percent=10,
        who="accounts",
    ),
    _row("emergency", "untold", "notifications-down", {TOLD}, "HTTP 500"),
    _row("emergency", "settings-lost", "configuration-lost", {CONFIGURATION}, "settings"),
    _undone(
        "frontend-restore",
        "refused",
        "netlify-answers",
        "step 'publish the target' failed: Netlify",
        what="error-403",
        operation="restore",
    ),
    _undone(
        "frontend-restore",
        "unlocked",
        "netlify-answers",
        "step 'lock it against automatic publishing' failed: Netlify",
        what="error-403",
        operation="lock",
    ),
    _undone(
        "frontend-restore",
        "no-page",
        "site-missing",
        "step 'see what visitors get' failed: the target release is served: not",
        release="stable",
    ),
    _unwell("frontend-restore", "latency"),
    _row("frontend-restore", "untold", "notifications-down", {TOLD}, "HTTP 500"),
    _undone(
        "frontend-commit",
        "refused",
        "netlify-answers",
        "step 'build the site once from a fresh worktree, and upload it' failed: Netlify",
        what="error-403",
        operation="upload",
    ),
    _undone(
        "frontend-revert",
        "unpushed",
        "repository",
        "step 'push the revert' failed",
        what="refused",
    ),
    _undone(
        "backend-provider",
        "refused",
        "render-deploys",
        "step 'run the target' failed: Render",
        what="error-403",
        operation="rollback",
    ),
    _undone(
        "backend-provider",
        "autodeploy-on",
        "render-deploys",
        "automatic deploys are on: the next push deploys over the rollback",
        what="error-403",
        operation="patch",
    ),
    _unwell("backend-provider", "code-errors", release="stable"),
    _row(
        "backend-provider",
        "writes-forgotten",
        "writes-forgotten",
        {"test_no_acknowledged_write_is_lost"},
        "the loss reaches",
        release="stable",
    ),
    _row("backend-provider", "untold", "notifications-down", {TOLD}, "HTTP 500"),
    _undone("backend-commit", "build-fails", "render-deploys", "step 'run the target' failed", what="build-fails"),
    _undone(
        "backend-branch",
        "unpushed",
        "repository",
        "step 'take the bad commit back on an emergency branch' failed",
        what="refused",
    ),
    _undone(
        "full-system",
        "site-refused",
        "netlify-answers",
        "step 'front end: publish the target' failed: Netlify",
        what="error-403",
        operation="restore",
    ),
    _undone(
        "full-system",
        "flags-refused",
        "admin-refuses",
        "step 'see that the features are off' failed",
        release="stable",
    ),
    _row("full-system", "untold", "notifications-down", {TOLD}, "HTTP 500"),
]
