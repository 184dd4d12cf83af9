"""Starts all parts of a range, keeps them together, and leaves nothing behind."""

import asyncio
import os
import secrets
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from pam_rollback.sandbox import state_file
from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.control import Control
from pam_rollback.sandbox.database import TEST_ACCOUNT_EMAIL
from pam_rollback.sandbox.edge import Edge
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.front_end_server import FrontEndServer
from pam_rollback.sandbox.planting import Planter
from pam_rollback.sandbox.practice_database import PracticeDatabase, choose_database
from pam_rollback.sandbox.releases import LIVE_AT_START, RELEASES, Fleet, ProductSecrets, Release
from pam_rollback.sandbox.slack_sink import SlackSink
from pam_rollback.sandbox.state_file import State

_ORPHANED_EVERY_S = 0.5
_FOLDER_MODE = 0o711  # the unprivileged database account has to pass through; what is inside is private


@dataclass
class Listeners:
    """The sockets of the range, all on loopback, bound before anything starts so that addresses are known to every part."""

    api: socket.socket
    frontend: socket.socket
    slack: socket.socket
    control: socket.socket

    @classmethod
    def open(cls) -> "Listeners":
        """Take free ports."""
        return cls(*(_listener() for _ in range(4)))


class Supervisor:
    """One range."""

    def __init__(self, environment: Mapping[str, str], *, state_path: Path, use_template: bool) -> None:
        self._started_s = time.monotonic()
        self._state_path = state_path
        self._account_password = secrets.token_urlsafe(12)
        self._children = Children()
        self._runners: list[web.AppRunner] = []
        self._database: PracticeDatabase | None = None
        folder = Path(tempfile.mkdtemp(prefix="pam-sandbox-"))
        self._children.owns_folder(folder)
        folder.chmod(_FOLDER_MODE)
        self._folder = folder
        self._environment = environment
        self._use_template = use_template
        self._fleet = Fleet(
            {spec.name: Release(spec, children=self._children, logs=folder) for spec in RELEASES}, live=LIVE_AT_START
        )

    async def start(self) -> State:
        """Start everything; the state file is there when it returns. Raises RangeError, OSError."""
        for release in self._fleet.releases.values():
            release.spawn()  # their code loads while the database starts
        listeners = Listeners.open()
        faults = PlantedFaults()
        database = choose_database(
            self._environment,
            folder=self._folder,
            children=self._children,
            account_password=self._account_password,
            use_template=self._use_template,
        )
        self._database = database
        dsn = await database.open()
        product = ProductSecrets(
            dsn=dsn,
            admin_token=secrets.token_urlsafe(24),
            emergency_token=secrets.token_urlsafe(24),
            jwt_secret=secrets.token_urlsafe(48),
            internal_token=secrets.token_urlsafe(24),
            frontend_origin=_url(listeners.frontend),
        )
        await asyncio.gather(*(release.configure(product) for release in self._fleet.releases.values()))

        slack = SlackSink(faults, path=f"/services/T000/B000/{secrets.token_urlsafe(18)}")
        state = self._state(listeners, product, slack_path=slack.path)
        front_end = FrontEndServer(faults, release=lambda: self._fleet.live.spec.version, api_url=lambda: state.api_url)
        edge = Edge(self._fleet, faults, page=front_end.page)
        planter = Planter(faults, self._fleet, database)
        control = Control(
            token=state.token,
            faults=faults,
            planter=planter,
            fleet=self._fleet,
            edge=edge,
            slack=slack,
            ready_s=time.monotonic() - self._started_s,
        )
        for app, listener in (
            (edge.application(), listeners.api),
            (front_end.application(), listeners.frontend),
            (slack.application(), listeners.slack),
            (control.application(), listeners.control),
        ):
            await self._serve(app, listener)
        state_file.write(self._state_path, state)
        self._children.owns_file(self._state_path)
        return state

    async def stop(self) -> None:
        """Stop everything, whatever was started; the janitor sees to the rest."""
        for runner in self._runners:
            await runner.cleanup()
        for release in self._fleet.releases.values():
            await release.end()
        if self._database is not None:
            await self._database.close()
        await asyncio.to_thread(self._children.close)

    def _state(self, listeners: Listeners, product: ProductSecrets, *, slack_path: str) -> State:
        return State(
            api_url=_url(listeners.api),
            frontend_url=_url(listeners.frontend),
            control_url=_url(listeners.control),
            token=secrets.token_urlsafe(32),
            variables={
                "PAM_ADMIN_TOKEN": product.admin_token,
                "PAM_EMERGENCY_TOKEN": product.emergency_token,
                "PAM_SLACK_WEBHOOK_URL": _url(listeners.slack) + slack_path,
                "TEST_USER_EMAIL": TEST_ACCOUNT_EMAIL,
                "TEST_USER_PASSWORD": self._account_password,
                "PAM_DATABASE_DSN": product.dsn,
            },
        )

    async def _serve(self, app: web.Application, listener: socket.socket) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handle_signals=False)
        await runner.setup()
        self._runners.append(runner)
        await web.SockSite(runner, listener).start()


async def until_told_to_end() -> str:
    """Wait for a signal, for the end of a piped standard input, or for the death of the parent; gives which it was."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def tell(why: str) -> None:
        if not told.done():
            told.set_result(why)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, tell, number.name)
    if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        os.set_blocking(sys.stdin.fileno(), False)
        loop.add_reader(sys.stdin.fileno(), _read_stdin, tell)
    watch = asyncio.create_task(_watch_parent(os.getppid(), tell))
    try:
        return await told
    finally:
        watch.cancel()
        loop.remove_reader(sys.stdin.fileno())


def _read_stdin(tell: Callable[[str], None]) -> None:
    try:
        if not os.read(sys.stdin.fileno(), 4096):
            tell("end of stdin")
    except BlockingIOError:
        return


async def _watch_parent(parent: int, tell: Callable[[str], None]) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(_ORPHANED_EVERY_S)
    tell("the parent is gone")


def _listener() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    listener.setblocking(False)
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
