"""Sessions in a fork of an interpreter that has everything loaded: what starting Python and importing cost is paid once a worker.

A session forked here is the same program with the same command line; only its imports were done before. Whoever tests what happens
while the interpreter starts, or talks to a session while it runs, starts a process of its own instead (``Project.start``).
"""

import atexit
import gc
import importlib
import multiprocessing
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType
from typing import Any

_PRELOADED = "tests.preloaded"
_LEFT_OUT = ("pam_sandbox.", "pam_rollback.redeploy.load.asking", "pam_rollback.redeploy.load.recording")
"""Processes of their own: the load engine replaces sockets and threads where it is imported."""
_USED_BY_SESSIONS = ("pam_sandbox.launch", "pam_sandbox.remote")
_LIBRARIES = (
    "pytest",
    "_pytest.unittest",
    "_pytest.junitxml",
    "allure_commons.logger",
    "execnet",
    "psycopg",
)
_SEEN_BY_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "TZ", "LD_")
_END_WITHIN_S = 20.0
_is_preloaded = False


def preload() -> None:
    """Import what sessions import: in the fork server, before the first fork."""
    global _is_preloaded  # noqa: PLW0603 - the one fact that a fork has to know
    import allure_commons  # noqa: PLC0415 - the fork server's alone
    from allure_pytest.helper import AllureTitleHelper  # noqa: PLC0415 - the same

    # A title that is given while this does not listen is lost, and the report leaves out fixtures without one.
    titles = AllureTitleHelper()
    allure_commons.plugin_manager.register(titles)
    for name in (*_LIBRARIES, *_USED_BY_SESSIONS, *_modules_of("pam_rollback")):
        importlib.import_module(name)
    allure_commons.plugin_manager.unregister(titles)
    # Forks share what was loaded as long as no collector of theirs writes to it.
    gc.collect()
    gc.freeze()
    _is_preloaded = True


def _modules_of(package: str) -> list[str]:
    found: ModuleType = importlib.import_module(package)
    names = [module.name for module in pkgutil.walk_packages(found.__path__, f"{package}.", onerror=lambda _: None)]
    return [name for name in names if not name.startswith(_LEFT_OUT) and not name.endswith("__main__")]


def can_be_forked(args: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a session is the same in a fork: not with workers of its own, nor with variables that an interpreter reads at its start."""
    if any(arg.startswith("-n") for arg in args):
        return False
    ours = {name: value for name, value in os.environ.items() if name.startswith(_SEEN_BY_THE_INTERPRETER)}
    theirs = {name: value for name, value in environment.items() if name.startswith(_SEEN_BY_THE_INTERPRETER)}
    return ours == theirs


def run_pytest(
    args: Sequence[str], *, folder: Path, environment: Mapping[str, str], within_s: float
) -> tuple[int, str]:
    """Run ``pytest ARGS`` in a folder to its end; its exit code (negative: the signal that ended it) and all that it printed.

    Raises subprocess.TimeoutExpired, with what it printed, when it has not ended within that time; it is killed then.
    """
    with tempfile.NamedTemporaryFile(prefix="session-", suffix=".txt") as printed:
        session = _server().Process(target=_session, args=(list(args), str(folder), dict(environment), printed.name))
        session.start()
        session.join(within_s)
        late = session.is_alive()
        if late:
            session.kill()
            session.join()
        out = Path(printed.name).read_text(encoding="utf-8", errors="replace")
        code = session.exitcode
        session.close()
        if late or code is None:
            raise subprocess.TimeoutExpired(["pytest", *args], within_s, out)
        return code, out


class CollectedSession:
    """One session that has collected its tests and stands before the first of them; each ``run`` lets a fork of it go on to its end.

    What a session does before that is paid once, and everything after it is done anew: fixtures, facts, verdict, record, last lines.
    The environment's file, the plan and the options are those of the beginning. All runs share one run folder, emptied before each.
    """

    def __init__(
        self, args: Sequence[str], *, folder: Path, run_folder: Path, environment: Mapping[str, str], printed: Path
    ) -> None:
        self._run_folder, self._printed = run_folder, printed
        printed.touch()
        self._orders, theirs = multiprocessing.Pipe()
        self._session = _server().Process(
            target=_collected, args=(list(args), str(folder), dict(environment), str(printed), theirs)
        )
        self._session.start()
        theirs.close()

    def run(self, within_s: float) -> tuple[int, str]:
        """Run the tests; the exit code and all that was printed. Raises subprocess.TimeoutExpired when that takes longer."""
        try:
            self._orders.send(str(self._run_folder))
            if not self._orders.poll(within_s):
                self._kill()
                raise subprocess.TimeoutExpired("pytest", within_s, self._said())
            code: int = self._orders.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):  # it never came as far as its first test
            self._session.join(within_s)
            if self._session.exitcode is None:  # not known is not 0
                self._kill()
                raise subprocess.TimeoutExpired("pytest", within_s, self._said()) from None
            code = self._session.exitcode
        return code, self._said()

    def close(self) -> None:
        """End it, and what runs in it."""
        self._orders.close()
        self._session.join(_END_WITHIN_S)
        if self._session.is_alive():
            self._kill()

    def _kill(self) -> None:
        os.killpg(self._session.pid or 0, signal.SIGKILL)
        self._session.join()

    def _said(self) -> str:
        return self._printed.read_text(encoding="utf-8", errors="replace")


class _Held:
    """A plug-in: stands still when the tests are collected, and goes on in a fork whenever it is told to."""

    def __init__(self, orders: "Connection[Any, Any]", printed: str) -> None:
        self._orders, self._printed = orders, printed

    def pytest_collection_finish(self, session: Any) -> None:
        """The controlling end decides what becomes of this process: it never runs a test itself."""
        gc.freeze()
        while True:
            try:
                folder = Path(self._orders.recv())
            except EOFError:
                os._exit(1)  # what ends is no session: none was begun, and a session's own end with 0 would be caught
            _empty(folder)
            sys.stdout.flush()
            os.truncate(self._printed, 0)
            child = os.fork()
            if not child:
                self._orders.close()
                _begin_now(session.config)
                return
            _, status = os.waitpid(child, 0)
            self._orders.send(os.waitstatus_to_exitcode(status))


def _collected(
    args: list[str], folder: str, environment: dict[str, str], printed: str, orders: "Connection[Any, Any]"
) -> None:
    os.setpgid(0, 0)  # what hangs in a fork of it ends with it
    _stand_alone(folder, environment, printed)
    _end_with(_run(args, [_Held(orders, printed)]))


def _empty(folder: Path) -> None:
    """What the run before left."""
    for found in folder.iterdir() if folder.is_dir() else ():
        (shutil.rmtree if found.is_dir() else Path.unlink)(found)
    # Allure opened its folder when the session began.
    (folder / "allure-results").mkdir(parents=True, exist_ok=True)


def _begin_now(config: Any) -> None:
    from pam_rollback.plugin import runbook  # noqa: PLC0415 - sessions' own, loaded before the fork

    prepared = runbook.of(config)
    if prepared is not None:
        prepared.started, prepared.started_s = datetime.now(UTC), time.monotonic()


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    return context


def _session(args: list[str], folder: str, environment: dict[str, str], printed: str) -> None:
    _stand_alone(folder, environment, printed)
    _end_with(_run(args, []))


def _run(args: list[str], plugins: list[object]) -> int:
    import pytest  # noqa: PLC0415 - loaded before the fork, and no part of what tests of this module need
    from _pytest.assertion.rewrite import AssertionRewritingHook  # noqa: PLC0415 - the same

    sys.argv = [str(Path(pytest.__file__).with_name("__main__.py")), *args]
    # Loaded before, on purpose; there are no assertions in what was.
    AssertionRewritingHook._warn_already_imported = lambda *_: None  # type: ignore[method-assign]
    return int(pytest.main(args, plugins=plugins))


def _end_with(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    atexit._run_exitfuncs()
    sys.exit(code)


def _stand_alone(folder: str, environment: dict[str, str], printed: str) -> None:
    """Be like a process that was started in that folder: its streams, variables and path, and none of these tests' modules."""
    if not _is_preloaded:
        raise RuntimeError(
            f"{_PRELOADED} was not loaded before the fork: sessions would be slow without anybody knowing"
        )
    nothing, out = os.open(os.devnull, os.O_RDONLY), os.open(printed, os.O_WRONLY | os.O_APPEND)
    for found, wanted in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(found, wanted)
    for handle in (nothing, out):
        os.close(handle)
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    root = str(Path(__file__).resolve().parents[1])
    sys.path[:] = [folder, *(place for place in sys.path if place not in {"", root, folder})]
    for name in [name for name in sys.modules if name.partition(".")[0] in {"tests", "conftest", "checks"}]:
        del sys.modules[name]
