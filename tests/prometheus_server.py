"""A real Prometheus for the tests, and its promtool: found or fetched, started on a free port with a folder of its own, and ended.

`make prometheus` unpacks Debian's packages beside the virtual environment. They are not installed: that would start a service for all.
Debian 13 has promtool in a package of its own; before, it came with Prometheus.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch

VARIABLE = "PAM_PROMETHEUS"
FETCHED = Path(__file__).resolve().parents[1] / ".venv" / "prometheus"
_SERVER, _TOOL = "prometheus", "promtool"
_BINARY = Path("usr") / "bin" / _SERVER
_FETCH_WITHIN_S = 300
_READY_WITHIN_S = 20
_END_WITHIN_S = 10
HOW_TO_GET = (
    f"there is no Prometheus, or no promtool, on this machine: `make prometheus` fetches Debian's packages; elsewhere name a binary with "
    f"{VARIABLE}, its promtool beside it"
)
_CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
alerting:
  alertmanagers: [{{static_configs: [{{targets: [{managers}]}}]}}]
scrape_configs:
  - job_name: pam
    static_configs: [{{targets: ["{target}"]}}]
"""


def binary() -> Path | None:
    """The machine's Prometheus, or the one that was fetched; None when there is none. The variable wins."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    found = shutil.which("prometheus")
    if found:
        return Path(found)
    return FETCHED / _BINARY if (FETCHED / _BINARY).is_file() else None


def promtool() -> Path:
    """The tool that judges rules. It comes with Prometheus, or from a package of its own."""
    found = _promtool()
    assert found is not None, HOW_TO_GET
    return found


def provide() -> int:
    """Fetch what is not there; one clear error when that cannot be done."""
    wanted = [name for name, found in ((_SERVER, binary()), (_TOOL, _promtool())) if found is None]
    if not wanted:
        return 0
    print(f"no {' and no '.join(wanted)} found: fetching (once)…", flush=True)  # noqa: T201 - for whoever called make
    with tempfile.TemporaryDirectory() as folder:
        for package, found in ((_SERVER, binary), (_TOOL, _promtool)):
            if found() is None and not _fetched(package, folder):
                _run(["apt-get", "update", "-qq"], folder)
                _fetched(package, folder)
    if binary() is not None and _promtool() is not None:
        return 0
    print(HOW_TO_GET, file=sys.stderr)  # noqa: T201 - the same
    return 1


def _promtool() -> Path | None:
    server = binary()
    beside = server.with_name(_TOOL) if server is not None else None
    if beside is not None and beside.is_file():
        return beside
    found = shutil.which(_TOOL)
    if found:
        return Path(found)
    fetched = FETCHED / "usr" / "bin" / _TOOL
    return fetched if fetched.is_file() else None


def _fetched(package: str, folder: str) -> bool:
    """Unpack a package of Debian's where ``FETCHED`` is."""
    if not _run(["apt-get", "download", "-qq", package], folder):
        return False
    packages = list(Path(folder).glob(f"{package}_*.deb"))
    return bool(packages) and _run(["dpkg-deb", "-x", str(packages[0]), str(FETCHED)], folder)


def _run(command: list[str], folder: str) -> bool:
    try:
        return (
            subprocess.run(command, cwd=folder, capture_output=True, timeout=_FETCH_WITHIN_S, check=False).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def prometheus(target: str, folder: Path, *, rules: Path | None = None, manager: str = "") -> Iterator[str]:
    """A Prometheus that scrapes ``/metrics`` of ``host:port`` each second; gives its address when it is ready.

    With the rules of that file, if one is given, and telling the Alertmanager at that ``host:port``, which need not be there.
    """
    found = binary()
    assert found is not None, HOW_TO_GET
    configuration = folder / "prometheus.yml"
    managers = f'"{manager}"' if manager else ""
    text = _CONFIGURATION.format(target=target, rules=rules or folder / "no.rules.yml", managers=managers)
    configuration.write_text(text, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    command = [
        str(found),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as process:
        try:
            Waiter().until(
                lambda: process.poll() is None and fetch(f"http://{address}/-/ready", deadline_s=1),
                holds=lambda answer: answer is False or answer.http_status == HTTPStatus.OK,
                within_s=_READY_WITHIN_S,
                what="Prometheus is ready",
            )
            assert process.poll() is None, (folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
            yield f"http://{address}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    sys.exit(provide())
