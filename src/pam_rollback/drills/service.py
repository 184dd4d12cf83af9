"""Runs drills in sessions of their own, several at once, and reads what came of them."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import TIMELINE_FILE
from pam_rollback.drills.rules.side_by_side import Drilled, at_once_next, late_pct
from pam_rollback.observation.client.timeline import Timeline
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.report import drills_page
from pam_rollback.report.drills_page import DrillDone, StrategyPast
from pam_rollback.report.past_drills import past_recoveries, sought
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_record import RunRecord, UnreadableRecord, read

SUMMARY = "drills.json"
_FOLDER = re.compile(r"^run: (\S+) · folder: (.+)$", re.MULTILINE)
_LOOKED_EVERY_S = 0.1


@dataclass
class _Running:
    story: str
    session: "subprocess.Popen[str]"
    output: IO[str]
    began_s: float
    alone: bool

    def ended(self, root: Path) -> Drilled:
        """What came of it."""
        self.output.seek(0)
        said = self.output.read()
        found = _FOLDER.search(said)
        folder = root / found[2] if found else None
        if folder is not None and folder.is_dir():
            (folder / "output.txt").write_text(said, encoding="utf-8")
        return Drilled(
            story=self.story,
            code=self.session.returncode,
            took_s=round(time.monotonic() - self.began_s, 1),
            late_pct=None if folder is None else _late_pct(folder),
            folder="" if folder is None else str(folder),
            alone=self.alone,
        )


@dataclass
class Drills:
    """The sessions. ``most``: never more at once, where somebody said so."""

    root: Path
    cores: int
    at_once: int
    most: int | None = None
    tell: Callable[[Drilled, str], object] = lambda _drill, _more: None
    """Hears of each drill that has ended, and whether and how it is run again."""
    still: Callable[[Sequence[tuple[str, float]]], object] = lambda _running: None
    """Hears once a minute, and at first, which drills run and for how many seconds."""
    still_every_s: float = 60.0
    stopped: bool = False
    _running: list[_Running] = field(default_factory=list)
    _told_s: float = -math.inf
    """When anything was said, monotonic."""

    def run(self, stories: Iterable[str]) -> list[Drilled]:
        """All of them, the first ones first; what could not be measured beside others again in the end, one after the other."""
        waiting = deque(stories)
        done: list[Drilled] = []
        while (waiting and not self.stopped) or self._running:
            while waiting and not self.stopped and len(self._running) < self.at_once:
                self._start(waiting.popleft(), alone=False)
            for ended in self._ended():
                done.append(ended)
                wanted = at_once_next(self.at_once, ended, cores=self.cores)
                self.at_once = min(wanted, self.most) if self.most else wanted
                self._tell(ended, " · again in the end, alone" if ended.worth_repeating else "")
            self._wait()
        for place, first in enumerate(done):
            if first.worth_repeating and not self.stopped:
                self._start(first.story, alone=True)
                done[place] = self._next_ended()
                self._tell(done[place], " · alone")
        return done

    def _tell(self, ended: Drilled, more: str) -> None:
        self.tell(ended, more)
        self._told_s = time.monotonic()

    def _wait(self) -> None:
        """A moment, until somebody looks again."""
        now_s = time.monotonic()
        if self._running and now_s - self._told_s >= self.still_every_s:
            self.still([(one.story, now_s - one.began_s) for one in self._running])
            self._told_s = now_s
        time.sleep(_LOOKED_EVERY_S)

    def _start(self, story: str, *, alone: bool) -> None:
        output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed when it has ended
        # A session of its own: a Ctrl-C in the terminal reaches it once, by us, and so ends its waits and has it undo.
        command = [sys.executable, "-m", "pytest", "-v", file_of(story)]
        session = subprocess.Popen(  # noqa: S603 - our own stories
            command,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._running.append(_Running(story, session, output, time.monotonic(), alone))

    def _ended(self) -> Iterator[Drilled]:
        for one in [one for one in self._running if one.session.poll() is not None]:
            self._running.remove(one)
            with one.output:
                yield one.ended(self.root)

    def _next_ended(self) -> Drilled:
        while True:
            for ended in self._ended():
                return ended
            self._wait()

    @contextmanager
    def forwarding_signals(self) -> Iterator[None]:
        """Whoever stops this stops the sessions: they undo, and no further one begins."""

        def forward(number: int, _frame: object) -> None:
            self.stopped = True
            for one in self._running:
                with suppress(ProcessLookupError):
                    one.session.send_signal(number)

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, forward) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def file_of(story: str) -> str:
    """Where it is told."""
    return f"drills/test_{story.replace('-', '_')}.py"


def record_of(drill: Drilled) -> RunRecord | None:
    """What its run found; None when it wrote no record."""
    try:
        return read(Path(drill.folder) / "run.json") if drill.folder else None
    except (OSError, UnreadableRecord):
        return None


def save(done: Sequence[Drilled], out: Path) -> None:
    """For whoever compares the strategies: one record a drill, with the folder of its run."""
    out.mkdir(parents=True, exist_ok=True)
    records = [{**asdict(drill), "verdict": drill.word} for drill in done]
    (out / SUMMARY).write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def page_of(
    drills: Sequence[tuple[Drilled, RunRecord | None, Sequence[str]]], root: Path, verdict: str, summary: str
) -> Path:
    """Writes it below ``reports/out`` and gives where. Each drill comes with its record and why it is not GO. Raises OSError."""
    out = root / "reports" / "out"
    return drills_page.write(
        out,
        [_done(drill, record, reasons, out) for drill, record, reasons in drills],
        _past(load_plan(root / "plan.toml"), out),
        verdict=verdict,
        summary=summary,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def _done(drill: Drilled, record: RunRecord | None, reasons: Sequence[str], out: Path) -> DrillDone:
    page = RunFolder(Path(drill.folder)).html / "index.html" if drill.folder else None
    beside = os.path.relpath(page, out) if page is not None and page.is_file() else ""
    return DrillDone(drill.story, drill.word, drill.took_s, record, beside, reasons)


def _past(plan: Plan, out: Path) -> list[StrategyPast]:
    wanted = sought(plan)
    found = past_recoveries(out, wanted)
    return [
        StrategyPast(
            name,
            found[name],
            plan.recovery_times[own.criterion].max_s if own.criterion in plan.recovery_times else None,
        )
        for name, own in wanted.items()
    ]


def _late_pct(folder: Path) -> float | None:
    samples: list[Sample] = []
    for path in folder.glob(f"*/{TIMELINE_FILE}"):
        with suppress(MeasurementFailed):
            samples += Timeline(path).samples()
    return late_pct(samples)
