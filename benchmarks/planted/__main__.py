"""The judge that stays put: each planted case must get the exit code and the first named part that `cases.toml` freezes.

Each case has a sandbox of its own, in which the suite is asked as a user asks it; healthy ones must stay green. A case that says
``baseline`` records one first, and one that says ``named`` is asked as an ordinary environment that no token makes a sandbox.
Run as ``python benchmarks/planted [--only WORD …] [--at-once 2]``. What is expected may not be changed to fit the code (see README.md).
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pam_sandbox.launch import launch
from pam_sandbox.remote import Remote

_FIRST_LINES = 10
"""Of the screen, below the verdict: what is broken, or what to do and why."""
_FOUND_LINES = 14
_VERDICT = re.compile(
    r"^(?:REHEARSAL )?(?:GO|NO-GO|INCONCLUSIVE|ROLL BACK NOW|CONSIDER|NO ROLLBACK|NOT KNOWN|WATCH|PLANNED|REFUSED|ACTION|UNDO)\b"
)


@dataclass(frozen=True)
class Case:
    """One planted defect, or the healthy twin of some."""

    name: str
    group: str
    code: int
    """The exit code."""
    ask: str = ""
    """What pytest is called with, besides the environment and the folder of the run."""
    test: str = ""
    """A test that brings about what one session cannot, such as a kill, and judges it; it is called in place of ``ask``."""
    first: str = ""
    """A regular expression that the first lines below the verdict have; empty where nothing is red."""
    plant: tuple[Mapping[str, Any], ...] = ()
    """Faults of the sandbox: ``fault``, its parameters, and ``begins_s`` after the window's begin (0: before the session)."""
    product: Literal["pam-plan", "pam-today"] = "pam-plan"
    baseline: bool = False
    named: bool = False

    @property
    def expected(self) -> str:
        """The frozen answer in words."""
        return f"exit code {self.code}" + (f", first {self.first!r}" if self.first else "")


@dataclass(frozen=True)
class Judged:
    """A case with what the suite said."""

    case: Case
    code: int
    said: str
    took_s: float

    @property
    def screen(self) -> list[str]:
        """The lines from the verdict on; all where there is none."""
        lines = self.said.splitlines()
        begins = next((i for i, line in enumerate(lines) if _VERDICT.match(line)), 0)
        return lines[begins:]

    @property
    def right(self) -> bool:
        """Whether exit code and first named part are as frozen."""
        shown = " ".join(" ".join(self.screen[:_FIRST_LINES]).split())
        return self.code == self.case.code and re.search(self.case.first, shown) is not None


def cases() -> Iterator[Case]:
    """Give every frozen case, in the order of the file."""
    text = Path(__file__).with_name("cases.toml").read_text(encoding="utf-8")
    for group, listed in tomllib.loads(text).items():
        for one in listed:
            yield Case(group=group, **{**one, "plant": tuple(one.get("plant", ()))})


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
            return self._session(*shlex.split(self.case.ask), *baseline, f"--run-dir={run}")
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
        return _run(f"--env={self.file}", f"--state-dir={self.folder / 'state'}", *arguments, **self.secrets)


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


def _run(*arguments: str, **variables: str) -> tuple[int, str]:
    """Run a session to its end; gives its exit code and what it printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=_ROOT,
        env=_clean_environment() | variables,
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


def _without_token(file: Path) -> Path:
    """Write the environment as one that no token makes a sandbox; what it needs is in variables, as it is elsewhere."""
    text = file.read_text(encoding="utf-8").split("\n[sandbox]\n", 1)[0]
    text = text.replace('kind = "sandbox"', 'kind = "staging"').replace('name = "sandbox"', 'name = "named"')
    text = f"pace = 1\nthresholds.SC-5.response_time_unnoticed_ms = 100\n{text}"
    named = file.with_name("named.toml")
    named.touch(mode=0o600)
    named.write_text(text, encoding="utf-8")
    return named


def judge(case: Case) -> Judged:
    """Bring the case about in a sandbox of its own and ask the suite."""
    begun_s = time.monotonic()
    if case.test:
        code, said = _run(*shlex.split(case.test))
    else:
        with tempfile.TemporaryDirectory(prefix="planted-") as folder, place(case, Path(folder)) as where:
            code, said = where.ask()
    found = Judged(case, code, said, time.monotonic() - begun_s)
    print(f"{'ok   ' if found.right else 'WRONG'} {found.took_s:4.0f} s  {case.group}: {case.name}", flush=True)
    return found


def main() -> int:
    """Judge the cases and print the table; 1 when one is not as frozen."""
    parser = argparse.ArgumentParser(prog="python benchmarks/planted", description=__doc__)
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="WORD", help="cases with one of these words in their group or name"
    )
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="how many run side by side (2)")
    parser.add_argument("--list", action="store_true", help="print the cases and run none")
    options = parser.parse_args()
    chosen = [
        case
        for case in cases()
        if not options.only or any(word in f"{case.group}: {case.name}" for word in options.only)
    ]
    if not chosen:
        parser.error(
            f"--only {' '.join(options.only)}: expected a word of a group or a name (--list prints them), found none that has it"
        )
    if options.list:
        print("\n".join(f"{case.group}: {case.name}: {case.expected}" for case in chosen))
        return 0
    begun_s = time.monotonic()
    with ThreadPoolExecutor(options.at_once) as pool:
        judged = list(pool.map(judge, chosen))
    _print_table(judged, time.monotonic() - begun_s)
    return int(any(not each.right for each in judged))


def _print_table(judged: Sequence[Judged], took_s: float) -> None:
    print(f"\n{'group':22}{'as frozen':>12}{'seconds':>10}")
    for group in dict.fromkeys(each.case.group for each in judged):
        own = [each for each in judged if each.case.group == group]
        print(
            f"{group:22}{f'{sum(each.right for each in own)} of {len(own)}':>12}{sum(each.took_s for each in own):10.0f}"
        )
    print(f"{'all':22}{f'{sum(each.right for each in judged)} of {len(judged)}':>12}{took_s:10.0f}")
    for each in judged:
        if not each.right:
            print(
                f"\nWRONG {each.case.group}: {each.case.name}\n  frozen: {each.case.expected}\n  found:  exit code {each.code}"
            )
            print("\n".join(f"    {line}" for line in each.screen[:_FOUND_LINES]))


if __name__ == "__main__":
    sys.exit(main())
