"""A helper process of ours, seen from its parent: started with its configuration on stdin, ended by closing stdin."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pam_rollback
from pam_rollback.base.errors import MeasurementFailed

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""No proxy, no Python switch and no secret of the session reaches a helper: what it may know comes on its stdin."""
_TAIL_CHARACTERS = 2000
_PATIENCE_S = 1.0


class Child:
    """A running module of this package. It ends when this process ends, however it ends."""

    def __init__(self, module: str, config_line: str, output: Path) -> None:
        """Start ``module``, which writes to ``output``; its stderr goes to a log beside it.

        MeasurementFailed if it cannot start.
        """
        self.module = module
        self.log = output.with_suffix(output.suffix + ".log")
        source = str(Path(pam_rollback.__path__[0]).parent)  # where this process loads from, too
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        try:
            log = self.log.open("ab")
        except OSError as error:
            raise MeasurementFailed(f"{module} cannot record in {output.parent}: {error.strerror}") from error
        with log:
            self.log.chmod(0o600)
            # -P: a file in the working directory must not stand in for a module.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", module, str(output)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**environment, "PYTHONPATH": source},
            )
        try:
            assert self._process.stdin is not None  # stdin=PIPE
            self._process.stdin.write(config_line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._process.wait()
            self.check()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise MeasurementFailed, with the end of its log, when it does not run any more."""
        if not self.alive:
            raise MeasurementFailed(f"{self.module} ended with {self._process.returncode}: {self.last_words()}")

    def last_words(self) -> str:
        """Give the end of its log."""
        return (
            self.log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARACTERS:].strip()
            or f"it said nothing in {self.log}"
        )

    def wait(self, *, within_s: float) -> bool:
        """Wait until it ends of itself; gives whether it did."""
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, *, within_s: float) -> None:
        """End it: by closing its stdin, after ``within_s`` by SIGTERM, at last by SIGKILL. May be called again.

        Never raises for it.
        """
        if self._process.stdin is not None and not self._process.stdin.closed:
            # Broken: it is gone already, which is what was wanted.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        for insist, patience_s in (
            (None, within_s),
            (self._process.terminate, _PATIENCE_S),
            (self._process.kill, None),
        ):
            if insist is not None:
                insist()
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
            return
