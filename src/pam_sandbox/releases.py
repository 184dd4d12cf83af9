"""A release of the product as a process of its own, the two that every sandbox knows by name, and which of them gets the traffic.

A new release is started beside the live one, takes over when it is healthy, and the old one drains.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import aiohttp

from pam_sandbox.children import Children, close_quietly, last_lines
from pam_sandbox.personalities import Product
from pam_sandbox.problems import SandboxError

PRODUCT_MODULE = "pam_sandbox.product"
_LISTENING = re.compile(rb"^listening (\d+)$", re.MULTILINE)
_LISTEN_WITHIN_S = 30.0
_HEALTHY_WITHIN_S = 15.0
_END_WITHIN_S = 3.0
_POLL_S = 0.01
_HEALTH_POLL_S = 0.03
# Below the 5 s after which the product's server closes an idle connection: a request never meets a connection that is closing.
_IDLE_CONNECTION_S = 2.0
_UPSTREAM_CONNECT_S = 5.0
_UPSTREAM_SILENCE_S = 30.0


@dataclass(frozen=True)
class ReleaseSpec:
    """What a release is: its name in the sandbox, its version, and the commit that it was built from, once there is a repository."""

    name: str
    version: str
    commit: str = ""


RELEASES = (
    ReleaseSpec("stable", "1.41.3"),
    ReleaseSpec("candidate", "1.42.0"),
)
LIVE_AT_START = "candidate"


def release_of(version: str, commit: str) -> ReleaseSpec:
    """The release with this version: `stable` or `candidate`, whatever commit brought it, else one that is called by its version."""
    name = next((spec.name for spec in RELEASES if spec.version == version), version)
    return ReleaseSpec(name, version, commit)


@dataclass(frozen=True)
class ProductSecrets:
    """What all releases are told alike. `internal_token` opens the release's own fault switches, which the edge never shows."""

    dsn: str
    admin_token: str
    emergency_token: str
    jwt_secret: str
    internal_token: str
    frontend_origin: str
    product: Product = "pam-plan"
    variables: Mapping[str, str] = field(default_factory=dict)
    """Those of the host's service, as they are when the process starts."""


class Release:
    """One release: its process, and the connections to it."""

    def __init__(self, spec: ReleaseSpec, *, children: Children, logs: Path) -> None:
        self.spec = spec
        self.in_flight = 0
        self.port: int | None = None
        self._children = children
        self._output = logs / f"{spec.name}.out.log"
        self._errors = logs / f"{spec.name}.err.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._secrets: ProductSecrets | None = None
        self._session: aiohttp.ClientSession | None = None
        self.faults: dict[str, Mapping[str, object]] = {}
        """What is switched on in it, also after a restart."""

    @property
    def pid(self) -> int | None:
        """Its process; None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def address(self) -> str | None:
        """Where it listens; None when it does not run."""
        return f"http://127.0.0.1:{self.port}" if self.port is not None and self.pid is not None else None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections to the running process; a restarted process gets new ones."""
        if self._session is None:
            raise self._problem("a running process", "none")
        return self._session

    def spawn(self) -> None:
        """Start the process, which loads its code and waits to be told its configuration."""
        self._output.unlink(missing_ok=True)
        source = str(Path(__file__).parents[1])
        path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
        self._process = self._children.start(
            (sys.executable, "-m", PRODUCT_MODULE),
            environment={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            output=self._output,
            errors=self._errors,
            death_signal=signal.SIGKILL,
            with_stdin=True,
        )

    async def configure(self, product: ProductSecrets) -> None:
        """Tell the process its configuration and wait until it listens. Raises SandboxError with its last words."""
        self._secrets = product
        if (process := self._process) is None:
            raise self._problem("a running process", "none")
        line = {**asdict(self.spec), **asdict(product)}
        line["release"] = line.pop("name")
        if process.stdin is not None:
            try:
                process.stdin.write(json.dumps(line).encode() + b"\n")
                process.stdin.flush()
            except BrokenPipeError:
                pass  # it has ended; the wait below says with which words
        self.port = await self._wait_for_port(process)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_CONNECTION_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_UPSTREAM_CONNECT_S, sock_read=_UPSTREAM_SILENCE_S),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        for name, parameters in tuple(self.faults.items()):
            await self._switch("PUT", name, parameters)

    async def wait_healthy(self) -> None:
        """Wait until `GET /health` is 200. Raises SandboxError with the last answer."""
        end_s = time.monotonic() + _HEALTHY_WITHIN_S
        seen = "no answer"
        while time.monotonic() < end_s:
            if self.address is None:
                seen = "no running process"
                break
            try:
                async with self.session.get(f"{self.address}/health", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                    body = await answer.text(errors="replace")
                    if answer.status == 200:  # noqa: PLR2004
                        return
                    seen = f"{answer.status} {body[:200]}"
            except (aiohttp.ClientError, TimeoutError) as error:
                seen = repr(error)
            await asyncio.sleep(_HEALTH_POLL_S)
        raise self._problem(f"a healthy answer of /health within {_HEALTHY_WITHIN_S:g} s", seen)

    async def kill(self) -> None:
        """End the process without asking."""
        await self._end(signal.SIGKILL)

    async def end(self) -> None:
        """End the process in order."""
        await self._end(signal.SIGTERM)

    async def restart(self) -> None:
        """Start a process again that was killed or ended on its own, with the faults that it had."""
        if self._secrets is None:
            raise self._problem("a release that was started before", "none")
        await self.kill()  # what is left of a process that ended on its own
        self.spawn()
        await self.configure(self._secrets)

    def freeze(self) -> None:
        """Stop the process in its tracks: connections are accepted by the kernel, and nobody answers."""
        process = self._running()
        process.send_signal(signal.SIGSTOP)
        # The signal takes a moment on a busy machine, in which it would still answer.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._running().send_signal(signal.SIGCONT)

    async def plant(self, name: str, parameters: Mapping[str, object]) -> None:
        """Switch a fault of the release itself on. Raises SandboxError when it refuses."""
        await self._switch("PUT", name, parameters)
        self.faults[name] = parameters

    async def clear(self, name: str) -> None:
        """Switch a fault of the release itself off. Raises SandboxError when it refuses."""
        self.faults.pop(name, None)
        if self.address is not None:
            await self._switch("DELETE", name, {})

    async def _switch(self, method: str, name: str, parameters: Mapping[str, object]) -> None:
        place = f"release {self.spec.name}, fault {name}"
        if self.address is None or self._secrets is None:
            raise SandboxError(place, expected="a running release", found="its process does not run")
        headers = {"Authorization": f"Bearer {self._secrets.internal_token}", "Content-Type": "application/json"}
        try:
            async with self.session.request(
                method,
                f"{self.address}/__range__/faults/{name}",
                data=json.dumps(parameters) if method == "PUT" else None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=5),
            ) as answer:
                if answer.status >= 300:  # noqa: PLR2004
                    raise SandboxError(
                        place, expected="2xx from the release", found=f"{answer.status} {(await answer.text())[:500]}"
                    )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SandboxError(place, expected="an answer of the release", found=repr(error)) from error

    async def _wait_for_port(self, process: subprocess.Popen[bytes]) -> int:
        end_s, ended = time.monotonic() + _LISTEN_WITHIN_S, None
        while time.monotonic() < end_s and ended is None:
            ended = process.poll()
            told = _LISTENING.search(self._output.read_bytes())
            if told is not None:
                return int(told.group(1))
            await asyncio.sleep(_POLL_S)
        found = f"nothing within {_LISTEN_WITHIN_S:g} s" if ended is None else f"exit code {ended}"
        raise self._problem("the line `listening PORT` of its process", found)

    def _problem(self, expected: str, found: str) -> SandboxError:
        return SandboxError(
            f"release {self.spec.name}", expected=expected, found=found, advice=last_lines(self._errors)
        )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise self._problem("a running process", "none")
        return self._process

    async def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            if self._process.poll() is None and number is not signal.SIGKILL:
                self._process.send_signal(signal.SIGCONT)
                if self._process.stdin is not None:
                    close_quietly(self._process.stdin)
            await self._children.end(self._process, number, within_s=_END_WITHIN_S)
        self._process = None
        self.port = None
        if self._session is not None:
            await self._session.close()
            self._session = None


_DRAIN_WITHIN_S = 30.0
"""As long as Render waits before it ends what still has requests."""
_POLL_S = 0.01


class Fleet:
    """Every request is decided anew, so traffic moves at once. Faults belong to a version: what is started later has them, too."""

    def __init__(self, first: Release, *, make: Callable[[ReleaseSpec], Release]) -> None:
        self._live = first
        self._make = make
        self._starting: list[Release] = []
        self._faults: dict[str, dict[str, Mapping[str, object]]] = {}
        self._down: dict[str, str] = {}
        self._product: ProductSecrets | None = None
        self.variables: dict[str, str] = {}
        """What a process that starts from now on is told."""
        self._background: set[asyncio.Task[None]] = set()
        self._all: list[Release] = [first]
        self._beside = asyncio.Lock()

    @property
    def live(self) -> Release:
        """The release that gets the next request."""
        return self._live

    def running(self, name: str) -> tuple[Release, ...]:
        """The live release and those that start, as far as they are called `name`; the live one first."""
        return tuple(release for release in (self._live, *self._starting) if release.spec.name == name)

    async def open(self, product: ProductSecrets) -> None:
        """Tell the first release, whose process was spawned, its configuration, and wait until it is healthy. Raises SandboxError."""
        self._product = product
        await self._live.configure(product)
        await self._live.wait_healthy()

    async def start(self, spec: ReleaseSpec) -> Release:
        """Start a release beside the live one, and wait until it is healthy. Raises SandboxError, and nothing stays, when it is not."""
        if self._product is None:
            raise SandboxError(f"release {spec.name}", expected="a sandbox that is open", found="one that still starts")
        release = self._make(spec)
        release.faults.update(self._faults.get(spec.name, {}))
        self._starting.append(release)
        self._all.append(release)
        try:
            release.spawn()
            await release.configure(replace(self._product, variables=dict(self.variables)))
            await self._bring_down(release)
            await release.wait_healthy()
        except BaseException:
            self._starting.remove(release)
            self._later(self._end(release))
            raise
        return release

    async def beside(self, spec: ReleaseSpec) -> Release:
        """A running release of that name, whether users get it or not: started when it is asked for the first time. Raises SandboxError."""
        async with self._beside:
            running = next(iter(self.running(spec.name)), None)
            return await self.start(spec) if running is None else running

    def move_to(self, release: Release) -> None:
        """Send the next request to a release that was started; the one before drains and ends."""
        self._starting.remove(release)
        old, self._live = self._live, release
        self._later(self._drain(old))

    async def plant(self, name: str, fault: str, parameters: Mapping[str, object]) -> None:
        """Switch a fault on in each release of that name, now and later. Raises SandboxError when one of them refuses."""
        for release in self.running(_known(name)):
            if release is not self._live and release.address is None:
                release.faults[fault] = parameters  # it is told as soon as it listens
            else:
                await release.plant(fault, parameters)
        self._faults.setdefault(name, {})[fault] = parameters

    async def clear(self, name: str, fault: str) -> None:
        """Switch it off again."""
        self._faults.get(name, {}).pop(fault, None)
        for release in self.running(_known(name)):
            await release.clear(fault)

    async def take_down(self, name: str, how: str) -> None:
        """Kill (`killed`) or stop (`hung`) the processes of that name, also those that are started later."""
        self._down[_known(name)] = how
        for release in self.running(name):
            await self._bring_down(release)

    async def bring_up(self, name: str) -> None:
        """Have them run again."""
        how = self._down.pop(_known(name), "")
        for release in self.running(name):
            if how == "hung":
                release.thaw()
            elif how == "killed" and release is self._live:
                await self._restart(release)

    async def close(self) -> None:
        """End everything."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(release.end() for release in self._all))

    async def _restart(self, release: Release) -> None:
        try:
            await release.restart()
        except SandboxError:
            if release is self._live:
                raise
        if release is not self._live:
            await release.end()  # a deploy took its place meanwhile, and ended it before or after it was started

    async def _bring_down(self, release: Release) -> None:
        how = self._down.get(release.spec.name)
        if how == "hung":
            release.freeze()
        elif how == "killed":
            await release.kill()

    async def _drain(self, release: Release) -> None:
        end_s = time.monotonic() + _DRAIN_WITHIN_S
        while release.in_flight and time.monotonic() < end_s:  # noqa: ASYNC110 - a counter has no event
            await asyncio.sleep(_POLL_S)
        await self._end(release)

    async def _end(self, release: Release) -> None:
        await release.end()
        with suppress(ValueError):
            self._all.remove(release)

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _known(name: str) -> str:
    names = [spec.name for spec in RELEASES]
    if name not in names:
        raise SandboxError("release", expected=" or ".join(names), found=repr(name))
    return name
