"""What a person reads when the machine does not do what a command needs: one line, and never a traceback."""

import errno
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Final, ParamSpec

Given = ParamSpec("Given")

FAILED: Final = 1


def cannot_be_used(error: OSError) -> str:
    """What the system said, with the place that it is about, shortened."""
    place = str(error.filename or "")
    why = error.strerror or str(error)
    if len(place) > _SHOWN:
        place = f"{place[: _SHOWN // 2]}…{place[-_SHOWN // 2 :]}"
    return f"{place}: {why[:1].lower()}{why[1:]}" if place else why


_SHOWN: Final = 160


def told(main: Callable[Given, int]) -> Callable[Given, int]:
    """Let a command end with 1 and a line where a file cannot be used, and in silence where nobody reads any more."""

    @wraps(main)
    def ended(*arguments: Given.args, **named: Given.kwargs) -> int:
        if sys.stdout is None or sys.stderr is None:
            # Closed by the shell: what is written for people goes nowhere, and what was asked for is done all the same.
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
            sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
        try:
            code = main(*arguments, **named)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is left in the buffer has nobody to go to, and Python would complain of it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except OSError as error:
            sys.stderr.write(f"{cannot_be_used(error)}\n")
            return FAILED
        return code

    return ended


def project_folder() -> Path:
    """The folder in which the command runs, which has to be a project's. Raises FileNotFoundError, which ``told`` tells."""
    here = Path.cwd()
    if not (here / "plan.toml").is_file():
        raise FileNotFoundError(errno.ENOENT, "no plan.toml is here: run it in the suite's own folder", str(here))
    return here
