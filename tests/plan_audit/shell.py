"""Runs a command of the plan as it stands there: by bash, in a folder, with the variables that the plan assumes, and no others."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.bare_repository import VARIABLES


@dataclass(frozen=True)
class Ran:
    """How it ended, and what it printed."""

    code: int
    said: str


def run(folder: Path, script: str, *, program: str = "bash", within_s: float = 30, **variables: str) -> Ran:
    """Run the script; whoever asks for no more than ``within_s`` gets subprocess.TimeoutExpired."""
    ended = subprocess.run(
        [program, "-c", script],
        cwd=folder,
        env={**VARIABLES, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within_s,
        check=False,
    )
    return Ran(ended.returncode, ended.stdout)
