"""What the suite's own tests share: whole sessions of the runbook, and which cases of the long matrices run."""

import os

import pytest

from tests.sessions import checks_copied, practice_range, project, shared_range

__all__ = ["checks_copied", "practice_range", "project", "shared_range"]

WHOLE = "PAM_WHOLE_MATRIX"


def pytest_configure(config: pytest.Config) -> None:
    """Explain the markers; pytest-timeout explains its own only where it is loaded, as `make test` does."""
    config.addinivalue_line("markers", "timeout(seconds): how long a test may take, by pytest-timeout")
    config.addinivalue_line(
        "markers", f"long_matrix(name=its function): kills, sabotages, repetitions; one case of each unless {WHOLE}=1"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the first case of each long matrix, all of them with PAM_WHOLE_MATRIX=1 (`make test-all`)."""
    if os.environ.get(WHOLE) or any("[" in arg for arg in config.args):
        return
    seen: set[str] = set()
    left_out = []
    for item in items:
        marker = item.get_closest_marker("long_matrix")
        matrix = str(marker.args[0]) if marker and marker.args else item.nodeid.partition("[")[0]
        if marker and matrix in seen:
            left_out.append(item)
        seen.add(matrix)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
