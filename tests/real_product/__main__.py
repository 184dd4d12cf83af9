"""`python -m tests.real_product`: the real product in the sandbox, until it is told to end."""

import argparse
import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest import mock

from aiohttp import web

from pam_sandbox import builds, releases, state_file, supervisor
from pam_sandbox.children import until_told_to_end
from pam_sandbox.fault_catalogue import CATALOGUE
from pam_sandbox.faults import FaultKind
from pam_sandbox.personalities import PAM_TODAY, PERSONALITIES
from pam_sandbox.problems import SandboxError
from pam_sandbox.releases import Release, ReleaseSpec
from pam_sandbox.state_file import BACKLOG, Listeners, url_of
from pam_sandbox.supervisor import Supervisor
from tests.real_product.back_end import STARTED_WITHIN_S, Around, RealEdge, RealRelease, free_port
from tests.real_product.faults import KINDS
from tests.real_product.front_end import FrontEnds, RealSite
from tests.real_product.stand_ins import Model, RealSupabase


def main() -> int:
    """Run it; 0 after an orderly end, 2 when it could not start."""
    options = _options()
    try:
        state_file.check_writable(options.state_file.absolute())
        return asyncio.run(_run(options))
    except SandboxError as error:
        sys.stderr.write(f"the real product cannot start: {error}\n")
        return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.real_product", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="the Python that has what the API requires")
    parser.add_argument("--back-end", type=_named, action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--front-end", type=_named, action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--first-port", type=int, default=8600, help="of as many as the sandbox has addresses")
    parser.add_argument("--state-file", type=Path, required=True, help="the sandbox's: addresses, accounts, keys")
    return parser.parse_args()


def _named(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER")
    return name, Path(folder).absolute()


async def _run(options: argparse.Namespace) -> int:
    redis_port, model = free_port(), Model()
    listeners = _listeners(options.first_port)
    model_address, early = _listener(0), _listener(0)
    around = Around(
        python=options.python.absolute(),
        folders=dict(options.back_end),
        supabase_url=url_of(early),
        redis_url=f"redis://127.0.0.1:{redis_port}/0",
        model_url=url_of(model_address),
        model=model,
        supabase=[],
    )
    with _in_place(FrontEnds(dict(options.front_end)), listeners, around):
        real = _RealSupervisor(options.state_file.absolute(), around)
        try:
            real.start_redis(redis_port)
            # A release that starts asks these two, and the sandbox's own addresses answer only after it has started.
            for handler, address in ((model.handle, model_address), (around.ask_supabase, early)):
                await real._serve(web.ServerRunner(web.Server(handler, access_log=None)), address)
            end = asyncio.create_task(until_told_to_end())
            start = asyncio.create_task(real.start())
            await asyncio.wait({start, end}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                found = start.result()
                sys.stdout.write(
                    f"ready: {found.told('urls', 'frontend')} {found.told('urls', 'api')} {around.redis_url}\n"
                )
                sys.stdout.flush()
            await end
        finally:
            await real.stop()
    return 0


class _RealSupervisor(Supervisor):
    """A sandbox whose releases are real."""

    def __init__(self, path: Path, around: Around) -> None:
        self._around = around
        super().__init__(os.environ, state_path=path, product="pam-today")

    def _release(self, spec: ReleaseSpec) -> Release:
        return RealRelease(spec, self._around, children=self._children, logs=self._folder)

    def start_redis(self, port: int) -> None:
        """Where the API counts whom it turns away."""
        program = shutil.which("redis-server")
        if program is None:
            raise SandboxError("redis-server", expected="the program", found="none", advice="Install Redis.")
        log = self._folder / "redis.log"
        command = (program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._children.start(
            (*command, "--dir", str(self._folder)),
            environment={"PATH": os.environ["PATH"]},
            output=log,
            errors=log,
            death_signal=signal.SIGKILL,
        )


@contextmanager
def _in_place(front_ends: FrontEnds, listeners: Listeners, around: Around) -> Iterator[None]:
    """Have the sandbox take what is real, and turn nobody away itself."""

    def supabase(*args: Any, **kwargs: Any) -> RealSupabase:
        around.supabase.append(RealSupabase(*args, **kwargs))
        around.model.faults = args[0]
        return around.supabase[-1]

    plain = replace(PAM_TODAY, bans_scanners=False, talks_on_socket=False)
    taken: tuple[tuple[object, str, object], ...] = (
        (builds, "build", front_ends.build),
        (builds, "load", front_ends.load),
        (supervisor, "Edge", RealEdge),
        (supervisor, "FrontEndServer", RealSite),
        (supervisor, "Supabase", supabase),
        (Listeners, "open", lambda: listeners),
        (releases, "_HEALTHY_WITHIN_S", STARTED_WITHIN_S),
    )
    with ExitStack() as stack:
        for where, name, real in taken:
            stack.enter_context(mock.patch.object(where, name, real))
        stack.enter_context(mock.patch.dict(PERSONALITIES, {"pam-today": plain}))
        stack.enter_context(mock.patch.dict(cast("dict[str, FaultKind]", CATALOGUE), KINDS))
        yield


def _listeners(first_port: int) -> Listeners:
    """At addresses that stay: a baseline is of one host, and so of one port."""
    return Listeners(*(_listener(first_port + number) for number in range(12)))


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise SandboxError("network", expected=f"port {port} free", found=str(error)) from error
    listener.listen(BACKLOG)
    listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return listener


if __name__ == "__main__":
    sys.exit(main())
