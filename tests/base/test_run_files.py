"""A run's folder is found by its id."""

import pytest

from pam_rollback.base.run_files import is_run_id


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("20261127T100000Z-staging-00aa", True),
        ("20261127T100000Z-production-00aa", False),
        ("20261127T100000Z-staging-00aa-2", False),
        ("run-1", False),
        ("", False),
    ],
)
def test_a_folder_is_named_by_its_run(name: str, wanted: bool) -> None:  # noqa: FBT001 - the table says it
    """Of this environment, and of nothing else."""
    assert is_run_id(name, "staging") is wanted
