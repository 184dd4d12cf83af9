"""The same questions in the words of others: experiments of Chaos Toolkit, and the plan's own commands.

Both get all that they have: Chaos Toolkit looks at status and body of each endpoint, asks after its method (asked before it, it calls a
service that is ill "completed", with exit code 0), and undoes in any case; the plan's scripts are run as written, with the addresses put
in.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from honesty_parts.hostile import DATABASE, EVERYTHING, HEALTH, PAM
from honesty_parts.lane import Lane, clean_environment
from honesty_parts.sabotage import Experiment

_SCRIPTS = Path(__file__).resolve().parent / "plan_scripts"
_DEADLINE_S = 5
_EXPERIMENT_S = 120
_METHOD_BEGAN = "Action:"
CHAOS_PACKAGES = ("chaostoolkit", "chaostoolkit-addons", "chaostoolkit-lib[jsonpath]")


def installed_chaos(folder: Path) -> Path:
    """Chaos Toolkit in an environment of its own; gives its command. Ends the benchmark where it cannot be had."""
    uv = Path(sys.executable).with_name("uv")
    command = folder / "bin" / "chaos"
    for step in (
        (uv, "venv", "--quiet", "--python", sys.executable, folder),
        (uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *CHAOS_PACKAGES),
    ):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"Chaos Toolkit cannot be installed, so nothing can be compared:\n{done.stderr}")
    return command


def experiment(probes: Sequence[dict[str, Any]], **more: Any) -> Experiment:
    """An experiment that asks these before and after its method."""
    return {
        "title": "Is PAM well?",
        "description": "The suite's question in other words.",
        "steady-state-hypothesis": {"title": "PAM is well", "probes": list(probes)},
        "method": [],
        "rollbacks": [],
        **more,
    }


def get(url: str, tolerance: Any, name: str = "") -> dict[str, Any]:
    """A probe over HTTP."""
    provider = {"type": "http", "url": url, "timeout": _DEADLINE_S, "follow_redirects": False}
    return {"type": "probe", "name": name or f"GET {url}", "tolerance": tolerance, "provider": provider}


def call(url: str, body: Any, *, headers: dict[str, str] | None = None, method: str = "POST") -> dict[str, Any]:
    """An action over HTTP."""
    head = {"Content-Type": "application/json", **(headers or {})}
    provider = {
        "type": "http",
        "url": url,
        "method": method,
        "timeout": _DEADLINE_S,
        "headers": head,
        "arguments": body,
    }
    return {"type": "action", "name": f"{method} {url}", "provider": provider}


def process(*command: str, name: str = "process") -> dict[str, Any]:
    """An action that is a command."""
    provider = {"type": "process", "path": command[0], "arguments": list(command[1:]), "timeout": _EXPERIMENT_S}
    return {"type": "action", "name": name, "provider": provider}


def health_probes(frontend: str, backend: str, api: str) -> list[dict[str, Any]]:
    """Status of every part, and the word of each part that has one."""
    says_healthy = {"type": "jsonpath", "path": "$.status", "expect": ["healthy"], "target": "body"}
    parts = (backend + HEALTH, api + DATABASE, api + PAM, api + EVERYTHING)
    return [
        get(frontend + HEALTH, 200, "front end"),
        *(get(part, 200, f"status of {part}") for part in parts),
        *(get(part, says_healthy, f"body of {part}") for part in parts),
    ]


def health_of_hostile(lane: Lane) -> Experiment:
    """Of the product whose answers are written out."""
    product = lane.hostile
    return experiment(health_probes(product.frontend, product.backend, product.api))


def health_of_sandbox(lane: Lane) -> Experiment:
    """Of the sandbox."""
    urls = lane.state["urls"]
    return experiment(health_probes(urls["frontend"], urls["backend"], urls["api"]))


def plan_health_of_hostile(lane: Lane) -> Sequence[str]:
    """The plan's health script."""
    product = lane.hostile
    return plan_script("health", product.frontend, product.backend, product.api)


def plan_health_of_sandbox(lane: Lane) -> Sequence[str]:
    """The same for the sandbox."""
    urls = lane.state["urls"]
    return plan_script("health", urls["frontend"], urls["backend"], urls["api"])


def plan_script(name: str, *arguments: str) -> Sequence[str]:
    """Another of the plan's scripts."""
    return "bash", str(_SCRIPTS / f"{name}.sh"), *arguments


def run_chaos(lane: Lane, asked: Experiment, sent: str = "") -> int:
    """Run an experiment to its end; gives its exit code. ``sent``: the signal that it gets once its method has begun."""
    with tempfile.TemporaryDirectory(dir=lane.folder) as folder:
        file = Path(folder) / "experiment.json"
        file.write_text(json.dumps(asked), encoding="utf-8")
        after = "--hypothesis-strategy=after-method-only"
        command = [str(lane.chaos), "run", "--rollback-strategy=always", after, str(file)]
        if not sent:
            return lane.call(command, Path(folder))
        log = Path(folder) / "output.txt"
        with (
            log.open("w", encoding="utf-8") as out,
            subprocess.Popen(
                command, cwd=folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            ) as running,
        ):
            end_s = time.monotonic() + _EXPERIMENT_S
            while _METHOD_BEGAN not in log.read_text(encoding="utf-8", errors="replace"):
                if time.monotonic() > end_s or running.poll() is not None:
                    break
                time.sleep(0.05)
            os.kill(running.pid, getattr(signal, sent))
            code = running.wait(_EXPERIMENT_S)
        lane.said = log.read_text(encoding="utf-8", errors="replace")
        return code
