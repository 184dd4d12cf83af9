"""A session of pytest that runs its tests once as they are, then once more, in a process of its own, for each change.

Nothing is written: a function gets other code in the memory of a forked process, which ends afterwards.
"""

import ast
import functools
import gc
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import hypothesis
import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.changes import Mutant

Hit = tuple[str, str, int]
"""A function: file, qualified name, first line."""
_SURVIVED, _KILLED, _NOT_APPLICABLE = 0, 1, 3
_MORE_CPU_S = 3
"""What a change may cost beyond four times what its tests take: afterwards it runs in circles, which a test would notice, too."""
_STUCK_S = 60
"""It waits for something that does not come, whatever else the machine does."""


_TOLD_EVERY = 100


class TroubleError(RuntimeError):
    """The figures would be worth nothing: a test fails without any change."""


@dataclass
class Mutating:
    """The plugin. ``survived`` and ``killed`` are filled by the session."""

    mutants: list[Mutant]
    survived: list[Mutant] = field(default_factory=list)
    killed: list[Mutant] = field(default_factory=list)
    untested: list[Mutant] = field(default_factory=list)
    """No test calls them: they survive, too."""
    impossible: list[Mutant] = field(default_factory=list)
    _told: int = 0
    _functions: dict[Hit, list[FunctionType]] = field(default_factory=dict)
    _caches: list[Any] = field(default_factory=list)
    _hits: dict[str, set[Hit]] = field(default_factory=dict)
    _taken_s: dict[str, float] = field(default_factory=dict)

    def pytest_configure(self) -> None:
        """The same examples each time, and none made smaller: that one failed is enough."""
        hypothesis.settings.register_profile(
            "mutants",
            parent=hypothesis.settings.get_profile("commit"),
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own loop."""
        files = {str(mutant.file) for mutant in self.mutants}
        for item in session.items:
            self._observe(item, files)
        _everybody_passes_again(session.items)
        self._remember_what_lives(files)
        waiting = list(reversed(self.mutants))
        running: dict[int, Mutant] = {}
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                mutant = waiting.pop()
                items = self._tests_of(mutant, session.items)
                if items:
                    limit_s = 4 * sum(self._taken_s[item.nodeid] for item in items) + _MORE_CPU_S
                    running[_forked(functools.partial(self._put, mutant), items, limit_s)] = mutant
                else:
                    self.untested.append(mutant)
            self._collect(running)
            self._tell(session, waiting=len(waiting))
        return True

    def _tell(self, session: pytest.Session, *, waiting: int) -> None:
        """Now and then, for a person who waits."""
        done = len(self.mutants) - waiting
        if done - self._told >= _TOLD_EVERY:
            self._told = done
            reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
            reporter.write_line(f"{done} of {len(self.mutants)} changes tried")

    def _observe(self, item: pytest.Item, files: set[str]) -> None:
        hits: set[Hit] = set()

        def called(frame: FrameType, event: str, _: Any) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename in files:
                hits.add((code.co_filename, code.co_qualname, code.co_firstlineno))

        began_s = time.process_time()
        threading.setprofile(called)
        sys.setprofile(called)
        try:
            passed = _passes(item)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        if not passed:
            raise TroubleError(f"{item.nodeid} fails as it is")
        self._hits[item.nodeid] = hits
        self._taken_s[item.nodeid] = time.process_time() - began_s

    def _tests_of(self, mutant: Mutant, items: Iterable[pytest.Item]) -> list[pytest.Item]:
        """Those that call the function, the fastest first; a module's figure may be read by any of them."""
        own: Hit = (str(mutant.file), mutant.function, mutant.line)

        called = [item for item in items if not mutant.line or own in self._hits[item.nodeid]]
        return sorted(called, key=lambda item: self._taken_s[item.nodeid])

    def _remember_what_lives(self, files: set[str]) -> None:
        """The functions to be changed and all caches: looked for once, a forked process has no time for it."""
        gc.unfreeze()  # else what stood there when the session began is not listed
        for one in gc.get_objects():
            if isinstance(one, functools._lru_cache_wrapper):
                self._caches.append(one)
            elif isinstance(one, FunctionType) and one.__code__.co_filename in files:
                code = one.__code__
                own = (code.co_filename, code.co_qualname, code.co_firstlineno)
                self._functions.setdefault(own, []).append(one)
        gc.collect()
        gc.freeze()

    def _put(self, mutant: Mutant) -> bool:
        """Make the change in this process; False when it cannot be made so."""
        for cache in self._caches:
            cache.cache_clear()
        if not mutant.line:
            return _put_figure(mutant)
        found = self._functions.get((str(mutant.file), mutant.function, mutant.line), [])
        code = mutant.code
        if not found or any(one.__code__.co_freevars != code.co_freevars for one in found):
            return False
        for one in found:
            one.__code__ = code
        return True

    def _collect(self, running: dict[int, Mutant]) -> None:
        pid, status = os.waitpid(-1, 0)
        if pid in running:
            code = os.waitstatus_to_exitcode(status)
            kept = {_SURVIVED: self.survived, _NOT_APPLICABLE: self.impossible}.get(code, self.killed)
            kept.append(running.pop(pid))


def _passes(item: pytest.Item) -> bool:
    return all(report.passed for report in runtestprotocol(item, log=False, nextitem=None))


def _everybody_passes_again(items: list[pytest.Item]) -> None:
    """A test that fails the second time, or in a forked process, would kill whatever is changed."""
    for item in items:
        pid = _forked(lambda: True, [item], _STUCK_S)
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) != _SURVIVED:
            raise TroubleError(f"{item.nodeid} fails when it is run again, without any change")


def _forked(change: Callable[[], bool], items: list[pytest.Item], cpu_s: float) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = _KILLED
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_STUCK_S)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s) + 1, int(cpu_s) + 2))
        if not change():
            code = _NOT_APPLICABLE
        elif all(map(_passes, items)):
            code = _SURVIVED
    finally:
        os._exit(code)


def _put_figure(mutant: Mutant) -> bool:
    module = next(one for one in list(sys.modules.values()) if getattr(one, "__file__", None) == str(mutant.file))
    before = vars(module)[mutant.function]
    expression = ast.fix_missing_locations(ast.Expression(mutant.value))
    after = eval(compile(expression, str(mutant.file), "eval"), vars(module))  # noqa: S307 - our own module, changed by us
    for one in list(sys.modules.values()):
        if getattr(one, "__dict__", {}).get(mutant.function) is before:
            setattr(one, mutant.function, after)
    return True


def run(mutants: list[Mutant], tests: Iterable[str], root: Path) -> Mutating:
    """Try every mutant against these tests. Raises TroubleError."""
    plugin = Mutating(mutants)
    code = pytest.main(
        ["-q", "--no-header", "-p", "no:cacheprovider", "--rootdir", str(root), *tests], plugins=[plugin]
    )
    if code != pytest.ExitCode.OK:
        raise TroubleError(f"the session ended with {code!r}")
    return plugin
