"""What is said of a baseline while it is recorded."""


def pytest_pam_phase_begins(fixture: str) -> tuple[str, str] | None:
    """The wait for enough answers."""
    return ("baseline", "how it is now is recorded") if fixture == "baseline_answers" else None
