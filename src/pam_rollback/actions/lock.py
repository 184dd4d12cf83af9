"""One environment has one writer at a time: a lock that ends with its process, however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pam_rollback.core.errors import Refused


@contextmanager
def sole_writer(path: Path, *, environment: str, who: str) -> Iterator[None]:
    """Hold the environment's lock on this machine; raises Refused when another session has it.

    The kernel releases the lock when the process dies, so a killed session never leaves one behind.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"another session is changing {environment} right now (lock {path}); wait for it, or stop it, before {who} acts"
            ) from None
        yield
    finally:
        os.close(descriptor)
