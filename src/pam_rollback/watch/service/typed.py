"""The consent that a person typed when they started a watch: what it lets begin, and in which words."""

import os
import secrets
import shlex
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.standing_consent import StandingConsent
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.watch.client.signature import TABLE, signed
from pam_rollback.watch.service.tools import Consent, Prepared


@dataclass(frozen=True, kw_only=True)
class Typed:
    """One command line."""

    env: str
    """As it was given to ``--env``."""
    name: str
    file: Path
    """The environment's."""
    signers: Path
    again: str
    reason: str
    initiated_by: str
    more: Sequence[str]
    """Options that the rollback has, too."""
    root: Path
    """The project."""
    cwd: Path
    variables: Mapping[str, str]

    def consent(self, locked: Callable[[], str]) -> Consent:
        """With whoever knows whose the lock is."""
        return Consent(
            again=self.again,
            entry=self.entry,
            signed=lambda: signed(self.file, self.signers),
            locked=locked,
            prepare=self.prepared,
        )

    def entry(self) -> StandingConsent | None:
        """What the file itself says now; not what it extends, which is another file. Raises MeasurementFailed and OSError."""
        try:
            table = tomllib.loads(self.file.read_text(encoding="utf-8")).get(TABLE)
            return None if table is None else StandingConsent.model_validate(table)
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise MeasurementFailed(f"{self.file}: {error}") from None

    def prepared(self, incident: WatchedIncident, who: str) -> Prepared:
        """The recommended command as that person would have typed it. Raises MeasurementFailed where there is none."""
        words = shlex.split(incident.command)
        story = next((word for word in words if word.startswith("drills/")), "")
        if not story:
            raise MeasurementFailed(f"the recommended command names no file of drills/: {incident.command}")
        run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{self.name}-{secrets.token_hex(2)}"
        folder = self.root / "reports" / "out" / run
        found = ", ".join(seen.criterion for seen in incident.found)
        consent = ["--mode", "real", "--execute", "--confirm", self.name, "--initiated-by", self.initiated_by]
        consent += ["--reason", f"{self.reason} ({found}; standing consent, signed by {who})"]
        path = os.path.relpath(self.root / story, self.cwd)
        command = [sys.executable, "-m", "pytest", path, f"--env={self.env}", *consent, *self.more]
        variables = {name: value for name, value in self.variables.items() if not name.startswith("PYTEST_")}
        return Prepared(run, str(folder), story, [*command, f"--run-dir={folder}"], self.cwd, variables)
