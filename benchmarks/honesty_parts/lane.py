"""Where sabotages happen, one after the other: a sandbox, and a product whose every answer is written out. Two lanes run side by side."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from honesty_parts.hostile import Hostile, hostile

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.flags import Flag
from pam_rollback.target.pam_api import FlagApi
from pam_sandbox.launch import launch
from pam_sandbox.remote import Remote

ROOT = Path(__file__).resolve().parents[2]
_LONGEST_S = 900
"""A deploy has ten minutes to go live, so a rollback whose deploy never does takes longer than that."""
_TIMED_OUT = 124
NOT_STARTED = frozenset({126, 127})
ON = Flag(enabled=True, rollout_pct=100)
_ON_WITHIN_S = 60


@dataclass
class Lane:
    """One place, with what the three tools need to know of it."""

    folder: Path
    sandbox_file: Path
    state: Mapping[str, Any]
    remote: Remote
    today_file: Path
    """A sandbox of today's product."""
    today: Remote
    hostile: Hostile
    chaos: Path
    """The command of Chaos Toolkit."""
    runs: int = 0
    said: str = field(default="", repr=False)
    """What the latest command printed."""

    @property
    def hostile_file(self) -> Path:
        """The environment that names the hostile product."""
        file = self.folder / "hostile.toml"
        file.write_text(
            'name = "hostile"\nkind = "staging"\nabilities = []\n'
            f'[urls]\nfrontend = "{self.hostile.frontend}"\napi = "{self.hostile.api}"\nbackend = "{self.hostile.backend}"\n'
            f'[probing]\ncontrol_url = "{self.hostile.control}"\n',
            encoding="utf-8",
        )
        return file

    def file_of(self, environment: str) -> Path:
        """The environment file of this name."""
        known = {"sandbox": self.sandbox_file, "today": self.today_file}
        return known.get(environment) or self.hostile_file

    def pytest_command(self, arguments: Sequence[str], environment: str = "sandbox") -> tuple[list[str], Path]:
        """The command of a session, and the folder of its run. A watch would stand by, or go on with an incident, of another one."""
        self.runs += 1
        run = self.folder / f"run-{self.runs}"
        return [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments),
            *(f"--env={self.file_of(environment)}", f"--run-dir={run}", f"--state-dir={run / 'state'}"),
        ], run

    def suite(self, arguments: Sequence[str], environment: str = "sandbox", **variables: str) -> int:
        """Run a session to its end; gives its exit code."""
        command, run = self.pytest_command(arguments, environment)
        code = self.call(command, variables=variables)
        shutil.rmtree(run, ignore_errors=True)
        return code

    def call(
        self, command: Sequence[str], folder: Path = ROOT, variables: Mapping[str, str] = MappingProxyType({})
    ) -> int:
        """Run a command to its end; gives its exit code."""
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**clean_environment(), **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=_LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            self.said = str(late)
            return _TIMED_OUT
        self.said = done.stdout
        if done.returncode in NOT_STARTED:
            sys.exit(f"{command[0]} could not be run:\n{done.stdout}")
        return done.returncode

    def as_it_was(self) -> None:
        """Nothing is broken any more."""
        self.hostile.heal()
        for remote in (self.remote, self.today):
            remote.clear_all()
            remote.reset()
            remote.forgive()
        # The plan's own commands leave them off. A database that was down is found again after a moment.
        Waiter().until(self._switched_on, holds=bool, within_s=_ON_WITHIN_S, what="all features on")

    @property
    def flags(self) -> FlagApi:
        """The sandbox's admin API."""
        token = self.state["sandbox"]["variables"]["PAM_ADMIN_TOKEN"]
        return FlagApi(self.state["urls"]["api"] + "/admin/feature-flags", token)

    def _switched_on(self) -> bool:
        try:
            self.flags.set_flags(dict.fromkeys(self.flags.read_flags(), ON))
        except ActionFailed:
            return False
        return True


def clean_environment() -> dict[str, str]:
    """The variables of this process without those that would change a session."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PAM_", "PYTEST_", "GITHUB_"))}


@contextmanager
def lane(folder: Path, chaos: Path) -> Iterator[Lane]:
    """A place that lives as long as the block."""
    folder.mkdir()
    with (
        launch(folder / "sandbox.toml") as file,
        launch(folder / "today.toml", product="pam-today") as today,
        hostile() as product,
    ):
        state, todays = (tomllib.loads(one.read_text(encoding="utf-8")) for one in (file, today))
        remote, other = (Remote(one["sandbox"]["control_url"], one["sandbox"]["token"]) for one in (state, todays))
        yield Lane(folder, file, state, remote, today, other, product, chaos)
