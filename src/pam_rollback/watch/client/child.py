"""One rollback beside the watch: a session of its own, as a person would type it, that outlives whoever started it.

Its place is a folder below the watch's own:

::

    lock     held as long as the watch that prepares it, or the rollback itself, lives
    begun    made by the launcher, by nobody twice, right before it becomes that session
    output   what the session printed

So whoever comes later, after a kill at any moment, knows whether it began, goes on or is over; and none begins twice.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.outside.durable import make_private
from pam_rollback.watch.client.beginning import BEGUN, settle
from pam_rollback.watch.rules.consent import Going

LOCK, OUTPUT = "lock", "output"
_OWNER_ONLY = 0o600
_BEGINS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Child:
    """The one at this place."""

    place: Path

    @contextmanager
    def prepared(self) -> Iterator[int]:
        """Make the place and hold its lock; gives the lock, for ``start``. Raises OSError."""
        make_private(self.place)
        descriptor = os.open(self.place / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            settle(self.place)
            settle(self.place.parent)
            yield descriptor
        finally:
            os.close(descriptor)  # the session that was started holds it now

    def start(self, lock: int, command: Sequence[str], *, folder: Path, variables: Mapping[str, str]) -> None:
        """Start it, and return when it began. Raises OSError and subprocess.SubprocessError."""
        output = os.open(self.place / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
        try:
            subprocess.run(  # noqa: S603 - a list, never a shell
                [sys.executable, "-m", "pam_rollback.watch", str(self.place), *command],
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                start_new_session=True,
                timeout=_BEGINS_WITHIN_S,
                check=True,
            )
        finally:
            os.close(output)

    @property
    def going(self) -> Going:
        """What became of it. What cannot be told, as on another machine, may have begun."""
        try:
            descriptor = os.open(self.place / LOCK, os.O_RDWR)
        except OSError:
            return Going.OVER
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return Going.GOES_ON
        else:
            # Nobody who could still begin it lives: whether it began does not change any more.
            return Going.OVER if (self.place / BEGUN).exists() else Going.NEVER_BEGAN
        finally:
            os.close(descriptor)
