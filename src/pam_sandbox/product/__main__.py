"""One release as a process: a line of configuration in, `listening PORT` out, and gone when its parent is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

import uvicorn

from pam_sandbox.product.app import build_app
from pam_sandbox.product.services import ProductConfig

_HOST = "127.0.0.1"
_STDIN = 0
_LONGEST_LINE_BYTES = 64 * 1024
_DRAIN_S = 8
_GIVE_UP_S = _DRAIN_S + 3
_BACKLOG = 512


def run() -> int:
    """Serve until stdin ends or a signal comes; 0 then, 2 when it could not be started."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        config = ProductConfig.model_validate_json(_first_line())
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    server = _Server(
        uvicorn.Config(
            build_app(config),
            log_config=None,
            access_log=False,
            lifespan="on",
            backlog=_BACKLOG,
            # Ends what a client never finishes, so that a release cannot outlive its parent for long.
            timeout_graceful_shutdown=_DRAIN_S,
            server_header=False,
        )
    )
    asyncio.run(server.serve(sockets=[_listen()]))
    return 0


class _Server(uvicorn.Server):
    """uvicorn that says when it answers, ends with its stdin, and ends with 0 on SIGTERM."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Print the port once connections are answered."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        _watch_stdin(lambda: loop.call_soon_threadsafe(self._finish))
        if sockets and self.started:
            sys.stdout.write(f"listening {sockets[0].getsockname()[1]}\n")
            sys.stdout.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Finish on SIGTERM and SIGINT, without raising them again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._finish)
        yield

    def _finish(self) -> None:
        self.should_exit = True


def _first_line() -> str:
    # Unbuffered: what follows the line belongs to the watcher, and a buffer's lock could not be had at exit.
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(_STDIN, 1) if len(line) < _LONGEST_LINE_BYTES else b""
        if not piece:
            break
        line += piece
    return line.decode()


def _listen() -> socket.socket:
    # Named by its protocol: without it asyncio leaves Nagle on, and every answer waits 44 ms for a delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((_HOST, 0))
    return listener


def _watch_stdin(ended: Callable[[], object]) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(_STDIN, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended first
            ended()
        # Whatever still hangs then, such as a query on a frozen server, must not keep the process alive without its parent.
        time.sleep(_GIVE_UP_S)
        os._exit(1)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


if __name__ == "__main__":
    raise SystemExit(run())
