"""Building the front end from a commit's files, as the strategies speak of it."""

from pathlib import Path
from typing import Protocol


class FrontendBuild(Protocol):
    """Who builds. Raises ActionFailed with the last lines of the build when there is nothing to publish in the end."""

    def build(self, worktree: Path) -> Path:
        """Install and build once in a fresh worktree; gives the folder to be published."""
