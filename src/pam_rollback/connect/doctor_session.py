"""``pytest -m doctor`` in a process of its own: what it found, as it keeps it in its run's folder."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.connect.doctor import FILE

_WITHIN_S = 120


def ask_doctor(root: Path, environment: str, variables: Mapping[str, str]) -> Mapping[str, Any]:
    """Raises MeasurementFailed with its last words when it found nothing out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        command = [sys.executable, "-m", "pytest", "-m", "doctor", "--env", environment, "--run-dir", str(folder)]
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                [*command, "-p", "no:cacheprovider"],
                cwd=root,
                env={**os.environ, **variables},
                capture_output=True,
                text=True,
                check=False,
                timeout=_WITHIN_S,
            )
        except subprocess.TimeoutExpired:
            raise MeasurementFailed(f"{' '.join(command[2:7])} was not over within {_WITHIN_S} s") from None
        try:
            found: Mapping[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise MeasurementFailed(f"{' '.join(command[2:7])}: {' '.join(said)}") from None
        return found
