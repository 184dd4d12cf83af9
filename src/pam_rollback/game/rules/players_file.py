"""The environment file that players get: the sandbox, described as a staging environment, so that its rollbacks are real ones.

It keeps the table of a sandbox: every session proves by it that all addresses are this sandbox's own before it does anything.
"""

from pam_rollback.base.configuration import ConfigurationError, Problem

NAME = "game"
_INSTEAD = {
    'name = "sandbox"': f'name = "{NAME}"',
    'kind = "sandbox"': 'kind = "staging"',
}


def players_file(state: str) -> str:
    """From the text of a sandbox's state file. Raises ConfigurationError when it is not such a file."""
    lines = state.splitlines()
    for wanted in _INSTEAD:
        if lines.count(wanted) != 1:
            raise ConfigurationError("the sandbox's state file", [Problem(wanted, "expected this line once")])
    return "\n".join(_INSTEAD.get(line, line) for line in lines) + "\n"
