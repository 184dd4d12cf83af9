"""What a baseline has of who gets in."""

from pam_rollback.session.baseline_files import BaselinePart


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """The paths that are open, and what is shown to others."""
    needs = "a test account that signs in at the API"
    two, both = "two test accounts that sign in at the API", ("test_account", "second_test_account")
    return [
        BaselinePart("open paths", "open_paths_recorded", needs, ("test_account",)),
        BaselinePart("what is shown to others", "shown_to_others_recorded", two, both),
        BaselinePart("routes that answer strangers", "routes_recorded", "an API that answers"),
    ]
