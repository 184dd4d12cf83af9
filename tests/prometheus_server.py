"""A real Prometheus for the tests: found or fetched, started on a free port with a folder of its own, and ended.

`make prometheus` unpacks Debian's package beside the virtual environment. It is not installed: that would start a service for everybody.
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

from pam_rollback.adapters.http import fetch
from pam_rollback.core.wait import Waiter

VARIABLE = "PAM_PROMETHEUS"
FETCHED = Path(__file__).resolve().parents[1] / ".venv" / "prometheus"
_BINARY = Path("usr") / "bin" / "prometheus"
_FETCH_WITHIN_S = 300
_READY_WITHIN_S = 20
_END_WITHIN_S = 10
HOW_TO_GET = f"there is no Prometheus on this machine: `make prometheus` fetches Debian's package; elsewhere name a binary with {VARIABLE}"
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
    """The tool that comes with it."""
    found = binary()
    assert found is not None, HOW_TO_GET
    return found.with_name("promtool")


def provide() -> int:
    """Fetch Prometheus where there is none; one clear error when that cannot be done."""
    if binary() is not None:
        return 0
    print("no Prometheus found: fetching it (once)…", flush=True)  # noqa: T201 - for whoever called make
    with tempfile.TemporaryDirectory() as folder:
        fetched = _run(["apt-get", "download", "-qq", "prometheus"], folder) or (
            _run(["apt-get", "update", "-qq"], folder) and _run(["apt-get", "download", "-qq", "prometheus"], folder)
        )
        packages = list(Path(folder).glob("prometheus_*.deb"))
        if fetched and packages and _run(["dpkg-deb", "-x", str(packages[0]), str(FETCHED)], folder):
            return 0
    print(HOW_TO_GET, file=sys.stderr)  # noqa: T201 - the same
    return 1


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
