"""``python -m pam_rollback.ops.drills [STORY …]``: every drill in a session and on a sandbox of its own, several at once.

One line a drill as soon as it ends; in the end strategies by criteria, a link to each report, and the worst verdict.
``--which [STORY]`` only prints the file of one drill: the plan's preferred strategy when none is named.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pam_rollback.core.figures import duration
from pam_rollback.http import files
from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES, no_such_story, preferred
from pam_rollback.report import wording
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_folder import RunFolder, from_here
from pam_rollback.report.run_record import RunRecord, UnreadableRecord, read
from pam_rollback.report.run_report import Unavailable, build_run
from pam_rollback.report.terminal_page import Page, harmless
from pam_rollback.report.terms_table import drill_of, drills_table
from pam_rollback.report.verdict import VERDICT_WORDS, ExitCode, worst

USAGE_ERROR = 4
NARROW = 80
"""Columns of a line, whatever the terminal has: a log has none."""
_FOLDER = re.compile(r"^run: (\S+) · folder: (.+)$", re.MULTILINE)


@files.told
def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """Run them; gives the worst of their exit codes, or 4 for a story that is not known."""
    options = _parser().parse_args(arguments)
    root = root or files.project_folder()
    unknown = [story for story in options.stories if story not in STORIES]
    if unknown:
        sys.stderr.write(f"{no_such_story(unknown[0], load_plan(root / 'plan.toml'))}\n")
        return USAGE_ERROR
    if options.which:
        story = options.stories[0] if options.stories else preferred(load_plan(root / "plan.toml"))
        sys.stdout.write(f"{file_of(story)}\n")
        return 0
    stories, began_s = options.stories or list(STORIES), time.monotonic()
    done = Drills(root).run(stories, options.at_once or os.cpu_count() or 1)
    links = [_link(drill, build=options.report) for drill in done]
    page = Page.of(shutil.get_terminal_size().columns, color=sys.stdout.isatty())
    rows = [drill_of(drill.story, shown(drill.record).results if drill.record else ()) for drill in done]
    code = worst(drill.exit_code for drill in done)
    if len(done) < len(stories):
        code = worst([code, ExitCode.INCONCLUSIVE])
    good, took = sum(drill.code == 0 for drill in done), duration(time.monotonic() - began_s)
    missing = f", {len(stories) - len(done)} not begun" if len(done) < len(stories) else ""
    verdict = f"REHEARSAL {VERDICT_WORDS[code]}  {good} of {len(stories)} drills are GO{missing}, in {took}"
    sys.stdout.write("\n".join([*harmless(drills_table(rows, page), ascii_only=False), "", *links, "", verdict, ""]))
    return int(code)


@dataclass(frozen=True)
class Drilled:
    """One drill that has ended."""

    story: str
    code: int
    """The exit code of its session."""
    took_s: float
    folder: Path | None = None
    """Of its run; None when it has none."""

    @property
    def record(self) -> RunRecord | None:
        """What its run found; None when it wrote no record."""
        with suppress(OSError, UnreadableRecord):
            return read(self.folder / "run.json") if self.folder else None
        return None

    @property
    def exit_code(self) -> ExitCode:
        """What it counts as: a session that ended otherwise than by a verdict leaves it unknown."""
        return ExitCode(self.code) if self.code in set(ExitCode) else ExitCode.INCONCLUSIVE

    @property
    def lines(self) -> Iterator[str]:
        """How it ended, and where; of one that is not GO, why."""
        word = {int(code): word for code, word in VERDICT_WORDS.items()}.get(self.code, f"ended with {self.code}")
        yield f"{self.story:<17} {word:<13} {self.took_s:3.0f} s"
        if self.code != 0:
            record = self.record
            why = wording.short_reason(record) if record else "it wrote no record"
            said = f"{from_here(self.folder)}/output.txt" if self.folder else f"pytest {file_of(self.story)}, alone"
            yield from Page(NARROW, color=False).wrapped(f"{why}; see {said}", lines=3)


@dataclass
class Drills:
    """The sessions of one project."""

    root: Path
    stopped: bool = False
    _running: list["subprocess.Popen[str]"] = field(default_factory=list)

    def run(self, stories: Sequence[str], at_once: int) -> list[Drilled]:
        """All of them, so many at once; gives those that began, as they were named."""
        done: dict[str, Drilled] = {}
        with self._forwarding_signals(), ThreadPoolExecutor(at_once) as pool:
            for ended in as_completed([pool.submit(self._drill, story) for story in stories]):
                drill = ended.result()
                if drill is not None:
                    done[drill.story] = drill
                    sys.stdout.write("".join(f"{line}\n" for line in drill.lines))
                    sys.stdout.flush()
        return [done[story] for story in stories if story in done]

    def _drill(self, story: str) -> Drilled | None:
        if self.stopped:
            return None
        began_s = time.monotonic()
        # A session of its own: a Ctrl-C in the terminal reaches it once, by us, and so ends its waits and has it undo.
        with subprocess.Popen(  # noqa: S603 - our own stories
            [sys.executable, "-m", "pytest", "-v", file_of(story)],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as session:
            self._running.append(session)
            said, _ = session.communicate()
            self._running.remove(session)
        found = _FOLDER.search(said)
        folder = self.root / found[2] if found else None
        if folder is not None and folder.is_dir():
            (folder / "output.txt").write_text(said, encoding="utf-8")
        return Drilled(story, session.returncode, time.monotonic() - began_s, folder)

    @contextmanager
    def _forwarding_signals(self) -> Iterator[None]:
        """Whoever stops this stops the sessions: they undo, and no further one begins."""

        def forward(number: int, _frame: object) -> None:
            self.stopped = True
            for one in [*self._running]:
                with suppress(ProcessLookupError):
                    one.send_signal(number)

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


def _link(drill: Drilled, *, build: bool) -> str:
    """Where its report is, built now if that is asked for; else its folder."""
    if drill.folder is None:
        return f"{drill.story:<17} no run"
    run = RunFolder(drill.folder)
    if build:
        try:
            build_run(run, drill.record)
        except Unavailable as problem:
            return f"{drill.story:<17} no report: {problem.reason}; {problem.how_to}"
    page = run.html / "index.html"
    return f"{drill.story:<17} {from_here(page if page.is_file() else drill.folder)}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.ops.drills",
        description="Every drill in a session and on a sandbox of its own, several at once. See docs/how-to/run-a-drill.md.",
    )
    parser.add_argument("stories", nargs="*", metavar="STORY", help="stories; without any all of them")
    parser.add_argument("--at-once", type=_positive, help="so many at once (default: as many as there are cores)")
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
