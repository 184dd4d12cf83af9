"""What a baseline has of memory."""

from pam_rollback.session.baseline_files import BaselinePart


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """What the product's process holds."""
    metrics = "the address of metrics ([paths] metrics)"
    return [BaselinePart("memory", "memory_recorded", metrics, ("metrics",), quick=True)]
