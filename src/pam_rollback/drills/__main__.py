"""``python -m pam_rollback.drills [STORY …]``: every drill in a session and on a sandbox of its own, several at once.

One line a drill as soon as it ends, and one a minute of what is waited for; in the end strategies by criteria, and the worst verdict.
``--which [STORY]`` only prints the file of one drill: the plan's preferred strategy when none is named.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pam_rollback.drills.rules.side_by_side import Drilled, ending
from pam_rollback.drills.service import Drills, file_of, page_of, record_of, save
from pam_rollback.outside import plainly
from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES, no_such_story, preferred
from pam_rollback.report import in_short, job_summary, wording
from pam_rollback.report.causes import counted
from pam_rollback.report.html_report import Unavailable
from pam_rollback.report.run_folder import RunFolder, from_here
from pam_rollback.report.run_report import build_run
from pam_rollback.report.shared_folder import NAME as SHARED
from pam_rollback.report.shared_folder import SharedFolder
from pam_rollback.report.shown_record import shown
from pam_rollback.report.terminal_page import WORDS, Page, alike, fitted, harmless
from pam_rollback.report.terms_table import drill_of, drills_table, not_good
from pam_rollback.report.verdict import VERDICT_WORDS, ExitCode, Outcome
from pam_rollback.report.wording import duration

USAGE_ERROR = 4
_WHY_LINES = 8
NARROW = 80
"""Columns of a line, whatever the terminal has: a log has none."""


@plainly.told
def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """Run them; gives the worst of their exit codes, or 4 for a story that is not known."""
    options = _parser().parse_args(arguments)
    root = root or plainly.project_folder()
    unknown = [story for story in options.stories if story not in STORIES]
    if unknown:
        sys.stderr.write(f"{no_such_story(unknown[0], load_plan(root / 'plan.toml'))}\n")
        return USAGE_ERROR
    if options.which:
        sys.stdout.write(
            f"{file_of(options.stories[0] if options.stories else preferred(load_plan(root / 'plan.toml')))}\n"
        )
        return 0
    stories = options.stories or list(STORIES)
    began_s = time.monotonic()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    drills = Drills(root, cores, at_once=options.at_once or cores, most=options.at_once, tell=_tell, still=_still)
    with drills.forwarding_signals():
        done = drills.run(stories)
    save(done, root / "reports" / "out")
    code, ended = _the_end(done, len(stories), time.monotonic() - began_s)
    _tell_all(done)
    verdict = f"\n{'  '.join(ended)}\n"
    sys.stdout.write(verdict)
    sys.stdout.flush()
    page = None
    if options.report:  # nobody waits for it to learn the verdict
        _report(done, root)
        page = _write_page(done, root, *ended)
        sys.stdout.write(verdict)
    _tell_job(done, code, ended, page)
    return code


def _tell(drill: Drilled, more: str = "") -> None:
    late = "" if drill.late_pct is None else f", {drill.late_pct:.1f} % late"
    text = f"{drill.story:<17} {drill.word:<13} {drill.took_s:3.0f} s{late}{more}"
    run = Path(drill.folder).name
    between = " " if len(text) + len(run) < NARROW else "\n  "
    sys.stdout.write(f"{text}{between if run else ''}{run}\n")
    if drill.code != 0:
        for reason in _reasons(drill):
            for line in fitted(reason, NARROW, first="  ", rest="    ", lines=2):
                sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _still(running: Sequence[tuple[str, float]]) -> None:
    """What is waited for, and for how long already."""
    text = ", ".join(f"{story} {duration(round(for_s))}" for story, for_s in running)
    for line in fitted(text, NARROW, first=f"{'running':<18}", rest=" " * 18, lines=2):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _reasons(drill: Drilled) -> list[str]:
    if not drill.folder:
        return ["it wrote no record; repeat it alone to see why: pytest " + file_of(drill.story)]
    record = record_of(drill)
    if record is None:
        return [f"it wrote no record; what it said is in {from_here(Path(drill.folder))}/output.txt"]
    bad = [
        f"{WORDS[group[0].outcome][0]} {wording.ids(group)} {wording.problem_together(group)}"
        for group in alike(not_good(record))
    ]
    left = [one for one in record.results if one.outcome is Outcome.NOT_RUN and wording.decides(one)]
    not_run = [f"not run: {counted(left)}, {wording.ids(left)}"] if left else []
    told = [one for one in (wording.short_reason(record), *wording.more_reasons(record), *bad, *not_run) if one]
    more = len(told) - _WHY_LINES
    return told[:_WHY_LINES] + ([f"and {more} more in {from_here(Path(drill.folder))}/output.txt"] if more > 0 else [])


def _report(done: Sequence[Drilled], root: Path) -> None:
    out = root / "reports" / "out"
    for drill in done:
        if not drill.folder:
            continue
        built = build_run(RunFolder(Path(drill.folder)), record_of(drill), out=out, shared=SharedFolder(out / SHARED))
        if isinstance(built, Unavailable):
            sys.stdout.write(f"no report    {drill.story}: {built.reason}; {built.how_to}\n")
        elif built.skipped:
            sys.stdout.write(f"{built.skipped}\n")


def _tell_all(done: Sequence[Drilled]) -> None:
    """Strategies by criteria, and how soon users were well again after each."""
    for line in _table(done, Page.of(shutil.get_terminal_size().columns, color=sys.stdout.isatty())):
        sys.stdout.write(f"{line}\n")


def _table(done: Sequence[Drilled], page: Page) -> list[str]:
    records = {drill.story: record_of(drill) for drill in done}
    rows = [drill_of(story, () if record is None else shown(record).results) for story, record in records.items()]
    return harmless(drills_table(rows, page), ascii_only=False)


def _tell_job(done: Sequence[Drilled], code: int, ended: tuple[str, str], page: Path | None) -> None:
    """A job of GitHub hears the same: a note on its page, and the table in its summary, below those of the drills."""
    word, line = VERDICT_WORDS[ExitCode(code)], "  ".join(ended)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        where = f". report: {from_here(page)}" if page else ""
        sys.stdout.write(f"{in_short.annotation(word, ended[0], line + where)}\n")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            job_summary.append_drills(word, line, _table(done, Page.of(NARROW, color=False)), Path(summary))
        except OSError as error:
            sys.stdout.write(f"no job summary of all drills: {error}\n")


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


def _write_page(done: Sequence[Drilled], root: Path, verdict: str, summary: str) -> Path | None:
    drills = [(drill, record_of(drill), () if drill.code == 0 else _reasons(drill)) for drill in done]
    try:
        page = page_of(drills, root, verdict, summary)
    except OSError as error:
        sys.stdout.write(f"no page of all drills: {error}\n")
        return None
    sys.stdout.write(f"\nall drills   {from_here(page)}\n")
    return page


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.drills",
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
