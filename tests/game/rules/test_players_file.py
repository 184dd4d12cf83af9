"""The file that players get."""

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.game.rules.players_file import players_file

STATE = 'extends = "sandbox"\nname = "sandbox"\nkind = "sandbox"\n\n[sandbox]\ntoken = "t"\n'


def test_it_is_a_staging_environment() -> None:
    """So the guard asks for a real rollback's consent; the rest is as it was."""
    assert players_file(STATE) == STATE.replace('name = "sandbox"', 'name = "game"').replace(
        'kind = "sandbox"', 'kind = "staging"'
    )


@pytest.mark.parametrize("gone", ['name = "sandbox"', 'kind = "sandbox"'])
def test_another_file_is_refused(gone: str) -> None:
    """What is not the file of a running sandbox is never handed to players."""
    with pytest.raises(ConfigurationError, match=gone):
        players_file(STATE.replace(gone, ""))
