"""A session that runs the runbook (``checks/``, ``drills/``, ``load/``): its identity, its folder, its plan and its environment."""

import errno
import os
import secrets
import shlex
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from pam_rollback.base.configuration import ConfigurationError, suggestion
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.free_text import cleaned
from pam_rollback.base.outside_text import for_terminal, redact_with
from pam_rollback.base.run_files import JOURNAL, is_run_id
from pam_rollback.base.wait import StopFile
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.journal.journal import Journal, Scope
from pam_rollback.outside.durable import make_private
from pam_rollback.outside.pace import Pace
from pam_rollback.plan import stories
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.report.redaction import Redactor
from pam_rollback.session import living_runs, named_baseline, project_root, pytest_options, second_places
from pam_rollback.session.markers import asks_for
from pam_rollback.session.options import Options, read
from pam_rollback.session.resumption import Resumption
from pam_rollback.session.sql_names import refuse_unknown_names

if TYPE_CHECKING:
    from pam_rollback.report.baseline_record import Baseline

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
        path = self.folder / JOURNAL
        return Journal(path, others=second_places.files(path))

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
        let_go = living_runs.hold(self.folder)
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

    @property
    def results(self) -> Path:
        """Where Allure's results go."""
        return self.folder / "allure-results"


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


def named_folders(config: pytest.Config) -> set[str]:
    """The top folders that the command line names."""
    where = (Path(os.path.normpath(config.invocation_params.dir / arg.split("::")[0])) for arg in config.args)
    return {folder_of(config, path) for path in where}


def is_about_it(config: pytest.Config) -> bool:
    """Whether the command line is about the runbook, whatever else it asks for: the project is found, and no tests of its own are named."""
    return project_root.is_found(config) and not named_folders(config) & set(OWN_TESTS)


def prepare(config: pytest.Config) -> Runbook | None:
    """Load plan and environment. None when this session is not about the runbook.

    Configuration problems are usage errors (4): nothing has been sent yet.
    """
    if pytest_options.explains(config.option):
        return None
    folders = named_folders(config)
    if not project_root.is_found(config):
        return None
    if folders & set(OWN_TESTS):
        if folders & set(FOLDERS):
            raise pytest.UsageError(
                "the suite's own tests are sessions of their own: name tests/, or checks/ and drills/, not both"
            )
        return None
    options = read(config)
    try:
        plan = load_plan(config.rootpath / "plan.toml")
        environment = load_environment(options.env, config.rootpath / "environments", os.environ)
        _refuse_unfit_contract(environment, plan)
        refuse_unknown_names(environment, config.rootpath)
        stories.add(one for found in config.hook.pytest_pam_stories() for one in found)
        plan = plan.with_overrides(environment.thresholds, source=f"environment {environment.name}")
    except ConfigurationError as error:
        raise _unusable(config, error) from None
    config.hook.pytest_pam_earlier_runs(config=config, options=options, environment=environment)
    out = config.rootpath / "reports" / "out"
    options = replace(options, baseline=named_baseline.found(options.baseline, out, environment.name, options.env))
    stored = stored_baseline_of(options.baseline, plan)
    unknown = [text for text in (*options.ack, *options.observed) if text.partition("=")[0] not in plan.ids()]
    if unknown:
        name = unknown[0].partition("=")[0]
        raise pytest.UsageError(
            f"--ack or --observed {unknown[0]}: no plan item {name!r}, {suggestion(name, plan.ids())}"
        )
    for name in options.item:
        if name not in plan.ids():
            raise pytest.UsageError(f"--item {name}: no plan item {name!r}, {suggestion(name, plan.ids())}")
    criteria = (*plan.immediate_criteria, *plan.consider_criteria)
    others = [name for text in options.observed if (name := text.partition("=")[0]) not in criteria]
    if others:
        raise pytest.UsageError(
            f"--observed {others[0]}=…: expected a decision criterion ({criteria[0]} to {criteria[-1]}), found another item of the plan; "
            f'what is good is vouched for with --ack {others[0]}="who: evidence"'
        )
    _refuse_ramp_options(config, options, plan, environment)
    config.hook.pytest_pam_command_line(config=config, environment=environment)
    runbook = _start(config, options, plan, environment)
    runbook.stored = stored
    runbook.secrets.learn(environment.secrets())
    config.stash[KEY] = runbook
    _set_outputs(config, runbook)
    return runbook


def _unusable(config: pytest.Config, error: ConfigurationError) -> Exception:
    """A usage error; to whoever asks whether the configuration is complete it is the answer."""
    if asks_for(config.option.markexpr, "doctor"):
        return MeasurementFailed(f"the configuration is not complete: {error}")
    return pytest.UsageError(str(error))


def _refuse_unfit_contract(environment: Environment, plan: Plan) -> None:
    """Each health check of the plan has a component in the product's contract, and each component a check. Raises ConfigurationError."""
    unfit = list(environment.contract.problems(plan.health_checks))
    if unfit:
        raise ConfigurationError(f"product {environment.product} of environment {environment.name}", unfit)


def _refuse_ramp_options(config: pytest.Config, options: Options, plan: Plan, environment: Environment) -> None:
    """What is said about a ramp is said to a ramp, and about a stage that there is."""
    given = {"--approve": options.approve, "--adopt": options.adopt, "--gate-run": options.gate_run}
    lost = [name for name, value in given.items() if value]
    if lost and not asks_for(config.option.markexpr, "ramp"):
        raise pytest.UsageError(f"{', '.join(lost)}: there is no ramp in this session; expected -m ramp")
    unknown = [name for name in environment.ramp.approvals if name not in plan.ramp]
    if unknown:
        raise pytest.UsageError(
            f"{environment.file}: [ramp] approvals: no stage {unknown[0]!r}, {suggestion(unknown[0], plan.ramp)}"
        )


def _program() -> str:
    """The command that people type: ``python -m pytest`` is pytest."""
    started = Path(sys.argv[0])
    return "pytest" if started.parts[-2:] == ("pytest", "__main__.py") else started.name


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Where, how and with which plan."""
    runbook = of(config)
    if runbook is None:
        return []
    if config.option.collectonly:
        return [f"environment: {runbook.environment.name} ({runbook.environment.kind}), only listed"]
    return [
        f"environment: {runbook.environment.name} ({runbook.environment.kind}) · mode: {runbook.options.mode} · pace: {runbook.pace:g}",
        f"plan: {runbook.plan.about}",
        f"run: {runbook.id} · folder: {shown(runbook.folder)}",
    ]


def shown(path: Path) -> str:
    """The path as a person would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Workers of pytest-xdist write into the same folder."""
    runbook = of(node.config)
    if runbook is not None:
        node.workerinput["pam_run_id"] = runbook.id
        node.workerinput["pam_run_folder"] = str(runbook.folder)


def stored_baseline_of(file: Path | None, plan: Plan) -> "Baseline | None":
    """What the file says; None without one. Raises pytest.UsageError when it is no baseline, or has too few answers."""
    if file is None:
        return None
    from pam_rollback.report.baseline_record import load_baseline  # noqa: PLC0415 - for sessions that have one

    try:
        stored = load_baseline(file)
        stored.refuse_too_few(plan.baseline.answers_min)
    except MeasurementFailed as error:
        raise pytest.UsageError(f"--baseline {error}") from None
    return stored


def _start(config: pytest.Config, options: Options, plan: Plan, environment: Environment) -> Runbook:
    workerinput: dict[str, Any] = getattr(config, "workerinput", {})
    now = datetime.now(UTC)
    given = options.run_dir.name if options.run_dir else ""
    new = (
        given
        if is_run_id(given, environment.name)
        else f"{now:%Y%m%dT%H%M%SZ}-{environment.name}-{secrets.token_hex(2)}"
    )
    run_id = workerinput.get("pam_run_id") or new
    folder = Path(
        workerinput.get("pam_run_folder") or options.run_dir or config.rootpath / "reports" / "out" / run_id
    ).absolute()
    return Runbook(
        id=run_id,
        folder=folder,
        started=now,
        started_s=time.monotonic(),
        options=options,
        plan=plan,
        environment=environment,
        pace=options.pace or environment.pace,
        command=cleaned(shlex.join([_program(), *config.invocation_params.args])),
        worker=workerinput.get("workerid", ""),
        own_sandbox=environment.kind == "sandbox" and not environment.is_sandbox,
    )


def _set_outputs(config: pytest.Config, runbook: Runbook) -> None:
    """Every session leaves Allure results and a JUnit file in its folder, unless it was told to put them elsewhere."""
    if config.option.collectonly:
        return
    if not config.option.allure_report_dir:
        config.option.allure_report_dir = str(runbook.results)
    if not runbook.worker and not config.option.xmlpath:
        config.option.xmlpath = str(runbook.folder / "junit.xml")
