"""What sessions of one user on one machine ask of a product within a minute, beside each other: a file, under a lock.

A session that is killed gives up the lock with its life, and what it asked is forgotten after a minute, as the product forgets it. The
clock is the machine's own, the same for all of its processes: what seems to come from later is from before the machine started.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pam_rollback.outside.durable import make_private
from pam_rollback.outside.user_folders import user_folders

MINUTE_S: Final = 60.0
AHEAD_S: Final = 1.0
"""A request may take so much longer on its way than the next one: a minute there has no more of them than one here."""
STEADY: Final = "steady"
"""What a session has asked over and over, as long as it says so."""
_OWNER_ONLY = 0o600
_LOCKED_WITHIN_S = 5.0
_EVERY_S = 0.005
_FILE = "asked"


@dataclass(frozen=True)
class Line:
    """One thing that was asked, or is asked all the time (``STEADY``)."""

    at_s: float
    host: str
    kind: str
    what: str = ""
    whose: str = ""
    """A browser's; of what is asked all the time: a worker's, which takes its own back."""
    session: str = ""
    per_minute: float = 0.0
    token: bool = False

    def __str__(self) -> str:
        """As it stands in the file."""
        numbers = (f"{self.per_minute!r}", str(int(self.token)))
        words = (f"{self.at_s!r}", self.host, self.kind, self.what, self.whose, self.session, *numbers)
        return "\t".join(word.replace("\t", " ").replace("\n", " ") for word in words)


@dataclass
class Book:
    """Of one product. Without a file it knows what this process asks, and nothing of others."""

    host: str = ""
    file: Path | None = None
    _known: list[Line] = field(default_factory=list)

    @classmethod
    def of(cls, host: str) -> "Book":
        """In the first of this user's folders that takes it."""
        for folder in user_folders():
            with suppress(OSError):
                make_private(folder)
                os.close(os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
                return cls(host, folder / _FILE)
        return cls(host)

    @contextmanager
    def held(self, now_s: float, *, patient: bool = True) -> Iterator[list[Line]]:
        """What was asked within the latest minute, for nobody else meanwhile; what is changed in it is kept.

        Whoever is not ``patient`` waits for no lock, and is not seen by others then.
        """
        with _locked(self.file, _LOCKED_WITHIN_S if patient else 0.0) as descriptor:
            found = self._known if descriptor is None else _read(descriptor)
            latest = [one for one in found if now_s - MINUTE_S - AHEAD_S < one.at_s <= now_s + AHEAD_S]
            lines = [one for one in latest if one.host == self.host]
            before = tuple(lines)
            yield lines
            self._known = lines
            if descriptor is not None and tuple(lines) != before:
                _write(descriptor, [*(one for one in latest if one.host != self.host), *lines])


@contextmanager
def _locked(file: Path | None, within_s: float) -> Iterator[int | None]:
    """The file, held; None where there is none, or somebody keeps it for longer than anybody should."""
    descriptor = None
    with suppress(OSError):
        descriptor = None if file is None else os.open(file, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    if descriptor is None:
        yield None
        return
    try:
        yield descriptor if _lock(descriptor, within_s) else None
    finally:
        os.close(descriptor)


def _lock(descriptor: int, within_s: float) -> bool:
    until_s = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                return False
            time.sleep(_EVERY_S)
        except OSError:
            return False  # a file system without locks
        else:
            return True


def _read(descriptor: int) -> list[Line]:
    """What stands there; a line that somebody was kept from finishing is none."""
    found = []
    for text in os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace").splitlines():
        with suppress(ValueError):
            at_s, host, kind, what, whose, session, per_minute, signed = text.split("\t")
            found.append(Line(float(at_s), host, kind, what, whose, session, float(per_minute), signed == "1"))
    return found


def _write(descriptor: int, lines: Sequence[Line]) -> None:
    """First over what stood there, then its end: whoever is killed in between leaves too much, never too little."""
    data = "".join(f"{one}\n" for one in lines).encode("utf-8", "replace")
    with suppress(OSError):  # a full disk keeps nobody from asking
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))


@dataclass(frozen=True)
class Tally:
    """How often the workers of one session did what was told beforehand, all together."""

    file: Path

    def add(self, what: str, most: int) -> bool:
        """One more, unless there were as many already."""
        with _locked(self.file, _LOCKED_WITHIN_S) as descriptor:
            if descriptor is None:
                return False
            done = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            if done.decode("utf-8", "replace").splitlines().count(what) >= most:
                return False
            os.pwrite(descriptor, f"{what}\n".encode(), len(done))
            return True

    @property
    def done(self) -> list[str]:
        """What was done."""
        with suppress(OSError):
            return self.file.read_text(encoding="utf-8").splitlines()
        return []
