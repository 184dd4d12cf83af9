"""Where a case happens: a sandbox of its own, what is planted in it and when, and the session that is asked."""

import os
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from case import Case

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote

_ROOT = Path(__file__).resolve().parents[2]
_LONGEST_S = 900
_READY_WITHIN_S = 180
_TIMED_OUT = 124
_POLL_S = 0.1


@dataclass
class Place:
    """One running sandbox with a case in it."""

    case: Case
    folder: Path
    file: Path
    remote: Remote
    secrets: Mapping[str, str]
    """Variables that a named environment reads its secrets from."""

    def ask(self) -> tuple[int, str]:
        """Plant, run the session to its end and give its exit code and what it printed."""
        baseline = self._baseline() if self.case.baseline else ()
        run = self.folder / "run"
        over = threading.Event()
        late = []
        for one in self.case.plant:
            begins_s = one.get("begins_s", 0)
            if begins_s:
                late.append(threading.Thread(target=self._plant_later, args=(one, begins_s, run, over)))
            else:
                self._plant(one)
        for thread in late:
            thread.start()
        try:
            return self._session(*self.case.ask.split(), *baseline, f"--run-dir={run}")
        finally:
            over.set()
            for thread in late:
                thread.join()

    def _baseline(self) -> tuple[str, ...]:
        run = self.folder / "before"
        code, said = self._session("-m", "baseline", f"--run-dir={run}")
        if code:
            raise RuntimeError(f"{self.case.name}: no baseline of the healthy product, exit code {code}:\n{said}")
        return (f"--baseline={run / 'baseline' / 'baseline.json'}",)

    def _plant(self, one: Mapping[str, Any]) -> None:
        self.remote.plant(
            one["fault"], **{key: value for key, value in one.items() if key not in {"fault", "begins_s"}}
        )

    def _plant_later(self, one: Mapping[str, Any], begins_s: float, run: Path, over: threading.Event) -> None:
        """The window begins with the observation, which writes its timeline."""
        while not list(run.glob("*/timeline.jsonl")):
            if over.wait(_POLL_S):
                return
        if not over.wait(begins_s):
            self._plant(one)

    def _session(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--env={self.file}", *arguments]
        with subprocess.Popen(
            command,
            cwd=_ROOT,
            env=_clean_environment() | dict(self.secrets),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as session:
            try:
                said, _ = session.communicate(timeout=_LONGEST_S)
            except subprocess.TimeoutExpired:
                session.terminate()
                said, _ = session.communicate()
                return _TIMED_OUT, said
        return session.returncode, said


@contextmanager
def place(case: Case, folder: Path) -> Iterator[Place]:
    """Start the case's sandbox; it ends with the block."""
    with launch(folder / "sandbox.toml", product=case.product, ready_within_s=_READY_WITHIN_S) as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        remote = Remote(state["sandbox"]["control_url"], state["sandbox"]["token"])
        if case.named:
            yield Place(case, folder, _without_token(file), remote, state["sandbox"]["variables"])
        else:
            yield Place(case, folder, file, remote, {})


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PAM_", "PYTEST_", "GITHUB_"))}


def _without_token(file: Path) -> Path:
    """Write the environment as one that no token makes a sandbox; what it needs is in variables, as it is elsewhere."""
    text = file.read_text(encoding="utf-8").split("\n[sandbox]\n", 1)[0]
    text = text.replace('kind = "sandbox"', 'kind = "staging"').replace('name = "sandbox"', 'name = "named"')
    text = f"pace = 1\nthresholds.SC-5.response_time_unnoticed_ms = 100\n{text}"
    named = file.with_name("named.toml")
    named.touch(mode=0o600)
    named.write_text(text, encoding="utf-8")
    return named
