"""Whether the repository's host answers at all, asked beside whatever else has to be done: a host that hangs is not waited for twice."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from pam_rollback.base.errors import ActionFailed
from pam_rollback.rollback.git_command import GitCommand


class Reach:
    """One question to the host, under way since this was made."""

    def __init__(self, command: GitCommand) -> None:
        self._where = command.where
        # A daemon: a resolver or a host that hangs must not keep a session from ending.
        self._thread = threading.Thread(
            target=_ask, args=(command,), daemon=True, name="is the repository's host there"
        )
        self._thread.start()

    def problem(self, within_s: float) -> str:
        """Why nobody is to be asked there; empty when somebody answered, whatever was answered."""
        self._thread.join(within_s)
        return f"{self._where} did not answer within {within_s:g} s" if self._thread.is_alive() else ""


def _ask(command: GitCommand) -> None:
    """An answer of any kind is one: what it says is judged by whoever needs it."""
    with TemporaryDirectory(prefix="pam-reach-", ignore_cleanup_errors=True) as folder:
        try:
            command.run("ls-remote", "--quiet", "--", command.remote, "HEAD", folder=Path(folder))
        except (ActionFailed, OSError):
            return
