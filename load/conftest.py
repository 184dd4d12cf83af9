"""The tests of the way back: the gate, the load test and the ramp, on the candidate, before and while it goes to users again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import allure
import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, Refused
from pam_rollback.core.outside_text import cut
from pam_rollback.core.wait import Waiter
from pam_rollback.database.rows_seen import make_copy_anew
from pam_rollback.plan.checklist import ChecklistItem
from pam_rollback.plan.flags import FlagAdmin, FlagEvaluation, FlagName, TeamNotice
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import ways_of
from pam_rollback.plugin.fixtures import UNPROVEN_BY
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.progress import Progress
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.probe.observation import Observation
from pam_rollback.redeploy.gate import hooks, incident_choice
from pam_rollback.redeploy.gate.features import Declared, Exposure, FlagsFound, Register, declared, read_register
from pam_rollback.redeploy.gate.incident import IncidentRetest, RecordedIncident
from pam_rollback.redeploy.gate.migration_copy import NOTED_IN, MigrationCopy, invariants_on_copy, reached_on_copy
from pam_rollback.redeploy.gate.migration_files import MigrationFile, migrations_in, one_way, wanted_of
from pam_rollback.redeploy.gate.migration_trial import MigrationTrial, tried
from pam_rollback.redeploy.gate.migrations import TrialFinding
from pam_rollback.redeploy.gate.npm_stages import NpmPackage, account_variables, end_of, last_line, refuse_endless
from pam_rollback.redeploy.gate.stages import Candidate, Stage, candidate_of
from pam_rollback.redeploy.load.record import LoadRecord
from pam_rollback.redeploy.load.release_comparison import ReleaseComparison
from pam_rollback.redeploy.load.report import write_load_report
from pam_rollback.redeploy.load.run import load_of
from pam_rollback.redeploy.load.verdict import LoadVerdict, judge
from pam_rollback.redeploy.ramp.invocation import RampRun
from pam_rollback.redeploy.ramp.session import RampSession
from pam_rollback.redeploy.ramp.watch import RampWatch
from pam_rollback.report.earlier_runs import DrillAges, last_drills
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.rollback import provider_access
from pam_rollback.rollback.deploy_choice import History, only_live
from pam_rollback.rollback.git import GitRepository
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import Wanted
from pam_rollback.target.served_release_reader import ServedApi, ServedSite
from pam_rollback.target.service_settings import Git


@pytest.fixture(scope="session", autouse=True)
def state_of_the_world(in_situation: object) -> None:
    """Entered once, before the first test; left after the last one."""


# ---------------------------------------------------------------- the candidate


@pytest.fixture(scope="session")
@titled("The candidate is known")
@needs("git")
def candidate(
    repository: GitRepository,
    served_site: ServedSite,
    served_api: ServedApi,
    runbook: Runbook,
    progress: Progress,
) -> Candidate:
    """What ``--to`` names, else what both sites serve now. Raises MeasurementFailed when that cannot be told."""
    if runbook.options.to.apart:
        raise MeasurementFailed("--to: the gate judges one candidate for both sites; name one RELEASE, without a site")
    asked = runbook.options.to.frontend
    commit = repository.find(asked) if asked else None
    found = candidate_of(commit, asked, served_site.look(Wanted()), served_api.look(Wanted()))
    progress.announce(f"  {found}")
    if found.served:
        runbook.saw_release(found.version)
    return found


@pytest.fixture(scope="session")
@titled("The candidate's commit is checked out")
def candidate_files(repository: GitRepository, candidate: Candidate) -> Iterator[Path]:
    """A fresh folder with its files, and nothing else."""
    with repository.worktree(candidate.commit) as folder:
        yield folder


@pytest.fixture(scope="session")
def commit_before(environment: Environment, waiter: Waiter) -> str:
    """The commit that a rollback would go back to; empty when the hosts do not tell."""
    try:
        if "frontend_host" in environment.abilities:
            site = provider_access.site_host(environment, waiter)
            return History(site.rules, site.deploys(), site.live()).choose().deploy.commit
        if "backend_host" in environment.abilities:
            api = provider_access.api_host(environment, waiter)
            deploys = api.deploys()
            return History(api.rules, deploys, only_live(api.rules, deploys)).choose().deploy.commit
    except (ActionFailed, Refused):
        return ""
    return ""


# ---------------------------------------------------------------- its own tests


@pytest.fixture(scope="session")
def gate_folder(runbook: Runbook) -> Path:
    """Where the evidence of the gate is, in the run's folder."""
    folder = runbook.folder / "gate"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
@titled("The candidate's packages are installed")
def package(
    candidate: Candidate,
    candidate_files: Path,
    git_settings: Git,
    environment: Environment,
    plan: Plan,
    gate_folder: Path,
    waiter: Waiter,
    progress: Progress,
) -> NpmPackage:
    """``npm ci``, once for all stages. Raises MeasurementFailed when that cannot be done."""

    def meanwhile(log: Path) -> None:
        waiter.stop.check()
        refuse_endless(log)
        progress.tell(f"  … {log.stem}: {cut(last_line(log), 90)}")

    folder = candidate_files / git_settings.frontend_folder
    made = NpmPackage(folder, candidate.commit, meanwhile, account_variables(environment))
    made.install(gate_folder / "npm-ci.log", deadline_s=plan.redeployment.install_deadline_s)
    progress.done()
    return made


@pytest.fixture
@titled("A script of the candidate's own is run")
def stage(
    request: pytest.FixtureRequest,
    package: NpmPackage,
    plan: Plan,
    gate_folder: Path,
    runbook: Runbook,
    progress: Progress,
) -> Stage:
    """The command of that plan item; its output and what it left go into the report, whatever came of it."""
    command = plan.gate[request.param]
    log = gate_folder / f"{command.id}.log"
    try:
        return package.run(command, log, keep_in=gate_folder / command.id)
    finally:
        progress.done()
        if log.is_file():
            runbook.secrets.redactor.file(log)
            allure.attach(end_of(log), name=log.name, attachment_type=allure.attachment_type.TEXT, extension="txt")


# ---------------------------------------------------------------- its migrations


@pytest.fixture(scope="session")
def candidate_migrations(candidate: Candidate, candidate_files: Path, git_settings: Git) -> tuple[MigrationFile, ...]:
    """The migrations of the candidate's commit. Raises MeasurementFailed when its folder holds none, or others than are understood."""
    folder = candidate_files / git_settings.migrations_folder
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.sql") if path.is_file()}
    return migrations_in(files, f"{git_settings.migrations_folder} at commit {candidate.commit[:12]}")


@pytest.fixture(scope="session")
@titled("The candidate's migrations are tried on a copy of the database")
@needs("git", "database", "staging_copy")
def migration_trial(
    environment: Environment,
    plan: Plan,
    repository: GitRepository,
    candidate: Candidate,
    candidate_migrations: tuple[MigrationFile, ...],
    commit_before: str,
    git_settings: Git,
    progress: Progress,
    pytestconfig: pytest.Config,
) -> MigrationTrial:
    """Applied, looked at, and rolled back. Raises Refused when the copy is the environment's own database."""
    bookkeeping, deadline_s = environment.table_names.get(NOTED_IN, ""), plan.redeployment.migration_deadline_s
    copy = MigrationCopy(environment.secret("staging_copy_dsn"), bookkeeping, deadline_s)
    make_copy_anew(environment)
    copy.refuse_original(environment.secret("database_dsn"))
    before: dict[str, str] | None = None
    if commit_before and commit_before != candidate.commit:
        folder = git_settings.migrations_folder
        names = repository.names(commit_before, folder)
        before = {name: repository.text(commit_before, f"{folder}/{name}") or "" for name in names}
    wanted = wanted_of(candidate_migrations, copy.applied(), before, commit_before)
    newest = candidate_migrations[-1].version

    def integrity() -> TrialFinding:
        return invariants_on_copy(environment, plan, pytestconfig.rootpath, newest, noted_in=copy.noted_in)

    found = tried(
        copy,
        wanted,
        known=len(candidate_migrations),
        one_way=one_way(candidate_migrations),
        integrity=integrity,
        reached=lambda: reached_on_copy(environment),
        narrate=progress.announce,
    )
    allure.attach(found.as_text(), name="migrations.txt", attachment_type=allure.attachment_type.TEXT, extension="txt")
    return found


# ---------------------------------------------------------------- its features


@pytest.fixture(scope="session")
def register(candidate: Candidate, candidate_files: Path, git_settings: Git) -> Register:
    """What the candidate declares. Raises MeasurementFailed when it declares nothing."""
    file = candidate_files / git_settings.features_file
    text = file.read_text(encoding="utf-8") if file.is_file() else None
    return read_register(text, f"{git_settings.features_file} at commit {candidate.commit[:12]}")


@pytest.fixture(scope="session")
@titled("What is new is held against the flags that are declared for it")
def declared_features(
    candidate: Candidate, register: Register, repository: GitRepository, commit_before: str, git_settings: Git
) -> Declared:
    """The candidate's features that the release before does not have."""
    before = None
    if commit_before and commit_before != candidate.commit:
        text = repository.text(commit_before, git_settings.features_file)
        before = read_register(text, f"{git_settings.features_file} at commit {commit_before[:12]}") if text else None
    return declared(register, version=candidate.version, before=before)


@pytest.fixture(scope="session")
@needs("git", "flag_admin")
def exposure(
    candidate: Candidate, declared_features: Declared, flags_found: FlagsFound, environment: Environment
) -> Exposure:
    """Who got the new features when the gate began. Raises MeasurementFailed where that was not the candidate."""
    candidate.refuse_absent(environment.name)
    flags = dict.fromkeys(feature.flag for feature in declared_features.new if feature.flag)
    return flags_found.exposure(environment.name, tuple(flags))


# ---------------------------------------------------------------- the incident, and the drills


@pytest.fixture(scope="session")
def recorded_incident(runbook: Runbook, pytestconfig: pytest.Config) -> RecordedIncident:
    """What ``--incident RUN`` names, else what went red since the service was well. Raises MeasurementFailed for nothing: a known gap."""
    out = pytestconfig.rootpath / "reports" / "out"
    found = incident_choice.known_incident(out, runbook.environment.name, runbook.options.incident)
    if runbook.options.incident:
        left_out = incident_choice.left_out(out, runbook.environment.name, runbook.options.incident)
        pytestconfig.stash.setdefault(UNPROVEN_BY, {})["recorded_incident"] = left_out
    return found


@pytest.fixture(scope="session")
def feature_flags(plan: Plan, candidate_files: Path, git_settings: Git) -> tuple[FlagName, ...]:
    """The flags of the plan and of the candidate's declaration; one that cannot be read is the finding of its own test."""
    file = candidate_files / git_settings.features_file
    try:
        found = read_register(file.read_text(encoding="utf-8") if file.is_file() else None, file.name).features
    except MeasurementFailed:
        found = ()
    names = [feature.flag for feature in found if feature.flag]
    return tuple(dict.fromkeys([*plan.strategy("feature-flag").flag_changes, *names]))


@pytest.fixture(scope="session")
@titled("The recorded incident is looked for on the candidate")
def incident_tried(
    situation: str,
    recorded_incident: RecordedIncident,
    candidate: Candidate,
    flags_found: FlagsFound,
    feature_flags: tuple[FlagName, ...],
    environment: Environment,
    progress: Progress,
    request: pytest.FixtureRequest,
) -> IncidentRetest:
    """Each criterion measured again. Raises MeasurementFailed where the candidate is not served, or its new features are off."""
    candidate.refuse_absent(environment.name)
    flags_found.refuse_off(feature_flags)
    progress.announce(f"  {recorded_incident} is looked for")
    found = tuple(hooks.tried_again(criterion, environment, request) for criterion in recorded_incident.criteria)
    loaded = "load" in environment.abilities
    return IncidentRetest(recorded_incident, candidate.version or candidate.commit[:12], found, loaded=loaded)


@pytest.fixture(scope="session")
@titled("The last drill of each strategy is looked up")
def drill_ages(plan: Plan, pytestconfig: pytest.Config) -> DrillAges:
    """From the run records of this project, whichever way of a strategy was drilled."""
    return DrillAges(last_drills(pytestconfig.rootpath / "reports" / "out", ways_of(plan)), plan.about.review_after_d)


# ---------------------------------------------------------------- the load


@pytest.fixture(scope="session")
@titled("The load of the plan is put on the candidate, and on the stable release in turns with it")
@needs("load")
def load_record(
    in_situation: object,
    environment: Environment,
    plan: Plan,
    runbook: Runbook,
    evidence: Path,
    waiter: Waiter,
    running_release: str,
    progress: Progress,
) -> LoadRecord:
    """One run of the engine for all tests. Raises MeasurementFailed when it did not begin, or both addresses serve the same release."""
    folder, pictures = evidence / "load", RunFolder(runbook.folder).pictures
    record = load_of(
        environment, plan, runbook, running=running_release, folder=folder, waiter=waiter, progress=progress
    )
    written = write_load_report(record, plan.load_gate, folder=folder, pictures=pictures)
    for file in (*written, *record.files):
        allure.attach.file(str(file), name=file.name, extension=file.suffix.removeprefix("."))
    return record


@pytest.fixture(scope="session")
def load_verdict(load_record: LoadRecord, plan: Plan) -> LoadVerdict:
    """The candidate against every threshold of the plan's load gate."""
    return judge(load_record, plan.load_gate)


@pytest.fixture(scope="session")
@needs("load", "second_release")
def release_comparison(load_record: LoadRecord, plan: Plan) -> ReleaseComparison:
    """The candidate beside the stable release. Raises MeasurementFailed when one of them was not asked."""
    return ReleaseComparison(load_record, plan.load_gate)


@pytest.fixture(scope="session")
def servers_record(runbook: Runbook, plan: Plan) -> ChecklistItem:
    """LG-9, which only a person can say (--ack)."""
    words = [text.partition("=")[2] for text in runbook.options.ack if text.startswith("LG-9=")]
    return ChecklistItem.of("LG-9", plan.item("LG-9").title, None, vouched="; ".join(words))


# ---------------------------------------------------------------- the ramp


@pytest.fixture(scope="session")
@titled("The ramp goes on: what is due is done")
def ramp(
    situation: str,
    in_situation: object,
    sole_writer_here: object,
    flag_admin: FlagAdmin,
    flag_evaluation: FlagEvaluation | None,
    incident_channel: TeamNotice | None,
    runbook: Runbook,
    environment: Environment,
    plan: Plan,
    waiter: Waiter,
    clock: Clock,
    progress: Progress,
    watch_users: Callable[[], Observation],
    pytestconfig: pytest.Config,
) -> RampRun:
    """One invocation. Raises Refused, MeasurementFailed when it could not look, ActionFailed when a change was not made."""
    if flag_evaluation is None:
        raise MeasurementFailed(f"{environment.name} declares no flag_evaluation: who has the features is not known")
    # A rollback that was begun is finished also where no prober can start: it starts with the first look.
    watch = RampWatch(environment, plan, flag_evaluation, runbook.pace, watch_users, clock, waiter, progress)
    return RampSession(runbook, pytestconfig.rootpath, watch, flag_admin, incident_channel, allure.step).go_on()
