"""Becomes the rollback that a watch prepared, if nobody did before: ``python -m pam_rollback.watch PLACE COMMAND…``."""

import os
import sys
from pathlib import Path

from pam_rollback.watch.client.beginning import begin


def main(place: str, *command: str) -> None:
    """Make the mark that only one can make, then become that command, as nobody's child: it is not waited for."""
    if not begin(Path(place)):
        sys.exit(f"{place}: it began before, and does not begin twice")
    if os.fork():
        return
    os.execv(command[0], command)  # noqa: S606 - a list, never a shell


if __name__ == "__main__":
    main(*sys.argv[1:])
