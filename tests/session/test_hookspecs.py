"""The suite's own hooks: each is called when it says, a listener that fails changes no verdict, and one without a test fails here."""

import json
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.errors import ActionFailed, MeasurementFailed, UndoFailed
from pam_rollback.baseline import hooks as of_baseline
from pam_rollback.checklist.fixtures.checklist import MEASURES
from pam_rollback.communication import hooks as of_communication
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.environment.known_before import Finding as KnownFinding
from pam_rollback.health.fixtures import health
from pam_rollback.journal.journal import ACTION, Journal
from pam_rollback.journal.undoing import UndoKind, beside_actions, undo_all
from pam_rollback.observation import hooks as of_observation
from pam_rollback.observation.rules.recovery import Recovery
from pam_rollback.plan.checklist import Finding
from pam_rollback.plan.plan import load_plan
from pam_rollback.report.decision_record import DecisionRecord
from pam_rollback.report.run_record import ActionStep, read
from pam_rollback.report.verdict import Ending, ExitCode, Outcome
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.report.watched_record import Watched
from pam_rollback.rollback import hooks as of_rollback
from pam_rollback.rollback.rules.range_proof import PLANTED_BEFORE
from pam_rollback.session import hookspecs, listeners, phases, slices
from pam_rollback.session.fixtures import known as known_fixtures
from pam_rollback.session.seen import Seen
from pam_rollback.session.selection import LeftOut
from pam_rollback.session.verdict import Collector
from tests.plan.plan_scene import body
from tests.session.drilling import CONSENT, as_staging, runbook_with, take_notice_down
from tests.sessions import ONLY_HEALTH, Finished, Project, Range
from tests.undo_kinds import KINDS

ROOT = Path(__file__).parents[2]
PLAN = load_plan(ROOT / "plan.toml")
ENVIRONMENT = load_environment("production", ROOT / "environments", {})
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("pytest_"))
PAGE = ROOT / "docs" / "architecture.md"
LISTENER = """

def pytest_pam_run_notes(run_folder):
    assert not (run_folder / "run.json").exists()
    return f"noted of {run_folder.name}"


def pytest_pam_run_ended(run_folder, environment):
    (run_folder / "heard").write_text(f"{environment.name} {(run_folder / 'run.json').is_file()}")
    raise RuntimeError("heard too late")
"""


REFUSES = """

import pytest


def pytest_pam_command_line(config):
    raise pytest.UsageError("--pace 60: not on Fridays")
"""
BRINGS = """

import json


def pytest_pam_earlier_runs(config, options, environment):
    folder = config.rootpath / "reports" / "out" / options.undo
    folder.mkdir(parents=True)
    begun = {"at": "", "event": "action", "environment": environment.name, "api": "https://elsewhere.example"}
    (folder / "journal.jsonl").write_text(json.dumps(begun) + "\\n")
"""
OF_ANY_SESSION = """

from pathlib import Path


def pytest_pam_why_left_out(item):
    return "the database is another team's" if item.name.startswith("test_database_is_healthy") else None


def pytest_pam_situation_begins(situation, request):
    with Path("begun").open("a", encoding="utf-8") as file:
        file.write(f"{situation} of {request.getfixturevalue('environment').name}\\n")


def pytest_pam_incomplete(config, left_out, answered):
    return [f"{len(left_out.tests)} was left out, and {sorted(answered)} do not answer for it"]


def pytest_pam_notes(run_folder):
    assert not (run_folder / "run.json").exists()
    return [f"seen in {run_folder.name}"]


def pytest_pam_planned(plan, environment, phases):
    from pam_rollback.report.run_record import ActionStep

    return [ActionStep("own", f"{len(phases)} phase of {environment.name}", "planned", 0.0, 0.0)]


def pytest_pam_report(record):
    return [("From elsewhere", [f"{len(record.results)} tests were seen"])]
"""


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A runbook whose own conftest.py listens, and that is otherwise about how sessions end."""
    project = runbook_with(tmp_path_factory.mktemp("listening"), *ONLY_HEALTH)
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(LISTENER)
    return project


@dataclass(frozen=True)
class Real:
    """A real rollback that has ended."""

    ended: Finished

    @property
    def notes(self) -> list[str]:
        """Those of its record."""
        found: list[str] = json.loads((self.ended.folder / "run.json").read_text("utf-8"))["notes"]
        return found


@pytest.fixture(scope="module")
def real(shared_range: Range, listening: Project) -> Iterator[Real]:
    """The sandbox calls itself staging; one test is enough for the action."""
    shared_range.as_it_was()
    as_staging(shared_range, listening)
    yield Real(listening.run("drills/test_feature_flag.py", "--env=staging.toml", *CONSENT, "-k", "test_flags_are_off"))
    shared_range.as_it_was()
    take_notice_down(shared_range)


@pytest.fixture(scope="module")
def any_session(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A runbook whose own conftest.py listens to all that is not about real runs."""
    project = runbook_with(tmp_path_factory.mktemp("any"), *ONLY_HEALTH)
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(OF_ANY_SESSION)
    return project


@pytest.fixture(scope="module")
def heard(shared_range: Range, any_session: Project) -> Finished:
    """A session of health checks with it."""
    shared_range.as_it_was()
    return any_session.run("-m", "health", f"--env={shared_range.file}")


def untested(hooks: Collection[str], page: str, tests: Collection[str]) -> list[str]:
    """The hooks that no test is named after, or that the page does not list."""
    return [hook for hook in hooks if f"test_{hook}" not in tests or f"`{hook}`" not in page]


def test_each_hook_has_its_test_and_is_documented() -> None:
    """Somebody outside builds on it."""
    assert HOOKS
    assert untested(HOOKS, PAGE.read_text(encoding="utf-8"), globals()) == []


def test_a_hook_without_test_or_line_is_seen() -> None:
    """A rule that cannot fail is decoration."""
    assert untested(["a", "b", "c"], "`a` `b`", ["test_a", "test_c"]) == ["b", "c"]


def test_pytest_pam_run_notes(real: Real) -> None:
    """Its line stands in the record, beside those of slices."""
    assert f"noted of {real.ended.folder.name}" in real.notes
    assert not any("hook" in note for note in real.notes)


def test_pytest_pam_run_ended(real: Real) -> None:
    """After verdict and record. It fails here: that is said below the verdict, which stays; the slices had their turn."""
    lines = real.ended.out.splitlines()
    [verdict] = [number for number, line in enumerate(lines) if line.startswith("INCONCLUSIVE for feature-flag")]

    assert (real.ended.folder / "heard").read_text("utf-8") == "staging True"
    assert any("a hook failed: RuntimeError: heard too late" in line for line in lines[verdict:]), real.ended.out
    assert real.ended.rc == json.loads((real.ended.folder / "run.json").read_text("utf-8"))["exit_code"]


def test_pytest_pam_undone() -> None:
    """Each listener's line; one that fails is a line itself, and nobody's undo fails by it."""
    heard: list[object] = []

    class Listener:
        def pytest_pam_undone(self, run_folder: Path, undone: str) -> str:
            heard.append((run_folder, undone))
            if "FAILED" in undone:
                raise RuntimeError("HTTP 401")
            return "incident: #4"

    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    manager.register(Listener())
    config: Any = SimpleNamespace(hook=manager.hook)
    environment: Any = SimpleNamespace(name="e")

    assert listeners.undone(config, Path("run-1"), environment, "UNDONE: 1 change") == ["incident: #4"]
    failed = listeners.undone(config, Path("run-1"), environment, "UNDO FAILED: HTTP 503")
    assert failed == ["a hook failed: RuntimeError: HTTP 401"]
    assert heard == [(Path("run-1"), "UNDONE: 1 change"), (Path("run-1"), "UNDO FAILED: HTTP 503")]


def test_a_session_without_an_action_calls_none(practice_range: Range, listening: Project) -> None:
    """There is nothing to note, and nothing to collect."""
    session = listening.run("-m", "health", f"--env={practice_range.file}")

    assert session.rc == 0, session.out
    assert not any("noted of" in note for note in Real(session).notes)
    assert not (session.folder / "heard").exists()


def test_slices_with_hooks_are_found() -> None:
    """By their module; all of them can be imported."""
    assert {*slices.topics(), *slices.listening(), *slices.asked_for()} == {
        f"pam_rollback.{path.parent.name}" for path in (ROOT / "src" / "pam_rollback").glob("*/hooks.py")
    }


def test_hooks_of_topics_load_nothing_behind_them() -> None:
    """Every session has them, and each loads what it needs when it is called: health checks wait for no strategy."""
    program = (
        "import importlib, sys; from pam_rollback.session import slices, verdict; names = slices.topics(); before = {*sys.modules}; "
        "[importlib.import_module(f'{name}.hooks') for name in names]; "
        "print(len(names), *(one for one in {*sys.modules} - before if one.startswith(tuple(names)) and one.count('.') > 2))"
    )
    count, *loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()

    assert int(count) == len(slices.topics()) > 0
    assert loaded == []


class Elsewhere:
    """A conftest.py that knows a criterion of its own, and one of the suite's better."""

    @staticmethod
    def pytest_pam_criterion_retest(criterion: str, request: pytest.FixtureRequest) -> tuple[bool, str] | None:
        """By what a fixture gives."""
        return {"DI-1": (True, "own eyes"), "HC-2": (False, request.getfixturevalue("own"))}.get(criterion)


def test_pytest_pam_criterion_retest() -> None:
    """Whoever listens is asked before the suite's own; for what nobody knows no answer comes."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    manager.register(health)
    manager.register(Elsewhere())
    checks = {item: SimpleNamespace(item=item) for item in ("HC-2", "HC-3")}
    given = {
        "own": "own words",
        "environment": SimpleNamespace(contract=SimpleNamespace(health=checks)),
        "health": SimpleNamespace(retest=lambda item: (True, f"{item} is well")),
    }
    request = SimpleNamespace(getfixturevalue=given.__getitem__)

    def retest(criterion: str) -> object:
        return manager.hook.pytest_pam_criterion_retest(criterion=criterion, request=request)

    assert retest("DI-1") == (True, "own eyes")
    assert retest("HC-2") == (False, "own words")
    assert retest("HC-3") == (True, "HC-3 is well")
    assert retest("WV-1") is None


def test_pytest_pam_on_record() -> None:
    """Without a listener a person says so; one that knows a tracker says where, or that it is not there, or that it cannot tell."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    given: dict[str, Any] = {"answer": (True, "https://tracker.example/1")}

    class Listener:
        def pytest_pam_on_record(self) -> tuple[bool, str]:
            answer: tuple[bool, str] = given["answer"]
            if isinstance(answer, Exception):
                raise answer
            return answer

    config = SimpleNamespace(hook=manager.hook)
    session: Any = SimpleNamespace(request=SimpleNamespace(config=config), environment=SimpleNamespace(name="e"))
    with pytest.raises(MeasurementFailed, match="only a person can say so: e names no tracker"):
        MEASURES["PRE-4"](session)
    manager.register(Listener())
    assert MEASURES["PRE-4"](session).done
    given["answer"] = (False, "it was closed")
    assert MEASURES["PRE-4"](session) == Finding(done=False, words="it was closed")
    given["answer"] = MeasurementFailed("HTTP 401")
    with pytest.raises(MeasurementFailed, match="HTTP 401"):
        MEASURES["PRE-4"](session)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (DecisionRecord("NO ROLLBACK", (), (), (), ""), (ExitCode.GO, ())),
        (DecisionRecord("WATCH", (), ("CR-1",), (), ""), (ExitCode.INCONCLUSIVE, ("WATCH: CR-1",))),
        (DecisionRecord("ROLL BACK NOW", (), ("IR-1",), (), ""), (ExitCode.NO_GO, ("ROLL BACK NOW: IR-1",))),
        (None, (ExitCode.INCONCLUSIVE, ("what to do is not known: nobody recommends anything",))),
        (OSError("gone"), (ExitCode.INCONCLUSIVE, ("what to do is not known: a hook failed: OSError: gone",))),
    ],
    ids=lambda answer: str(getattr(answer, "recommendation", answer)),
)
def test_pytest_pam_recommendation(answer: object, found: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """It decides, whatever else is green; where nobody can say, that is no GO."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)

    class Listener:
        def pytest_pam_recommendation(self, tests: Sequence[Seen], partial: Sequence[str]) -> object:
            assert ([one.nodeid for one in tests], partial) == (["green"], ())
            if isinstance(answer, Exception):
                raise answer
            return answer

    manager.register(Listener())
    collector: Any = Collector.__new__(Collector)
    monkeypatch.setattr(Collector, "_scope", SimpleNamespace(partial=()))
    vars(collector).update(
        _config=SimpleNamespace(hook=manager.hook, option=SimpleNamespace(markexpr="decision")),
        _runbook=SimpleNamespace(plan=PLAN, journal=SimpleNamespace(failed_actions=())),
        _tests={"green": Seen("green", outcomes=[Outcome.PASSED])},
        _left_out=LeftOut(),
        _broken_collection=[],
        _planned=False,
    )
    ending = Ending.of(collector._causes())

    assert (ending.code, ending.why) == found


def test_pytest_pam_undo_kinds(tmp_path: Path) -> None:
    """A change of a kind that another conftest.py makes is put back with the others; whoever fails takes only its own kinds along."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    journal, put_back = Journal(tmp_path / "journal.jsonl"), []
    journal.owe("own-switch", {"was": "on"})

    class Broken:
        def pytest_pam_undo_kinds(self) -> object:
            raise OSError("gone")

    class Switch:
        def pytest_pam_undo_kinds(self) -> object:
            return {"own-switch": UndoKind(lambda undo, _: put_back.append(undo.facts["was"]))}

    config: Any = SimpleNamespace(hook=manager.hook, pluginmanager=manager)
    for plugin in (of_rollback, of_communication, Broken()):
        manager.register(plugin)
    without = listeners.undo_kinds(config)
    with pytest.raises(UndoFailed, match=r"a person must put back \{'was': 'on'\}"):
        undo_all(journal, ENVIRONMENT, without, initiated_by="alex")
    manager.register(Switch())
    kinds = listeners.undo_kinds(config)

    assert undo_all(journal, ENVIRONMENT, kinds, initiated_by="alex") == 1
    assert (put_back, journal.owed()) == (["on"], [])
    assert {*kinds} == {*without, "own-switch"} == {*KINDS, "own-switch"}
    assert beside_actions(kinds) == {"clear-faults", "resolve-status-page-incident", "put-notice-back"}


class Own:
    """Another conftest.py that would do something."""

    def pytest_pam_planned(self) -> list[ActionStep]:
        """One step."""
        return [ActionStep("own", "one", "planned", 0.0, 0.0)]


class Phases:
    """A conftest.py with a fixture of its own to tell of, or one that fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def pytest_pam_phase_begins(self, fixture: str) -> tuple[str, str] | None:
        """Before it is set up."""
        if self.fails:
            raise OSError("gone")
        return ("own", "begins") if fixture == "own" else None

    def pytest_pam_phase_ended(self, fixture: str, found: object) -> tuple[str, str] | None:
        """What it gave."""
        if self.fails:
            raise OSError("gone")
        return ("own", f"gave {found}") if fixture == "own" else None


def test_pytest_pam_phase_begins() -> None:
    """Said of the fixture that begins a phase and of no other; what fails says nothing."""
    config = listened_to(Phases(), phases, of_observation, of_baseline)
    told = [listeners.phase_begins(config, name) for name in ("own", "plan", "held_window", "practice_range")]

    assert told[:2] == [[("own", "begins")], []]
    assert [phase for [(phase, _)] in told[2:]] == ["window", "sandbox"]
    assert listeners.phase_begins(config, "baseline_answers")[0][0] == "baseline"
    assert listeners.phase_begins(listened_to(Phases(fails=True)), "own") == []


def test_pytest_pam_phase_ended() -> None:
    """Incident, action and users are told when they are known; what cannot be told fails nothing."""
    config = listened_to(Phases(), of_observation, of_rollback)
    runbook = SimpleNamespace(plan=PLAN, started=datetime(2026, 1, 1, tzinfo=UTC), started_s=0.0)
    given = {"situation": "after-gradual", "runbook": runbook}
    request: Any = SimpleNamespace(getfixturevalue=given.__getitem__)
    recovery = Recovery(5, 10, 5.1, 12.5, 3.0, 0.2, 12.5, (), (), 100)

    def told(fixture: str, found: object) -> list[tuple[str, str]]:
        return listeners.phase_ended(config, fixture, found, request)

    assert told("own", 7) == [("own", "gave 7")]
    assert told("incident", SimpleNamespace(description="errors")) == [("incident", "errors")]
    assert told("in_situation", ActionFailed("HTTP 503")) == [("NOT DONE", "gradual: HTTP 503")]
    done = SimpleNamespace(decided_s=1.0, finished_s=3.0, steps=(1, 2))
    assert told("in_situation", done) == [("done", "gradual: 2 steps, 2.0 s after the decision")]
    assert [phase for phase, _ in told("recovery", recovery)] == ["users"]
    assert told("recovery", None) == []
    given["situation"] = "as-is"
    assert told("in_situation", None) == told("recovery", recovery) == []


def test_pytest_pam_watched(tmp_path: Path) -> None:
    """It is kept in the record; whoever fails is named in its notes, and nothing is invented."""
    seen = Watched("after-own")

    class Own:
        def pytest_pam_watched(self, runbook: object) -> list[Watched]:
            if runbook is NO_ONE:
                raise OSError("gone")
            return [seen]

    runbook: Any = SimpleNamespace(folder=tmp_path, journal=Journal(tmp_path / "none"), started_s=0.0, plan=PLAN)

    assert listeners.watched(listened_to(Own(), of_observation), runbook) == ([seen], [])
    assert listeners.watched(listened_to(Own()), NO_ONE) == ([], ["a hook failed: OSError: gone"])


class Recorded:
    """A part of a baseline with one finding of its own, or one that cannot be read."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem

    def pytest_pam_known_before(self) -> tuple[list[KnownFinding], dict[str, str]]:
        """What it has."""
        if self.problem:
            raise MeasurementFailed(self.problem)
        return [KnownFinding("CR-4", "home", "no alt", 2)], {"CR-4": "version 1"}


@pytest.mark.parametrize("problem", ["", "own.json is another one than was recorded"])
def test_pytest_pam_known_before(problem: str) -> None:
    """It is known as far as somebody answers for it; a part that cannot be read makes nothing known, and says so."""
    waiver = SimpleNamespace(
        item="CR-4", known=("home: *",), is_provisional=False, until=date(2099, 1, 1), approved_by="R. Ramp"
    )
    environment = SimpleNamespace(waivers=[waiver])
    stored = SimpleNamespace(
        red=(SimpleNamespace(item="CR-4", finding=KnownFinding("CR-4", "home", "no text"), count=1),),
        found=(),
        origin=SimpleNamespace(release=""),
        refuse_ill=lambda _: None,
        refuse_stale=lambda *_: None,
    )
    runbook = SimpleNamespace(stored=stored, environment=environment, plan=PLAN)
    request = SimpleNamespace(config=listened_to(Recorded(problem)))
    released = SimpleNamespace(frontend="", backend="")
    known = body(known_fixtures.known_before)(environment, runbook, released, request)

    told = known.told(KnownFinding("CR-4", "home", said, 2, by="version 2") for said in ("no alt", "no name"))
    listed = known.told([KnownFinding("CR-4", "home", "no text")])

    assert [finding.said for finding, _ in (*told.known, *listed.known)] == ([] if problem else ["no alt", "no text"])
    assert ("found by version 2, those of the baseline by version 1" in told.reasons) is not bool(problem)
    assert listed.reasons == problem


class Team:
    """A team that hears of all, or whose channel fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.heard: list[str] = []

    def _hear(self, text: str) -> None:
        if self.fails:
            raise OSError("no channel")
        self.heard.append(text)

    def pytest_pam_alarm(self, text: str) -> None:
        """Hear of it."""
        self._hear(text)

    def pytest_pam_verdict_known(self, news: str) -> list[str]:
        """Hear of it; somebody was out."""
        self._hear(news)
        return ["Slack was not told"]

    @contextmanager
    def pytest_pam_undo_begins(self, owed: Sequence[str]) -> Iterator[list[str]]:
        """Hear of the beginning and of how it ended."""
        self._hear(f"begun: {len(owed)}")
        problems: list[str] = []
        try:
            yield problems
        except UndoFailed as failed:
            self._hear(str(failed))
            raise
        self._hear("undone")
        problems.append("Slack was not told")


def listened_to(*plugins: object) -> Any:
    """A session with these listeners."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        manager.register(plugin)
    return SimpleNamespace(hook=manager.hook, pluginmanager=manager)


NO_ONE: Any = None


def test_pytest_pam_alarm() -> None:
    """It is said in a thread that nothing waits for long: whoever fails is dropped."""
    team = Team()
    listeners.alarm(listened_to(team), ENVIRONMENT, "no disk took it")
    listeners.alarm(listened_to(Team(fails=True)), ENVIRONMENT, "no disk took it")

    assert team.heard == ["no disk took it"]


def test_pytest_pam_verdict_known() -> None:
    """Who was not told is named, also when that is everybody."""
    team = Team()

    def tell(config: Any) -> list[str]:
        return listeners.verdict_known(config, NO_ONE, NO_ONE, "NO-GO")

    assert (tell(listened_to(team)), team.heard) == (["Slack was not told"], ["NO-GO"])
    assert tell(listened_to()) == ["nobody was told of the verdict: nobody listens"]
    assert tell(listened_to(Team(fails=True))) == [
        "was not told of the verdict, tell them yourself: OSError('no channel')"
    ]


def test_pytest_pam_undo_begins() -> None:
    """Beginning and end are heard, a failed one too; no listener keeps what is owed from being put back."""
    team = Team()
    owed: Any = ["flags"]
    with listeners.undo_followed(listened_to(team), NO_ONE, NO_ONE, owed) as untold:
        assert team.heard == ["begun: 1"]
    assert (team.heard, untold) == (["begun: 1", "undone"], ["Slack was not told"])

    with pytest.raises(UndoFailed), listeners.undo_followed(listened_to(team), NO_ONE, NO_ONE, owed):
        raise UndoFailed("HTTP 503")
    assert team.heard[-1] == "HTTP 503"

    put_back = []
    with listeners.undo_followed(listened_to(Team(fails=True)), NO_ONE, NO_ONE, owed) as untold:
        put_back.append(1)
    assert (put_back, untold) == ([1], ["a hook failed: OSError: no channel"])


class Tracker:
    """A listener of another tracker, and what it heard."""

    def __init__(self, answer: str | None, fails: str = "") -> None:
        self.answer = answer
        self.fails = fails
        self.heard: list[WatchedIncident] = []

    def pytest_pam_incident_opened(self, incident: WatchedIncident) -> str | None:
        """Hear of it."""
        self.heard.append(incident)
        if self.fails:
            raise RuntimeError(self.fails)
        return self.answer

    def pytest_pam_incident_updated(self, incident: WatchedIncident) -> None:
        """Hear of it, and say nothing."""
        self.heard.append(incident)

    def pytest_pam_incident_closed(self, incident: WatchedIncident) -> str | None:
        """Hear of it."""
        self.heard.append(incident)
        return self.answer


@dataclass(frozen=True)
class Listeners:
    """Two listeners, one of which fails, and a session that both listen to."""

    config: Any
    well: Tracker
    broken: Tracker

    def tell(self, hook: str, listener: str) -> str:
        """As a watch does."""
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        incident = WatchedIncident(
            "pam-1", "e", "ROLL BACK NOW", (), "ST-5", "All", "", "pytest", moment, moment, "run"
        )
        return listeners.tell_one(self.config, hook, listener, incident)


@pytest.fixture
def told() -> Listeners:
    """Neither knows of the other."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    well, broken = Tracker("https://tracker.example/1"), Tracker(None, "401")
    manager.register(well, "well")
    manager.register(broken, "broken")
    return Listeners(SimpleNamespace(hook=manager.hook, pluginmanager=manager), well, broken)


def test_pytest_pam_incident_opened(told: Listeners) -> None:
    """One listener at a time is told, and gives its reference; what fails is nobody else's."""
    assert listeners.names_of(told.config, "pytest_pam_incident_opened") == ["broken", "well"]
    with pytest.raises(RuntimeError, match="401"):
        told.tell("pytest_pam_incident_opened", "broken")
    assert told.tell("pytest_pam_incident_opened", "well") == "https://tracker.example/1"
    assert [len(told.well.heard), len(told.broken.heard)] == [1, 1]


def test_pytest_pam_incident_updated(told: Listeners) -> None:
    """Whoever answers nothing keeps its reference: nothing takes its place."""
    assert told.tell("pytest_pam_incident_updated", "well") == ""
    assert [len(told.well.heard), len(told.broken.heard)] == [1, 0]


def test_pytest_pam_incident_closed(told: Listeners) -> None:
    """As when it was opened."""
    assert told.tell("pytest_pam_incident_closed", "well") == "https://tracker.example/1"
    assert [len(told.well.heard), len(told.broken.heard)] == [1, 0]


def test_pytest_pam_command_line(tmp_path: Path) -> None:
    """Refused in one line, before there is a folder of the run."""
    project = runbook_with(tmp_path, *ONLY_HEALTH)
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(REFUSES)
    session = project.run_apart("-m", "health")

    assert session.rc == 4
    assert "ERROR: --pace 60: not on Fridays" in session.out
    assert not session.folder.exists()


def test_pytest_pam_earlier_runs(tmp_path: Path) -> None:
    """Before anybody looks for the run that is to be undone; nothing was written."""
    project = runbook_with(tmp_path, *ONLY_HEALTH)
    with (tmp_path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(BRINGS)
    session = project.run_apart("--undo", "brought", "--env=production", "--execute", "--confirm=production")

    assert "undoing needs --reason and --initiated-by" in session.out
    assert "the run changed production at https://elsewhere.example" in session.out
    assert not session.folder.exists()


def test_pytest_pam_why_left_out(heard: Finished) -> None:
    """Not run, and named with its reason."""
    record = json.loads((heard.folder / "run.json").read_text("utf-8"))

    assert [(one["nodeid"].rpartition("::")[2].partition("[")[0], one["reason"]) for one in record["deselected"]] == [
        ("test_database_is_healthy", "the database is another team's")
    ]
    assert record["results"]


def test_pytest_pam_situation_begins(heard: Finished) -> None:
    """Once for its only situation, with the fixtures of the session."""
    assert (heard.folder.parent / "begun").read_text("utf-8") == "as-is of sandbox\n"


def test_pytest_pam_incomplete(heard: Finished) -> None:
    """All that ran is green, and it is no GO."""
    assert heard.rc == 11, heard.out
    assert "PARTIAL: 1 was left out, and [] do not answer for it" in " ".join(heard.out.split())


def test_pytest_pam_notes(heard: Finished) -> None:
    """In the record, of a session that changed nothing."""
    assert f"seen in {heard.folder.name}" in Real(heard).notes


def test_pytest_pam_planned(any_session: Project, shared_range: Range) -> None:
    """What would be done, beside what nobody asked for."""
    session = any_session.run("-m", "health", "--dry-run", f"--env={shared_range.file}")

    steps = json.loads((session.folder / "run.json").read_text("utf-8"))["steps"]
    assert [(step["action"], step["step"], step["outcome"]) for step in steps] == [
        ("own", "1 phase of sandbox", "planned")
    ]


def test_a_story_tells_its_steps_and_its_limits(tmp_path: Path) -> None:
    """A dry run has the steps of its stories first; a drill where nothing was planted, or something before it, says so in its notes."""
    config = listened_to(Own(), of_rollback)
    journal = Journal(tmp_path / "journal.jsonl")
    runbook: Any = SimpleNamespace(plan=PLAN, environment=ENVIRONMENT, folder=tmp_path, journal=journal, undamaged=True)
    steps = listeners.planned(config, runbook, (), ("gradual",))
    quiet = listeners.notes(config, runbook)
    journal.append(ACTION, strategy="gradual")
    journal.append(PLANTED_BEFORE, faults=["slow"], situation="after-gradual")

    assert [step.action for step in steps][-1] == "own"
    assert {step.action for step in steps[:-1]} == {"gradual"}
    assert quiet == []
    assert listeners.notes(config, runbook) == [
        "recovery from damage not judged: nothing was planted here",
        "planted in the sandbox before after-gradual began: slow",
    ]


def test_pytest_pam_report(heard: Finished) -> None:
    """A heading with its lines, above the verdict."""
    lines = heard.out.splitlines()
    heading = lines.index("From elsewhere")

    assert re.fullmatch(r"  \d tests were seen", lines[heading + 1])
    assert any("INCONCLUSIVE" in line for line in lines[heading:])


def test_who_fails_makes_no_go(heard: Finished) -> None:
    """Whether all was asked is then not known; what a report would have said is named. It takes nobody else's answer along."""

    def fail(self: object) -> list[str]:
        raise RuntimeError("broken")

    def note(self: object) -> list[str]:
        return ["well"]

    hooks = ("incomplete", "report", "notes", "planned")
    broken = type("Broken", (), {f"pytest_pam_{name}": fail for name in hooks})
    well = type("Well", (), {"pytest_pam_notes": note})
    config = listened_to(broken(), well())
    runbook: Any = SimpleNamespace(plan=None, environment=None, folder=heard.folder)

    assert listeners.incomplete(config, LeftOut(), ()) == [
        "whether all was asked is not known: a hook failed: RuntimeError: broken"
    ]
    assert listeners.notes(config, runbook) == ["well", "a hook failed: RuntimeError: broken"]
    [step] = listeners.planned(config, runbook, (), ())
    assert step.step == "a hook failed: RuntimeError: broken"
    assert listeners.report(config, read(heard.folder / "run.json")) == [
        ("Not told", ("a hook failed: RuntimeError: broken",))
    ]
