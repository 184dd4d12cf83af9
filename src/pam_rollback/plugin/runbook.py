"""A session that runs the runbook (``checks/``, ``drills/``, ``load/``): its identity, its folder, its plan and its environment."""

import errno
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import for_terminal, redact_with
from pam_rollback.core.run_files import JOURNAL
from pam_rollback.core.wait import StopFile
from pam_rollback.http.files import make_private
from pam_rollback.http.pace import Pace
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin import pytest_options, second_places
from pam_rollback.plugin.options import Options
from pam_rollback.report.redaction import Redactor
from pam_rollback.rollback.journal import RESUMED, Journal, Scope
from pam_rollback.target.environment import Environment

if TYPE_CHECKING:
    from pam_rollback.report.baseline_record import Baseline

_CLOCKS_AGREE_S = 5.0
"""By more than this the two clocks of one machine do not drift apart between a kill and its resumption: it is another boot, or machine."""


@dataclass(frozen=True)
class Resumption:
    """A run that goes on. Moments are monotonic seconds of this session; those before it may lie below zero."""

    decided_s: float
    planted_s: float | None
    """When its drill planted the incident; None in a real rollback."""
    interrupted_s: float
    """The last that is known of the earlier session."""
    resumed_s: float
    reason: str

    @property
    def gap_s(self) -> float:
        """For how long nobody watched."""
        return max(0.0, self.resumed_s - self.interrupted_s)


def moment_s(entry: Mapping[str, Any], recorded_s: float, *, now_s: float, now: datetime) -> float:
    """Give a monotonic moment of an earlier session by this session's clock. ``entry`` is the journal's line that has it."""
    since_by_date_s = (now - datetime.fromisoformat(entry["at"])).total_seconds()
    since_by_monotonic_s = now_s - float(entry["at_s"])
    if abs(since_by_date_s - since_by_monotonic_s) <= _CLOCKS_AGREE_S:
        return recorded_s
    return now_s - since_by_date_s + (recorded_s - float(entry["at_s"]))


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
_ROOM_BYTES = 64 * 1024
"""A journal of a rollback with its record needs no more; whatever is larger has its own way to fail."""
FOLDERS = ("checks", "drills", "load")
OWN_TESTS = ("tests", "benchmarks")


@dataclass
class Secrets:
    """The secrets of this session and their redaction. They become known one after the other: the sandbox makes its own."""

    known: set[str] = field(default_factory=set)
    redactor: Redactor = field(default_factory=lambda: Redactor([]))

    def learn(self, values: Iterable[str]) -> None:
        """From now on these are not written anywhere."""
        new = {value for value in values if value} - self.known
        if new:
            self.known |= new
            self.redactor = Redactor(self.known)
            redact_with(self.redactor.text)

    def redact(self, text: str) -> str:
        """The text without any secret that is known by now."""
        return self.redactor.text(text)

    def show(self, text: str) -> str:
        """The same, for a terminal or a CI log: nothing in it is obeyed."""
        return for_terminal(self.redact(text))


@dataclass
class Runbook:
    """What all parts of the plugin know of this session. ``environment`` is complete only once the sandbox runs."""

    id: str
    folder: Path
    started: datetime
    started_s: float
    options: Options
    plan: Plan
    environment: Environment
    pace: float
    command: str
    worker: str
    own_sandbox: bool
    stored: "Baseline | None" = None
    """What ``--baseline FILE`` says."""
    secrets: Secrets = field(default_factory=Secrets)
    releases_seen: list[str] = field(default_factory=list)
    commits_seen: list[tuple[str, str]] = field(default_factory=list)
    """Part and commit."""
    resumed: Resumption | None = None
    """What ``--resume RUN`` goes on with; None when this run begins with this session."""
    losses: list[str] = field(default_factory=list)
    """What this session could not write in its place, one sentence each."""
    kept_to: Pace | None = None
    """How fast the product is asked; None where nothing is known of limits."""
    host: str = ""
    """Host and port of the API; empty while a sandbox of this session's own has not started."""

    def __post_init__(self) -> None:
        """Name the host that is known from the start."""
        self.host = urlsplit(self.environment.urls.api).netloc

    @property
    def on_sandbox(self) -> bool:
        """This session works on a sandbox: one that it starts itself, or one whose private file it was given."""
        return self.own_sandbox or self.environment.is_sandbox

    @property
    def undamaged(self) -> bool:
        """A drill would plant nothing here: it rolls back what works, and puts it back."""
        return not self.options.real and not self.on_sandbox

    def saw_release(self, release: str) -> None:
        """Remember that this release answered."""
        if release and release not in self.releases_seen:
            self.releases_seen.append(release)

    def saw_commit(self, part: str, commit: str) -> None:
        """Remember that this part named this commit."""
        if commit and (part, commit) not in self.commits_seen:
            self.commits_seen.append((part, commit))

    def use(self, environment: Environment) -> None:
        """Go on with the environment that was just started; its secrets are not written anywhere."""
        self.secrets.learn(environment.secrets())
        self.environment = environment
        self.host = urlsplit(environment.urls.api).netloc

    @property
    def stop(self) -> StopFile:
        """The file that asks every wait of this run to end."""
        return StopFile(self.folder / "stop")

    @property
    def journal(self) -> Journal:
        """What the actions of this run did, in all of its situations."""
        return journal_in(self.folder)

    def journal_of(self, situation: str) -> Journal:
        """The journal of a situation in this session's environment."""
        return self.journal.of(Scope(situation, self.environment.name, self.environment.urls.api))

    def lost(self, what: str) -> None:
        """Remember what could not be written; a condition of the verdict."""
        if what not in self.losses:
            self.losses.append(what)

    @property
    def records_before(self) -> bool:
        """Whether this session sees how it is before its incident. A real rollback and a resumed run come after it."""
        return not self.options.real and self.resumed is None

    def move_to(self, config: pytest.Config, folder: Path) -> None:
        """Go on in the folder of an earlier session."""
        old, self.folder = self.folder, folder
        option = config.option
        if option.allure_report_dir == str(old / "allure-results"):
            option.allure_report_dir = str(self.results)
        if option.xmlpath == str(old / "junit.xml"):
            option.xmlpath = str(folder / "junit.xml")

    def make_folder(self, config: pytest.Config) -> None:
        """Make the run's folder. Raises pytest.UsageError when it cannot be made or holds something already.

        Consent was given to a real session: when the disk is full it goes on in a second place.
        """
        named = config.option.allure_report_dir
        if named and Path(named) != self.results:
            try:
                Path(named).mkdir(parents=True, exist_ok=True)
            except OSError as error:  # Allure's listener would end in an internal error
                why = error.strerror or str(error)
                raise pytest.UsageError(
                    f"--alluredir {named}: the folder cannot be made: {why}; choose another"
                ) from None
        try:
            self._make_folder(config)
        except OSError as error:
            problem = error.strerror or str(error)
            full = error.errno in _NO_ROOM
            if not (self.options.real and full and self._go_elsewhere(config, problem)):
                raise pytest.UsageError(
                    f"the run's folder {self.folder} cannot be made: {problem}; choose another with --run-dir"
                ) from None

    def _make_folder(self, config: pytest.Config) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.resumed is None and any(self.folder.iterdir()):
            raise pytest.UsageError(
                f"--run-dir {self.folder}: expected a new or empty folder, found files; evidence of two runs is never mixed"
            )
        left = next((place for place in second_places.folders(self.folder) if place.is_dir()), None)
        if self.resumed is None and left is not None:
            raise pytest.UsageError(
                f"--run-dir {self.folder}: an earlier run of this folder left its notes in {left}, which took them when this folder "
                f"was full; put back what it changed with --undo {self.folder}, move its notes away, or choose another folder"
            )
        let_go = second_places.hold(self.folder)
        if let_go is None:
            raise pytest.UsageError(f"{self.folder}: another session is at work in this folder; choose another")
        config.add_cleanup(let_go)
        self.results.mkdir(exist_ok=True)
        if self.options.real and self.resumed is None:
            # A full disk lets an empty folder be made.
            trial = self.folder / ".room"
            try:
                trial.write_bytes(bytes(_ROOM_BYTES))
            finally:
                trial.unlink(missing_ok=True)

    def _go_elsewhere(self, config: pytest.Config, problem: str) -> bool:
        first = self.folder
        if self.resumed is not None:
            return True  # its journal and its record know a second place of their own
        for folder in second_places.folders(first):
            try:
                make_private(folder)
                self.move_to(config, folder)
                self._make_folder(config)
            except OSError:
                continue
            self.lost(f"there is no room in {first} ({problem}), so this run's folder is {folder}")
            return True
        self.move_to(config, first)
        return False

    def evidence(self, situation: str) -> Path:
        """Make the folder where this session records: a resumed one beside what the first one recorded, never over it.

        Raises MeasurementFailed when it cannot be made, as on a full disk.
        """
        folder = self.folder / situation
        if self.resumed is not None:
            times = sum(1 for entry in self.journal.entries() if entry["event"] == RESUMED)
            folder = folder.with_name(f"{situation}-resumed-{times}")
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise MeasurementFailed(f"{folder}: nothing can be recorded there: {error.strerror}") from error
        return folder

    @property
    def results(self) -> Path:
        """Where Allure's results go."""
        return self.folder / "allure-results"


def journal_in(folder: Path) -> Journal:
    """The journal of the run of that folder, with what its own disk did not take."""
    path = folder / JOURNAL
    return Journal(path, others=second_places.files(path))


KEY = pytest.StashKey[Runbook]()


def of(config: pytest.Config) -> Runbook | None:
    """This session's runbook; None when pytest runs the suite's own tests."""
    return config.stash.get(KEY, None)


def folder_of(config: pytest.Config, path: Path) -> str:
    """The top folder of the project in which the path lies; empty when outside."""
    try:
        return path.relative_to(config.rootpath).parts[0]
    except (ValueError, IndexError):
        return ""


def named_paths(config: pytest.Config) -> list[Path]:
    """The files and folders that the command line names, or the settings."""
    return [Path(os.path.normpath(config.invocation_params.dir / arg.split("::")[0])) for arg in config.args]


def named_folders(config: pytest.Config) -> set[str]:
    """The top folders of these."""
    return {folder_of(config, path) for path in named_paths(config)}


def is_about_it(config: pytest.Config) -> bool:
    """Whether the command line is about the runbook, whatever else it asks for: the project is found, and no tests of its own are named."""
    return pytest_options.is_found(config) and not named_folders(config) & set(OWN_TESTS)


def shown(path: Path) -> str:
    """The path as a person would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
