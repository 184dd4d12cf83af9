"""The HTML report of one run, at the end of the session or afterwards: its head, and its place in the history."""

import json
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pam_rollback.report import html_report, recommendation, scorecard_page, wording
from pam_rollback.report.html_report import Unavailable
from pam_rollback.report.pages import RUNBOOK, TITLES, write_pages
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_folder import OUT, RunFolder, history_of
from pam_rollback.report.run_record import RunRecord


@dataclass(frozen=True)
class Built:
    """A report that is there."""

    index: Path
    seconds: float
    without: Unavailable | None = None
    """Why there is the first page only, and no evidence beside it."""
    skipped: str = ""
    """Which lines of the history are damaged, and were left out of it."""

    @property
    def size_bytes(self) -> int:
        """Return the size of the page and of all that lies beside it."""
        return sum(path.stat().st_size for path in self.index.parent.rglob("*") if path.is_file())


def build_run(run: RunFolder, record: RunRecord | None, *, out: Path = OUT) -> Built:
    """Build the report of a run into its folder: the scorecard as first page, the evidence beside it. Raises Unavailable.

    ``record`` is None when the session ended before it wrote one: then there is the evidence only. The first report of a run adds it to
    the history of its environment below ``out``; built again, it does not count twice. A run without a record stays out of every history.
    """
    evidence, started_s = run.html / scorecard_page.EVIDENCE, time.monotonic()
    history = history_of(record.environment.name, out) if record else None
    without, skipped = None, ""
    try:
        skipped = _take_out_damage(history) if history else ""
        html_report.build(
            run.results,
            evidence,
            title=wording.title(record) if record else run.path.name,
            variables=variables(record) if record else {"verdict": wording.NO_RECORD},
            history=history,
            append_history=record is not None and not evidence.exists(),
            environment=record.environment.name if record else None,
        )
    except (Unavailable, OSError) as problem:
        without = problem if isinstance(problem, Unavailable) else _unwritable(problem)
        if record is None:
            raise without from None
    seconds = time.monotonic() - started_s
    try:
        run.html.mkdir(parents=True, exist_ok=True)
        write_pages(run.html)
        index = write_page(run, record) if record else evidence / "index.html"
    except OSError as error:
        raise _unwritable(error) from None
    return Built(index, 0.0 if without else seconds, without, "" if without else skipped)


def _take_out_damage(history: Path) -> str:
    """Move lines that are no run into a file beside the history, and name them: the generator gives up at the first. Raises OSError."""
    lines = history.read_bytes().splitlines(keepends=True) if history.is_file() else []
    damaged = {number: line for number, line in enumerate(lines, 1) if not _is_run(line)}
    if not damaged:
        return ""
    beside = history.with_suffix(".damaged")
    with beside.open("ab") as kept:
        kept.writelines(line.rstrip(b"\n") + b"\n" for line in damaged.values())
    whole = history.with_suffix(".whole")
    whole.write_bytes(b"".join(line for number, line in enumerate(lines, 1) if number not in damaged))
    whole.replace(history)
    numbers = ", ".join(map(str, damaged))
    return f"{history}: line {numbers} of {len(lines)} is damaged and was left out, see {beside.name}; the evidence lacks those runs' trend"


def _is_run(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and isinstance(found.get("testResults"), dict)


def _unwritable(error: OSError) -> Unavailable:
    return Unavailable(
        f"the report could not be written: {error}", "make room or the place writable, then: make report"
    )


def write_page(run: RunFolder, record: RunRecord) -> Path:
    """Writes the scorecard, the report's first page, with links to what lies beside it. Raises OSError.

    Where something is not good, each finding links to its section of the runbook: then its page is there, too.
    """
    run.html.mkdir(parents=True, exist_ok=True)
    if record.verdict != "GO" and not (run.html / f"{RUNBOOK}.html").is_file():
        write_pages(run.html)
    beside = {
        "evidence, test by test": run.html / scorecard_page.EVIDENCE / "index.html",
        "run record": run.record,
        "JUnit": run.junit,
        **{title: run.html / f"{name}.html" for name, title in TITLES.items()},
    }
    links = [(name, os.path.relpath(path, run.html)) for name, path in beside.items() if path.is_file()]
    pictures = {path.stem: path.read_bytes() for path in sorted(run.pictures.glob("*.svg"))}
    page = run.html / scorecard_page.NAME
    text = scorecard_page.render(record, links=links, pictures=pictures, zone=datetime.now().astimezone().tzinfo)
    page.write_text(text, encoding="utf-8", errors="replace")
    return page


def variables(record: RunRecord) -> dict[str, str]:
    """The facts at the head of the evidence: the first page's, after what decides."""
    record = shown(record)
    to_do = [entry for _, entries in recommendation.recommended(record)[:1] for entry in entries]
    facts = {
        "verdict": wording.verdict_word(record),
        "why it is not GO": "; ".join(record.reasons),
        "what to do": "; ".join(to_do),
        "ran": wording.how_much(record),
        "conditions": "; ".join(wording.conditions(record)),
        **dict(scorecard_page.facts(record, None)),
        "run": record.run_id,
    }
    return {name: value for name, value in facts.items() if value}
