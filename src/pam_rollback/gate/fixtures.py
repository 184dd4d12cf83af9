"""The gate before re-deployment: the candidate, and its npm stages in a fresh checkout."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import allure
import pytest

from pam_rollback.base.errors import ActionFailed, MeasurementFailed, Refused
from pam_rollback.base.outside_text import cut
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.service_settings import Git
from pam_rollback.gate.features import (
    Declared,
    Exposure,
    FlagsFound,
    Register,
    declared,
    read_flags,
    read_register,
)
from pam_rollback.gate.incident import VOUCH, CriterionRetest, IncidentRetest, RecordedIncident, RetestOutcome
from pam_rollback.gate.incident_choice import chosen
from pam_rollback.gate.migration_copy import NOTED_IN, MigrationCopy, invariants_on_copy, reached_on_copy
from pam_rollback.gate.migration_files import (
    MigrationFile,
    ToApply,
    edited,
    migrations_in,
    one_way,
    pending_of,
    refuse_seen,
    to_apply,
)
from pam_rollback.gate.migration_trial import MigrationTrial, tried
from pam_rollback.gate.migrations import CopyIntegrity
from pam_rollback.gate.npm_stages import NpmPackage
from pam_rollback.gate.stages import Candidate, Stage, candidate_of
from pam_rollback.integrity.rows_seen import make_copy_anew
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagName
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import ways_of
from pam_rollback.product.served_release import Wanted
from pam_rollback.product.served_release_reader import ServedApi, ServedSite
from pam_rollback.report.earlier_runs import DrillAges, last_drills
from pam_rollback.rollback import provider_access
from pam_rollback.rollback.asked_users import EVALUATED_USERS
from pam_rollback.rollback.deploy_choice import History, only_live
from pam_rollback.rollback.feature_flag import wait_for_flags
from pam_rollback.rollback.git import GitRepository
from pam_rollback.session import markers
from pam_rollback.session.markers import criterion_ids
from pam_rollback.session.needs import needs
from pam_rollback.session.progress import Progress
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.titles import titled

_FOLDER = "gate"
_SHOWN_BYTES = 1_000_000
_LOG_BYTES_MAX = 200_000_000
_LINE_COLUMNS = 90


@pytest.fixture(scope="session")
def gate_folder(runbook: Runbook) -> Path:
    """Where the evidence of the gate is, in the run's folder."""
    folder = runbook.folder / _FOLDER
    folder.mkdir(exist_ok=True)
    return folder


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
    found = candidate_of(
        repository.find(asked) if asked else None, asked, served_site.look(Wanted()), served_api.look(Wanted())
    )
    progress.announce(f"  {found}")
    if found.served:
        runbook.saw_release(found.version)
    return found


@pytest.fixture(scope="session")
def commits_served(environment: Environment, runbook: Runbook) -> Iterator[None]:
    """Which commits the parts name when the gate begins and when it ends, for its record: a ramp lets users in to no other."""
    _note_commits(environment, runbook)
    yield
    _note_commits(environment, runbook)


def _note_commits(environment: Environment, runbook: Runbook) -> None:
    for served in (provider_access.served_site(environment), provider_access.served_api(environment)):
        found = served.look(Wanted())
        runbook.saw_commit(found.site, found.commit)


@pytest.fixture(scope="session")
@titled("The candidate's commit is checked out")
def candidate_files(repository: GitRepository, candidate: Candidate) -> Iterator[Path]:
    """A fresh folder with its files, and nothing else."""
    with repository.worktree(candidate.commit) as folder:
        yield folder


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
    runbook: Runbook,
) -> NpmPackage:
    """``npm ci``, once for all stages. Raises MeasurementFailed when that cannot be done."""

    def meanwhile(log: Path) -> None:
        waiter.stop.check()
        if log.stat().st_size > _LOG_BYTES_MAX:
            raise MeasurementFailed(f"{log.stem} was ended: it printed more than {_LOG_BYTES_MAX // 1_000_000} MB")
        progress.tell(f"  … {log.stem}: {cut(_last_line(log), _LINE_COLUMNS)}")

    made = NpmPackage(
        candidate_files / git_settings.frontend_folder, candidate.commit, meanwhile, _variables(environment)
    )
    made.install(gate_folder / "npm-ci.log", deadline_s=plan.redeployment.install_deadline_s)
    progress.done()
    return made


@pytest.fixture
@titled("A stage of the candidate's own is run")
def stage(
    request: pytest.FixtureRequest,
    package: NpmPackage,
    plan: Plan,
    gate_folder: Path,
    runbook: Runbook,
    progress: Progress,
) -> Stage:
    """The command that the test's own criterion names; its output and what it left go into the report, whatever came of it."""
    [command] = (plan.gate[one] for one in criterion_ids(request.node) if one in plan.gate)
    log = gate_folder / f"{command.id}.log"
    try:
        return package.run(command, log, keep_in=gate_folder / command.id)
    finally:
        progress.done()
        if log.is_file():
            runbook.secrets.redactor.file(log)
            allure.attach(_bounded(log), name=log.name, attachment_type=allure.attachment_type.TEXT, extension="txt")


def _variables(environment: Environment) -> dict[str, str]:
    """The test account, by the names that the product's end-to-end tests read. Never on production: the candidate's code sees it."""
    if "test_account" not in environment.abilities or environment.kind == "production":
        return {}
    return {
        "TEST_USER_EMAIL": environment.secret("test_user_email"),
        "TEST_USER_PASSWORD": environment.secret("test_user_password"),
    }


def _last_line(log: Path) -> str:
    lines = _bounded(log, 2000).splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _bounded(log: Path, most: int = _SHOWN_BYTES) -> str:
    """The end of a log, and how much stands before it."""
    size = log.stat().st_size
    with log.open("rb") as file:
        file.seek(max(0, size - most))
        text = file.read().decode(errors="replace")
    return f"[… {size - most} bytes before this: {log.name} in the run's folder]\n{text}" if size > most else text


@pytest.fixture(scope="session")
def candidate_migrations(candidate: Candidate, candidate_files: Path, git_settings: Git) -> tuple[MigrationFile, ...]:
    """The migrations of the candidate's commit. Raises MeasurementFailed when its folder holds none, or others than are understood."""
    folder = candidate_files / git_settings.migrations_folder
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.sql") if path.is_file()}
    return migrations_in(files, f"{git_settings.migrations_folder} at commit {candidate.commit[:12]}")


@pytest.fixture(scope="session")
def commit_before(environment: Environment, waiter: Waiter) -> str:
    """The commit that a rollback would go back to; empty when the hosts do not tell."""
    try:
        if "frontend_host" in environment.abilities:
            site = provider_access.site_host(environment, waiter)
            return History(site.rules, site.deploys(), site.published()).choose().deploy.commit
        if "backend_host" in environment.abilities:
            api = provider_access.api_host(environment, waiter)
            deploys = api.deploys()
            return History(api.rules, deploys, only_live(api.rules, deploys)).choose().deploy.commit
    except (ActionFailed, Refused):
        return ""
    return ""


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
    copy = MigrationCopy(
        environment.secret("staging_copy_dsn"),
        environment.table_names.get(NOTED_IN, ""),
        plan.redeployment.migration_deadline_s,
    )
    make_copy_anew(environment)
    copy.refuse_original(environment.secret("database_dsn"))
    before = _files_before(candidate, repository, commit_before, git_settings.migrations_folder)
    if one_way(candidate_migrations):
        plan_of_it = to_apply(candidate_migrations, copy.applied(), before)
    else:
        plan_of_it = ToApply(
            pending_of(candidate_migrations, copy.applied()), edited(candidate_migrations, before or {})
        )
        if not plan_of_it.problem:
            _refuse_seen(candidate_migrations, plan_of_it.migrations, before, commit_before)
    newest = candidate_migrations[-1].version

    def integrity() -> CopyIntegrity:
        return invariants_on_copy(environment, plan, pytestconfig.rootpath, newest, noted_in=copy.noted_in)

    found = tried(
        copy,
        plan_of_it,
        known=len(candidate_migrations),
        one_way=one_way(candidate_migrations),
        integrity=integrity,
        reached=lambda: reached_on_copy(environment),
        narrate=progress.announce,
    )
    allure.attach(found.as_text(), name="migrations.txt", attachment_type=allure.attachment_type.TEXT, extension="txt")
    return found


def _files_before(candidate: Candidate, repository: GitRepository, before: str, folder: str) -> dict[str, str] | None:
    """The migrations of the release before, by file with its text; None where it is not known, or is the candidate itself."""
    if not before or before == candidate.commit:
        return None
    return {name: repository.text(before, f"{folder}/{name}") or "" for name in repository.names(before, folder)}


def _refuse_seen(
    migrations: tuple[MigrationFile, ...],
    pending: tuple[MigrationFile, ...],
    before: Mapping[str, str] | None,
    commit_before: str,
) -> None:
    """A copy that has the candidate's migrations already says nothing of the way back. Raises MeasurementFailed."""
    if before is None:
        if not pending:
            raise MeasurementFailed(
                "the copy has every migration of the candidate, and which of them the release before has cannot be told "
                "(no earlier deploy is known): whether this deploy can be taken back was not tried"
            )
        return
    brought = {migration.version for migration in migrations} - {name.partition("_")[0] for name in before}
    refuse_seen(brought, pending, back_to=f"commit {commit_before[:12]}")


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
    return flags_found.exposure(environment, tuple(flags))


@pytest.fixture(scope="session")
@titled("The flags are read as the gate finds them")
def flags_found(
    situation: str,
    environment: Environment,
    runbook: Runbook,
    tried_flags: tuple[FlagName, ...],
    request: pytest.FixtureRequest,
) -> FlagsFound:
    """What users get when the gate begins; nothing is switched, but off on a sandbox of the gate's own."""
    if "flag_admin" not in environment.abilities:
        return FlagsFound(problem=f"{environment.name} declares no flag_admin")
    admin: FlagAdmin = request.getfixturevalue("flag_admin")
    if runbook.own_sandbox:
        request.getfixturevalue("sole_writer_here")
        switch_off(admin, tried_flags, Waiter(stop=runbook.stop))
    users = [f"gate-{runbook.id}-{number}" for number in range(EVALUATED_USERS)]
    return read_flags(admin, request.getfixturevalue("flag_evaluation"), users)


def switch_off(admin: FlagAdmin, flags: Sequence[FlagName], waiter: Waiter) -> None:
    """On a sandbox of the gate's own: the way back begins where a rollback by flags has ended."""
    try:
        changes = {name: Flag(enabled=False, rollout_pct=0) for name in admin.read_flags() if name in flags}
        admin.set_flags(changes)
        wait_for_flags(admin.read_flags, changes, waiter)
    except (ActionFailed, NotReached) as error:
        raise MeasurementFailed(f"the sandbox's features could not be switched off: {error}") from None


@pytest.fixture(scope="session")
def tried_flags(environment: Environment, plan: Plan, request: pytest.FixtureRequest) -> tuple[FlagName, ...]:
    """The flags of the plan and of the candidate's declaration."""
    return tuple(dict.fromkeys([*plan.strategy("feature-flag").flag_changes, *_declared(environment, request)]))


def _declared(environment: Environment, request: pytest.FixtureRequest) -> list[str]:
    """The flags of the candidate's declaration; without one, there are only those of the plan, and the test of the declaration says so."""
    if "git" not in environment.abilities:
        return []
    try:
        found: Register = request.getfixturevalue("register")
    except (ActionFailed, MeasurementFailed):
        return []
    return [feature.flag for feature in found.features if feature.flag]


@pytest.fixture(scope="session")
def recorded_incident(runbook: Runbook, pytestconfig: pytest.Config) -> RecordedIncident:
    """What ``--incident RUN`` names, else what went red since the service was well. Raises MeasurementFailed for nothing: a known gap."""
    found = chosen(pytestconfig.rootpath / "reports" / "out", runbook.environment.name, runbook.options.incident)
    if found is None:
        raise MeasurementFailed(
            f"no run of {runbook.environment.name} with a red decision, check or drill is recorded here, so it is not known what must not "
            f"come back: give --incident RUN, or vouch for the fix with {VOUCH}"
        )
    return found


@pytest.fixture(scope="session")
@titled("The recorded incident is looked for on the candidate")
def incident_tried(
    situation: str,
    recorded_incident: RecordedIncident,
    candidate: Candidate,
    flags_found: FlagsFound,
    tried_flags: tuple[FlagName, ...],
    environment: Environment,
    progress: Progress,
    request: pytest.FixtureRequest,
) -> IncidentRetest:
    """Each criterion measured again. Raises MeasurementFailed where the candidate is not served, or its new features are off."""
    candidate.refuse_absent(environment.name)
    flags_found.refuse_off(tried_flags)
    progress.announce(f"  {recorded_incident} is looked for")
    tried = tuple(tried_again(criterion, environment, request) for criterion in recorded_incident.criteria)
    loaded = "load" in environment.abilities
    return IncidentRetest(recorded_incident, candidate.version or candidate.commit[:12], tried, loaded=loaded)


def tried_again(criterion: str, environment: Environment, request: pytest.FixtureRequest) -> CriterionRetest:
    """Measure what went red once more, as the slice does that owns the criterion. What cannot be measured is neither gone nor back."""
    try:
        found = request.config.hook.pytest_pam_criterion_retest(criterion=criterion, environment=environment)
        if found is None:
            return _by_its_own_tests(criterion, request)
        fixture, judge = found
        # Which criteria went red is read from a record, and each costs a wait: no other fixture may be asked for.
        good, words = judge(request.getfixturevalue(fixture))
    except MeasurementFailed as error:
        return CriterionRetest(criterion, RetestOutcome.UNKNOWN, str(error))
    return CriterionRetest(criterion, RetestOutcome.GONE if good else RetestOutcome.BACK, words)


def _by_its_own_tests(criterion: str, request: pytest.FixtureRequest) -> CriterionRetest:
    """Tests of this session that serve it decide by themselves; without any, nothing is known."""
    tests = [
        item
        for item in request.session.items
        if criterion in markers.criterion_ids(item) and not item.get_closest_marker("advisory")  # those decide nothing
    ]
    if tests:
        return CriterionRetest(
            criterion, RetestOutcome.GONE, f"judged by {len(tests)} tests of this gate, which count by themselves"
        )
    return CriterionRetest(
        criterion,
        RetestOutcome.UNKNOWN,
        f"nothing in this gate measures it; look yourself, then {VOUCH}",
    )


@pytest.fixture(scope="session")
@titled("The last drill of each strategy is looked up")
def drill_ages(plan: Plan, pytestconfig: pytest.Config) -> DrillAges:
    """From the run records of this project, whichever way of a strategy was drilled."""
    return DrillAges(last_drills(pytestconfig.rootpath / "reports" / "out", ways_of(plan)), plan.about.review_after_d)
