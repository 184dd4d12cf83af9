"""Which release gets the traffic: a new one is started beside the live one, takes over when it is healthy, and the old one drains."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace

from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.releases import RELEASES, ProductSecrets, Release, ReleaseSpec

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
