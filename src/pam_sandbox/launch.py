"""Starts a sandbox as a child that lives as long as a `with` block. Standard library only: it is loaded by every session."""

import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from pam_sandbox.problems import SandboxError

READY_WITHIN_S = 60.0
_END_WITHIN_S = 20.0
_SOURCE = Path(__file__).resolve().parents[1]


@contextmanager
def launch(
    state_file: Path,
    *,
    ready_within_s: float = READY_WITHIN_S,
    dialect: Literal["product", "plan"] = "product",
    product: Literal["pam-plan", "pam-today"] = "pam-plan",
) -> Iterator[Path]:
    """Start a sandbox and give its state file when it is ready; it ends with the block, or with this process however that ends.

    `dialect` is whose tables its DSN shows: the product's own, or those that the rollback plan's SQL expects. `product` is
    which one is there.

    Raises SandboxError with the sandbox's own words when it does not start.
    """
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(  # noqa: S603 - our own module
            [
                *(sys.executable, "-m", "pam_sandbox"),
                *("--state-file", str(state_file), "--dialect", dialect, "--product", product),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, (str(_SOURCE), os.environ.get("PYTHONPATH")))),
            },
            # A session of its own: a Ctrl-C in the terminal is for the session that uses the sandbox, which still has to undo.
            start_new_session=True,
        )
        try:
            _wait_until_ready(child, ready_within_s, errors)
            yield state_file
        finally:
            _end(child)


def _wait_until_ready(child: subprocess.Popen[bytes], within_s: float, errors: IO[bytes]) -> None:
    if child.stdout is None:
        raise SandboxError("sandbox", expected="its standard output", found="none")
    end_s = time.monotonic() + within_s
    told = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while b"\n" not in told:
            ready = selector.select(max(0.0, end_s - time.monotonic()))
            piece = os.read(child.stdout.fileno(), 4096) if ready else b""
            if not piece:
                found = f"nothing within {within_s:g} s" if not ready else f"exit code {child.wait(_END_WITHIN_S)}"
                errors.seek(0)
                advice = errors.read().decode("utf-8", "replace").strip()
                raise SandboxError("sandbox", expected="the line `ready FILE`", found=found, advice=advice)
            told += piece


def _end(child: subprocess.Popen[bytes]) -> None:
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
    try:
        child.wait(_END_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()  # its janitor still cleans up
        child.wait()
