"""``python -m pam_rollback.session.drills [STORY …]``: every drill in a session and on a sandbox of its own, several at once.

One line a drill as soon as it ends; in the end strategies by criteria, and the worst verdict. ``--which [STORY]`` only prints the file of
one drill: the plan's preferred strategy when none is named.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from pam_rollback.base.configuration import nearest
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import TIMELINE_FILE
from pam_rollback.observation.client.timeline import Timeline
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.plan.stories import STORIES, first_way
from pam_rollback.report.html_report import Unavailable
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_record import RunRecord, UnreadableRecord, read
from pam_rollback.report.run_report import build_run
from pam_rollback.report.shared_folder import NAME as SHARED
from pam_rollback.report.shared_folder import SharedFolder
from pam_rollback.report.shown_record import shown
from pam_rollback.report.terminal_page import Page, harmless
from pam_rollback.report.terms_table import drill_of, drills_table
from pam_rollback.report.verdict import VERDICT_WORDS
from pam_rollback.report.wording import duration
from pam_rollback.session.drills_reported import page_of
from pam_rollback.session.side_by_side import Drilled, at_once_next, ending, late_pct

USAGE_ERROR = 4
SUMMARY = "drills.json"
_FOLDER = re.compile(r"^run: (\S+) · folder: (.+)$", re.MULTILINE)
_LOOKED_EVERY_S = 0.1
_WHY_LINES = 8


def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """Run them; gives the worst of their exit codes, or 4 for a story that is not known."""
    root = root or Path.cwd()
    options = _parser().parse_args(arguments)
    unknown = [story for story in options.stories if story not in STORIES]
    if unknown:
        sys.stderr.write(f"{no_such_story(unknown[0], load_plan(root / 'plan.toml'))}\n")
        return USAGE_ERROR
    if options.which:
        sys.stdout.write(f"{_file_of(options.stories[0] if options.stories else preferred(root))}\n")
        return 0
    stories = options.stories or list(STORIES)
    began_s = time.monotonic()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    drills = Drills(root, cores, at_once=options.at_once or cores, most=options.at_once)
    with drills.forwarding_signals():
        done = drills.run(stories)
    _save(done, root / "reports" / "out")
    if options.report:
        _report(done, root)
    _tell_all(done)
    code, ended = _the_end(done, len(stories), time.monotonic() - began_s)
    if options.report:
        _write_page(done, root, *ended)
    sys.stdout.write(f"\n{'  '.join(ended)}\n")
    return code


def no_such_story(story: str, plan: Plan) -> str:
    """What to say of a story that is not known: which ways there are, by the plan, and what the nearest does."""
    known = [name for name in plan.ways if name in STORIES]
    near = nearest(story, known)
    meant = f", did you mean {near} ({plan.ways[near].title})?" if near else ";"
    return f"STORY={story}: no such story{meant} There are {', '.join(known)}"


def preferred(root: Path) -> str:
    """The story of the strategy that the plan prefers: the first that it names. Its first way, where it has several."""
    return first_way(next(iter(load_plan(root / "plan.toml").strategies.values())))


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
    stopped: bool = False
    _running: list[_Running] = field(default_factory=list)

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
                _tell(ended, " · again in the end, alone" if ended.worth_repeating else "")
            time.sleep(_LOOKED_EVERY_S)
        for place, first in enumerate(done):
            if first.worth_repeating and not self.stopped:
                self._start(first.story, alone=True)
                done[place] = self._next_ended()
                _tell(done[place], " · alone")
        return done

    def _start(self, story: str, *, alone: bool) -> None:
        output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed when it has ended
        # A session of its own: a Ctrl-C in the terminal reaches it once, by us, and so ends its waits and has it undo.
        command = [sys.executable, "-m", "pytest", "-v", _file_of(story)]
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
            time.sleep(_LOOKED_EVERY_S)

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


def _file_of(story: str) -> str:
    return f"drills/test_{story.replace('-', '_')}.py"


def _late_pct(folder: Path) -> float | None:
    samples: list[Sample] = []
    for path in folder.glob(f"*/{TIMELINE_FILE}"):
        with suppress(MeasurementFailed):
            samples += Timeline(path).samples()
    return late_pct(samples)


def _tell(drill: Drilled, more: str = "") -> None:
    late = "" if drill.late_pct is None else f" · {drill.late_pct:.1f} % of its probes late"
    where = f" · {_from_here(drill.folder)}" if drill.folder else ""
    sys.stdout.write(f"{drill.story:<17} {drill.word:<13} {drill.took_s:4.0f} s{late}{where}{more}\n")
    if drill.code != 0:
        for reason in _reasons(drill):
            sys.stdout.write(f"  {reason}\n")
    sys.stdout.flush()


def _reasons(drill: Drilled) -> list[str]:
    if not drill.folder:
        return ["it wrote no record; repeat it alone to see why: pytest " + _file_of(drill.story)]
    record = _record(drill)
    if record is None:
        return [f"it wrote no record; what it said is in {_from_here(drill.folder)}/output.txt"]
    failed = [f"{one.outcome.value}: {one.title} {one.message}".strip() for one in record.results if one.message]
    told = list(dict.fromkeys([*record.reasons, *failed]))
    more = len(told) - _WHY_LINES
    return told[:_WHY_LINES] + ([f"and {more} more in {_from_here(drill.folder)}/output.txt"] if more > 0 else [])


def _save(done: Sequence[Drilled], out: Path) -> None:
    """For whoever compares the strategies: one record a drill, with the folder of its run."""
    out.mkdir(parents=True, exist_ok=True)
    records = [{**asdict(drill), "verdict": drill.word} for drill in done]
    (out / SUMMARY).write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def _report(done: Sequence[Drilled], root: Path) -> None:
    out = root / "reports" / "out"
    for drill in done:
        if not drill.folder:
            continue
        built = build_run(RunFolder(Path(drill.folder)), _record(drill), out=out, shared=SharedFolder(out / SHARED))
        if isinstance(built, Unavailable):
            sys.stdout.write(f"no report    {drill.story}: {built.reason}; {built.how_to}\n")
        else:
            sys.stdout.write(f"report       {_from_here(str(built.index))}\n")


def _tell_all(done: Sequence[Drilled]) -> None:
    """Strategies by criteria, and how soon users were well again after each."""
    records = {drill.story: _record(drill) for drill in done}
    rows = [drill_of(story, () if record is None else shown(record).results) for story, record in records.items()]
    color = sys.stdout.isatty()
    for line in harmless(
        drills_table(rows, Page.of(shutil.get_terminal_size().columns, color=color)), ascii_only=False
    ):
        sys.stdout.write(f"{line}\n")


def _record(drill: Drilled) -> RunRecord | None:
    """What its run found; None when it wrote no record."""
    try:
        return read(Path(drill.folder) / "run.json") if drill.folder else None
    except (OSError, UnreadableRecord):
        return None


def _the_end(done: Sequence[Drilled], asked: int, took_s: float) -> tuple[int, tuple[str, str]]:
    """Exit code, the word that decides, and what it rests on."""
    code = ending(done)
    good = sum(drill.code == 0 for drill in done)
    if len(done) < asked and code == 0:
        code = ending([])
    missing = f", {asked - len(done)} not begun" if len(done) < asked else ""
    return int(code), (
        f"REHEARSAL {VERDICT_WORDS[code]}",
        f"{good} of {asked} drills are GO{missing}, in {duration(took_s)}",
    )


def _write_page(done: Sequence[Drilled], root: Path, verdict: str, summary: str) -> None:
    drills = [(drill, _record(drill), () if drill.code == 0 else _reasons(drill)) for drill in done]
    try:
        page = page_of(drills, root, verdict, summary)
    except OSError as error:
        sys.stdout.write(f"no page of all drills: {error}\n")
    else:
        sys.stdout.write(f"\nall drills   {_from_here(str(page))}\n")


def _from_here(path: str) -> str:
    with suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.session.drills",
        description="Every drill in a session and on a sandbox of its own, several at once. See docs/how-to/run-a-drill.md.",
    )
    parser.add_argument("stories", nargs="*", metavar="STORY", help="stories; without any all of them")
    parser.add_argument("--at-once", type=_positive, help="so many at once at most (default: as the machine bears)")
    parser.add_argument("--report", action="store_true", help="build the HTML report of each run in the end")
    parser.add_argument(
        "--which", action="store_true", help="only print the file of the story (default: the preferred one)"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
