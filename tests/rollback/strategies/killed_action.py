"""One strategy in a process of its own, which kills itself right after a line of the journal: nothing gets a chance to clean up.

Usage: python -m tests.rollback.strategies.killed_action RANGE-FILE JOURNAL STRATEGY "EVENT STEP-OR-KIND"
"""

import os
import signal
import sys
import tomllib
from pathlib import Path
from typing import Any

from pam_rollback.environment.environment_file import load_environment
from pam_rollback.journal.journal import Journal
from pam_rollback.rollback.client.git import open_repository
from pam_rollback.rollback.client.git_command import GitCommand
from pam_rollback.sandbox.remote import Remote
from tests.rollback.strategies.scene import Scene
from tests.sessions import ROOT, RunningSandbox


class Fatal(Journal):
    """A journal that ends its process."""

    at = ""

    def append(self, event: str, **facts: Any) -> bool:
        """As ever, and then the end if this was the line."""
        written = super().append(event, **facts)
        if " ".join(filter(None, (event, facts.get("step") or facts.get("kind")))) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return written


def main(range_file: str, journal: str, strategy: str, at: str) -> None:
    """Perform it until the line comes."""
    file, path = Path(range_file), Path(journal)
    state = tomllib.loads(file.read_text(encoding="utf-8"))
    running_sandbox = RunningSandbox(file, state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))
    environment = load_environment(range_file, ROOT / "environments", {})
    assert environment.git is not None
    fatal = Fatal(path)
    fatal.at = at
    with open_repository(GitCommand(environment.git.remote)) as repository:
        ended = Scene(running_sandbox, environment, repository, fatal, path.parent).perform(strategy)
    sys.exit(f"it was never killed: there is no line {at!r}; {ended.error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
