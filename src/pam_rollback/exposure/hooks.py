"""What a baseline has of who gets in."""

from pam_rollback.session.baseline_files import BaselinePart


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """The paths that are open."""
    needs = "a test account that signs in at the API"
    return [BaselinePart("open paths", "open_paths_recorded", needs, ("test_account",))]
