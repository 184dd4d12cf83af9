"""What pytest loads: options, markers, situations, guard, fixtures, exit codes and the verdict.

Each part is a small pytest plugin of its own. All of them keep quiet when pytest runs the suite's own tests (``tests/``).

It may touch pytest, the whole foundation, and ``sandbox/``, which it starts. It knows no topic: topics listen to its hooks
(``hookspecs.py``).
"""

from typing import NoReturn


def pytest_load_initial_conftests() -> NoReturn:
    """Refuse to be loaded by the name that the suite had: without the rest, nothing would be checked."""
    import pytest  # noqa: PLC0415 - for whoever meets it

    msg = "-p pam_rollback.session: the suite is loaded as `-p pam_rollback.session.start_up` now, see addopts in its pyproject.toml"
    raise pytest.UsageError(msg)
