"""What tells a sandbox to end: a signal, the end of its standard input, or the death of whoever started it."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable

_ORPHANED_EVERY_S = 0.5


async def until_told_to_end() -> str:
    """Wait for a signal, for the end of a piped standard input, or for the death of the parent; gives which it was."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def tell(why: str) -> None:
        if not told.done():
            told.set_result(why)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, tell, number.name)
    is_piped = sys.stdin is not None and _is_pipe(sys.stdin.fileno())  # a program can be started without any
    if is_piped:
        os.set_blocking(sys.stdin.fileno(), False)
        loop.add_reader(sys.stdin.fileno(), _read_stdin, tell)
    watch = asyncio.create_task(_watch_parent(os.getppid(), tell))
    try:
        return await told
    finally:
        watch.cancel()
        if is_piped:
            loop.remove_reader(sys.stdin.fileno())


def _is_pipe(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _read_stdin(tell: Callable[[str], None]) -> None:
    try:
        if not os.read(sys.stdin.fileno(), 4096):
            tell("end of stdin")
    except BlockingIOError:
        return


async def _watch_parent(parent: int, tell: Callable[[str], None]) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody tells when a parent dies
        await asyncio.sleep(_ORPHANED_EVERY_S)
    tell("the parent is gone")
