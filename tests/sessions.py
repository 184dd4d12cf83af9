"""Whole sessions of the runbook in a project of their own, against a real sandbox."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.database import ACCOUNT_FILE, CATALOGUE_FILE, ROWS_FILE
from pam_rollback.database.account_contents import recorded
from pam_rollback.database.catalogue_reader import read_catalogue
from pam_rollback.database.row_counting import account_id, count_rows
from pam_rollback.http.postgres import Patience, open_snapshot
from pam_rollback.plan.flags import Flag
from pam_rollback.plugin.topics.access import read_contents
from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Origin, Part
from pam_rollback.target.accounts import signed_in
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.files import load_contract
from pam_rollback.target.pam_api import FlagApi
from pam_sandbox.launch import launch
from pam_sandbox.remote import Remote
from tests.baselines import baseline_of
from tests.forked import CollectedSession, can_be_forked, run_pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("pyproject.toml", "plan.toml", "conftest.py", "environments", "products", "checks", "drills", "load")
FLAGS = ("PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", "PAM_PERFORMANCE_OPTIMIZATIONS")
ONLY_HEALTH = ("test_health.py",)
WINDOWS = "test_success_criteria.py"
"""Enough for what is about stories and sessions, and not about the checks: no browser, no database."""
ON = Flag(enabled=True, rollout_pct=100)
BOTH_BROWSERS = 'browsers = ["chromium", "firefox"]'
"""As the sandbox declares. Sessions of these tests walk their journeys in one, but for those about browsers."""
SCREEN = "one screen"
"""Among the arguments of a session of these tests: it shows what people see who ask for nothing else."""
_WITHIN_S = 240


@dataclass(frozen=True)
class RunningSandbox:
    """A running sandbox as a test needs it."""

    file: Path
    state: Mapping[str, Any]
    remote: Remote

    @property
    def variables(self) -> Mapping[str, str]:
        """Its invented secrets."""
        variables: Mapping[str, str] = self.state["sandbox"]["variables"]
        return variables

    @property
    def flags(self) -> FlagApi:
        """Its admin API."""
        return FlagApi(self.state["urls"]["api"] + "/admin/feature-flags", self.variables["PAM_ADMIN_TOKEN"], "tests")

    def described(
        self, file: Path, *more: str, abilities: Iterable[str] | None = None, without: Iterable[str] = ()
    ) -> Path:
        """Its file with more to it, or declaring nothing but these abilities, or all but those, as a file of its own; gives that."""
        text = self.file.read_text(encoding="utf-8")
        if without:
            declared = tomllib.loads((ROOT / "environments" / "sandbox.toml").read_text(encoding="utf-8"))["abilities"]
            abilities = {*declared} - {*without}
        if abilities is not None:
            text = f"abilities = {json.dumps(sorted(abilities))}\n{text}"
        file.write_text("\n".join((text, *more)), encoding="utf-8")
        file.chmod(0o600)
        return file

    def as_it_was(self) -> None:
        """No faults, the first deploys, all features on, nothing remembered."""
        self.remote.clear_all()
        if self.remote.changes():
            self.remote.reset()
        self.remote.forget_received()
        self.remote.set_status_page()
        # After an outage of the database the API needs a moment to find it again.
        Waiter().until(self._switch_on, holds=lambda problem: not problem, within_s=20, what="all features on")

    def _switch_on(self) -> str:
        try:
            found = self.flags.read_flags()
            # Of all features: another test's rollback may have left any of them off.
            if off := {name: ON for name, flag in found.items() if flag != ON}:
                self.flags.set_flags(off)
        except ActionFailed as problem:
            return str(problem)
        return ""


@dataclass(frozen=True)
class Finished:
    """A session that has ended."""

    rc: int
    out: str
    folder: Path

    @property
    def record(self) -> dict[str, Any]:
        """Its run record."""
        file = self.folder / "run.json"
        assert file.exists(), f"no record was written:\n{self.out}"
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return record

    @property
    def last_line(self) -> str:
        """The verdict, on one line however it was wrapped."""
        return " ".join(self.out.strip().rpartition("\n\n")[2].split())

    def outcomes(self) -> dict[str, str]:
        """What came of each test, by its name without parameters."""
        return {
            result["nodeid"].rpartition("::")[2].partition("[")[0]: result["outcome"]
            for result in self.record["results"]
        }

    def outcomes_by_case(self) -> dict[str, str]:
        """What came of each case, by its name and its parameters other than the situation: ``test_page[chat-dark]``."""
        found = {}
        for result in self.record["results"]:
            name, _, parameters = result["nodeid"].rpartition("::")[2].removesuffix("]").partition("[")
            others = "-".join(filter(None, _without(parameters, result["situation"])))
            found[f"{name}[{others}]" if others else name] = result["outcome"]
        return found


def _without(parameters: str, situation: str) -> tuple[str, str]:
    before, _, after = parameters.partition(situation)
    return before.strip("-"), after.strip("-")


def as_by_hand() -> dict[str, str]:
    """The environment variables, without those of the session that runs these tests, nor of its workers."""
    ours = ("PAM_", "PYTEST_", "GITHUB_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@dataclass
class Project:
    """A copy of the runbook in a folder of its own."""

    folder: Path
    runs: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> None:
        """Add or replace a file."""
        (self.folder / path).write_text(text, encoding="utf-8")

    def adjust(self, path: str, old: str, new: str) -> None:
        """Replace what stands in a file."""
        text = (self.folder / path).read_text(encoding="utf-8")
        assert old in text, f"{path}: {old}"
        self.write(path, text.replace(old, new))

    def command(self, *args: str) -> list[str]:
        """The command of the next session; its folder is ``run-N``, or the one that it resumes. ``-v``, but for ``-q`` or ``SCREEN``."""
        resumes = "--resume" in args
        self.runs += not resumes
        forget_asked(self.folder)
        elsewhere = resumes or any(arg.startswith("--run-dir=") for arg in args)
        folder = () if elsewhere else ("--run-dir", str(self.run_folder))
        detail = () if {"-q", SCREEN} & {*args} else ("-v",)
        given = (arg for arg in args if arg != SCREEN)
        return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *folder, *detail, *given]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of its sessions: none of whoever runs these tests, nor what they leave in the home folder."""
        own = {"COLUMNS": "120", "XDG_STATE_HOME": str(self.folder / "state")}
        return {**as_by_hand(), **own, **self.environment}

    def start(self, *args: str, **options: Any) -> "subprocess.Popen[str]":
        """Start a session."""
        return subprocess.Popen(
            self.command(*args),
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            **options,
        )

    @property
    def run_folder(self) -> Path:
        """The folder of the latest session."""
        return self.folder / f"run-{self.runs}"

    def run(self, *args: str) -> Finished:
        """Run a session to its end, in a fork where that makes no difference to it."""
        if not can_be_forked(args, self.variables):
            return self.run_apart(*args)
        command = self.command(*args)
        code, out = run_pytest(command[3:], folder=self.folder, environment=self.variables, within_s=_WITHIN_S)
        return Finished(code, out, self.run_folder)

    def collected(self, *args: str) -> "Collected":
        """A session that stands before its first test and can be run again and again."""
        command = self.command(*args)
        printed = self.folder / f"printed-{self.runs}.txt"
        session = CollectedSession(
            command[3:], folder=self.folder, run_folder=self.run_folder, environment=self.variables, printed=printed
        )
        return Collected(session, self.run_folder)

    def run_apart(self, *args: str) -> Finished:
        """Run a session to its end in a process of its own, as people do."""
        with self.start(*args) as session:
            return self.finish(session)

    def finish(self, session: "subprocess.Popen[str]") -> Finished:
        """Wait for the end."""
        out, _ = session.communicate(timeout=_WITHIN_S)
        return Finished(session.returncode, out, self.run_folder)


@dataclass(frozen=True)
class Collected:
    """See ``Project.collected``."""

    session: CollectedSession
    folder: Path

    def run(self) -> Finished:
        """Run its tests once more, on facts taken afresh."""
        forget_asked(self.folder.parent)
        return Finished(*self.session.run(_WITHIN_S), self.folder)

    def close(self) -> None:
        """End it."""
        self.session.close()


def forget_asked(project: Path) -> None:
    """The sandbox is told to forget who asked it before; so does this machine, or each session would wait for the one before."""
    (project / "state" / "pam-rollback" / "asked").unlink(missing_ok=True)


def store_baseline(
    running_sandbox: RunningSandbox, folder: Path, *, latency_ms: float = 200.0, scatter: float = 0.1
) -> Path:
    """A baseline file, with the rows of the product's tables beside it, as a run leaves them; see ``save_baseline``."""
    product = running_sandbox.state.get("product", "pam-plan")
    tables = load_contract(ROOT / "products" / f"{product}.toml").tables
    with open_snapshot(running_sandbox.variables["PAM_DATABASE_DSN"], Patience()) as snapshot:
        account = account_id(snapshot, running_sandbox.variables["TEST_USER_EMAIL"], {})
        assert isinstance(account, str), account
        counts = count_rows(snapshot, tables.users, test_user=account, names={})
        noted_in = tables.names.get("schema_migrations", "schema_migrations")
        catalogue = read_catalogue(snapshot, tables.schemas, tables.users, {}, migrations=noted_in)
    rows, made_of = folder / ROWS_FILE, folder / CATALOGUE_FILE
    rows.write_text(counts.model_dump_json(), encoding="utf-8")
    made_of.write_text(catalogue.model_dump_json(exclude_defaults=True), encoding="utf-8")
    account_file = folder / ACCOUNT_FILE
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    given, _ = read_contents(environment, signed_in(environment))
    account_file.write_text(
        recorded(given, taken_at=datetime.now(UTC), salt="salt").model_dump_json(), encoding="utf-8"
    )
    parts = {file.name: Part.of(file, n=1) for file in (rows, made_of, account_file)}
    return save_baseline(running_sandbox, folder, latency_ms=latency_ms, scatter=scatter, parts=parts)


def save_baseline(
    running_sandbox: RunningSandbox,
    folder: Path,
    *,
    latency_ms: float = 200.0,
    scatter: float = 0.1,
    answers: int = 900,
    taken_at: datetime | None = None,
    parts: dict[str, Part] | None = None,
) -> Path:
    """The index of a baseline alone. Its answers took that latency, give or take this share of it."""
    read = ("history", "history", "expenses", "expenses", "profile", "settings", "as a browser")
    journeys = ("front page", "cached front page", *read)
    samples = [
        Sample(
            due_s=i / 50,
            latency_ms=latency_ms * (1 + scatter * (i % 21 - 10) / 10),
            journey=journeys[i % len(journeys)],
            ok=True,
        )
        for i in range(answers)
    ]
    origin = Origin(
        environment="sandbox",
        host=urlsplit(running_sandbox.state["urls"]["api"]).netloc,
        release="1.42.0",
        run="20261124T120000Z-sandbox-1a2b",
        taken_at=taken_at or datetime.now(UTC),
    )
    baseline_of(samples, origin).model_copy(update={"parts": parts or {}}).save(folder / "baseline.json")
    return folder / "baseline.json"


@pytest.fixture(scope="session")
def shared_range() -> Iterator[RunningSandbox]:
    """One sandbox for all sessions of these tests."""
    with own_range() as made:
        yield made


@contextmanager
def own_range(product: Literal["pam-plan", "pam-today"] = "pam-plan") -> Iterator[RunningSandbox]:
    """A sandbox that nobody else uses."""
    with (
        tempfile.TemporaryDirectory() as folder,
        launch(Path(folder) / "sandbox.toml", product=product, ready_within_s=180) as file,
    ):
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        yield RunningSandbox(file, state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def running_sandbox(shared_range: RunningSandbox) -> RunningSandbox:
    """The sandbox, as it was when it started."""
    shared_range.as_it_was()
    return shared_range


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Which files of ``checks/`` a project gets, as patterns. A module about stories asks for fewer: ``ONLY_HEALTH``."""
    return ("*",)


def runbook_in(folder: Path) -> Project:
    """A whole copy of the runbook in this folder."""
    for part in PARTS:
        source = ROOT / part
        copy: Callable[..., Any] = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    for connected in {*(folder / "environments").glob("*.toml")} - {folder / "environments" / "sandbox.toml"}:
        connected.unlink()  # as a fresh clone has it, also where a product was connected
    made = Project(folder)
    # Half as often as drills for people: half the processor, and more than enough answers for what is planted here.
    made.adjust("environments/sandbox.toml", "[probing]\nrate_hz = 50", "[probing]\nrate_hz = 25")
    made.adjust("environments/sandbox.toml", BOTH_BROWSERS, 'browsers = ["chromium"]')
    return made


def in_both_browsers(project: Project) -> None:
    """As the sandbox declares it."""
    project.adjust("environments/sandbox.toml", "browsers = ", f"{BOTH_BROWSERS}  # ")


@pytest.fixture
def project(tmp_path: Path, checks_copied: tuple[str, ...]) -> Project:
    """A copy of the runbook."""
    made = runbook_in(tmp_path)
    checks = tmp_path / "checks"
    for found in list(checks.iterdir()):
        if found.name != "conftest.py" and not any(found.match(pattern) for pattern in checks_copied):
            (shutil.rmtree if found.is_dir() else Path.unlink)(found)
    if set(checks_copied) <= {*ONLY_HEALTH, WINDOWS}:
        # Nothing is compared with the baseline of these sessions, so that they need not wait for a large one.
        made.adjust("plan.toml", "answers_min = 600", "answers_min = 120")
    return made
