"""What a session has of the state: it is read before anybody looks for earlier runs, and written when everything else is done.

A rollback waits for it only where it was told to go on with what is not here (``--undo RUN``, ``--resume RUN``, ``--baseline newest``).
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.outside_text import for_terminal, one_line
from pam_rollback.core.run_files import JOURNAL, KEPT_ELSEWHERE, RAMP_JOURNAL, WATCH_RECORD
from pam_rollback.ops.state.service import Store, place_of
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.baseline_files import NEWEST
from pam_rollback.plugin.markers import asks_for
from pam_rollback.plugin.options import Options
from pam_rollback.target.environment import Environment

_WITHIN_S = 30.0
"""Where nobody waits with a red light on."""
_KEPT_WITHIN_S = 60.0
"""The same, when everything is said."""
_ROLLBACK_WITHIN_S = 8.0
_LOOK_EVERY_S = 2.0
_RAMP = "ramp"
_VARIABLE, _TOKEN = "PAM_STATE", "PAM_STATE_TOKEN"


_RESTS_ON_RECORDS = ("redeploy_gate", "readiness")
"""Phases in which nothing on record is good news: no incident since, no rollback without its post-mortem."""


@dataclass
class Unread:
    """Why what other machines recorded is not here; empty when it is."""

    problems: list[str]

    def pytest_pam_notes(self) -> list[str]:
        """Nobody takes what could not be asked for as "there was nothing"."""
        return [f"state: {problem}" for problem in self.problems]

    def pytest_pam_incomplete(self, config: pytest.Config) -> list[str]:
        """The same, where a verdict rests on it."""
        asked = any(asks_for(config.option.markexpr, phase) for phase in _RESTS_ON_RECORDS)
        return [*self.problems] if asked else []

    def pytest_pam_situation_begins(self, request: pytest.FixtureRequest) -> None:
        """Raise MeasurementFailed for a ramp: elsewhere its journal may say that it was rolled back."""
        if self.problems and asks_for(request.config.option.markexpr, _RAMP):
            raise MeasurementFailed(
                f"what other machines know of this ramp is not known here: {'; '.join(self.problems)}"
            )


@dataclass(kw_only=True)
class KeptElsewhere(Unread):
    """The state in this session; listens to the rest of it."""

    problems: list[str] = field(default_factory=list)
    store: Store
    environment: Environment
    options: Options
    token: str = field(repr=False)
    _over: threading.Event = field(default_factory=threading.Event)
    _beside: list[threading.Thread] = field(default_factory=list)

    def bring(self, within_s: float) -> str:
        """Have here what others recorded; gives what came of it, if there is anything to say."""
        try:
            new = self.store.bring(within_s)
        except (ActionFailed, OSError) as error:
            self.problems.append(
                f"the state was not read, so this run goes on with what is recorded here: {one_line(str(error))}"
            )
            return self.problems[-1]
        many = "" if new == 1 else "s"
        return f"{new} run{many} of other machines brought here from {self.store.command.where}" if new else ""

    def bring_beside(self) -> None:
        """The same, and nobody waits for it."""
        self._start(lambda: self.bring(_ROLLBACK_WITHIN_S), "the state is read")

    def add(self, runs: Mapping[str, Path]) -> str:
        """Keep these; gives why not."""
        environment = "" if self.environment.kind == "sandbox" else self.environment.name
        within_s = _ROLLBACK_WITHIN_S if self.options.real else _KEPT_WITHIN_S
        try:
            self.store.add(runs, within_s, environment=environment)
        except (ActionFailed, OSError) as error:
            later = all(folder.parent == self.store.out for folder in runs.values())
            how = "; the next session on this machine with the same --state adds it" if later else ""
            return f"this run is not kept in the state{how}: {one_line(str(error))}"
        return ""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """The run's folder is there: it is one to keep, also when killed. Journals of rollback and watch are kept as they grow."""
        runbook = runbook_module.of(session.config)
        if runbook is None or self.options.dry_run:
            return
        runbook.secrets.learn([self.token])
        with suppress(OSError):
            (runbook.folder / KEPT_ELSEWHERE).write_text("", encoding="utf-8")
        if self.options.real or asks_for(session.config.option.markexpr, "watch"):
            self._start(lambda: self._follow(runbook.id, runbook.folder), "the journal is kept as it grows")

    def end(self, config: pytest.Config) -> None:
        """Everything is written and said: now keep it."""
        self._over.set()
        for thread in self._beside:
            thread.join(_ROLLBACK_WITHIN_S)
        runbook = runbook_module.of(config)
        if runbook is None:
            return
        runs = {runbook.id: runbook.folder} if (runbook.folder / KEPT_ELSEWHERE).is_file() else {}
        if self.options.undo:
            folder = next((one for one in _places(config, self.options.undo) if one.is_dir()), None)
            runs = {} if folder is None else {folder.absolute().name: folder}
        if problem := self.add(runs):
            _say(problem)

    def _start(self, work: Callable[[], object], name: str) -> None:
        thread = threading.Thread(target=work, daemon=True, name=name)
        self._beside.append(thread)
        thread.start()

    def _follow(self, run: str, folder: Path) -> None:
        lasting = self.store.lasting / self.environment.name
        journals = (folder / JOURNAL, lasting / RAMP_JOURNAL, lasting / WATCH_RECORD)
        known = [0, 0, 0]
        while not self._over.wait(_LOOK_EVERY_S):
            sizes = [journal.stat().st_size if journal.is_file() else 0 for journal in journals]
            if sizes != known and not self.add({run: folder}):
                known = sizes


@pytest.hookimpl(trylast=True)
def pytest_pam_begins(config: pytest.Config, options: Options, environment: Environment) -> None:
    """Read it, beside everything else where a rollback must not wait; it is written at the end of the session."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    try:
        kept = _kept(config, options, environment)
    except (ActionFailed, OSError) as error:
        problem = f"the state is neither read nor written: {one_line(str(error))}"
        config.pluginmanager.register(Unread([problem]), "pam-state")
        _say(problem)
        return
    if kept is None:
        return
    config.pluginmanager.register(kept, "pam-state")
    named = [run for run in (options.undo, options.resume) if run]
    lacked = any(not place.exists() for run in named for place in _places(config, run)[-1:])
    # A ramp goes by a journal that another machine may have written on; nobody waits for it with a red light on.
    waits = lacked or options.baseline == NEWEST or asks_for(config.option.markexpr, _RAMP)
    if options.real and not waits:
        kept.bring_beside()
    else:
        _say(kept.bring(_ROLLBACK_WITHIN_S if options.real or named else _WITHIN_S))
    if not options.dry_run:
        config.add_cleanup(lambda: kept.end(config))


def _places(config: pytest.Config, run: str) -> tuple[Path, Path]:
    """Where a run that is named by id or folder may be."""
    return Path(run), config.rootpath / "reports" / "out" / run


def _place(config: pytest.Config) -> str:
    return config.option.pam_state or os.environ.get(_VARIABLE, "")


def _kept(config: pytest.Config, options: Options, environment: Environment) -> KeptElsewhere | None:
    """Where the state is; None where no place is named. Raises ActionFailed or OSError where nobody can be asked."""
    place = _place(config)
    if not place:
        return None
    own = environment.git.remote if environment.git is not None else ""
    stated = os.environ.get(_TOKEN, "")

    def token(remote: str) -> str:
        if stated or remote != own or not environment.has_secret("git_token"):
            return stated
        return environment.secret("git_token")

    command = place_of(place, config.rootpath, token)
    ramps = options.state_dir or config.rootpath / "reports" / "state"
    store = Store(
        command,
        config.rootpath / "reports" / "out",
        ramps,
        lambda name, body: _redacted(config, name, body),
    )
    return KeptElsewhere(store=store, environment=environment, options=options, token=command.token)


def _redacted(config: pytest.Config, name: str, body: bytes) -> bytes:
    runbook = runbook_module.of(config)
    return body if runbook is None else runbook.secrets.redactor.content(name, body)


def _say(what: str) -> None:
    """One line, if there is anything to say."""
    if not what:
        return
    with suppress(OSError):
        sys.stdout.write(f"{for_terminal(f'state: {what}')}\n")
        sys.stdout.flush()
