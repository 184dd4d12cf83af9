"""What a run left changed is put back, the latest first; what cannot be put back keeps nothing else from it and is never called done."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pam_rollback.core.errors import MeasurementFailed, Refused, UndoFailed
from pam_rollback.plan.flags import Flag
from pam_rollback.plugin import earlier_run, hookspecs
from pam_rollback.plugin.earlier_run import NothingDone, journal_of
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.rollback.flags import owe_flags
from pam_rollback.rollback.journal import SETTLED, Journal, Scope, Undo
from pam_rollback.rollback.undoing import UndoKind, UndoKinds, UndoTools, undo_all
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.plugin.beginning import Begin, begin
from tests.sessions import FLAGS, ON, ROOT, Project, RunningSandbox
from tests.undo_kinds import KINDS

__all__ = ["begin"]

REFUSED, CRASHES, WORKS = "refused", "crashes", "works"
OFF = Flag(enabled=False, rollout_pct=0)
OTHER_SANDBOX = "http://127.0.0.1:9"


@pytest.fixture
def environment() -> Environment:
    """Any one: these undos reach nothing."""
    return load_environment(str(ROOT / "environments/examples/production.toml"), ROOT / "environments", {})


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A run that changed four things."""
    journal = Journal(tmp_path / "journal.jsonl")
    for kind in (WORKS, REFUSED, CRASHES, WORKS):
        journal.owe(kind, {"number": len(journal.owed())}, place=str(len(journal.owed())))
    return journal


@pytest.fixture
def put_back() -> list[int]:
    """The undos in the order in which they were asked for."""
    return []


@pytest.fixture
def kinds(put_back: list[int]) -> UndoKinds:
    """Two of them cannot be done."""

    def works(undo: Undo, _: UndoTools) -> None:
        put_back.append(undo.number)

    def refused(undo: Undo, _: UndoTools) -> None:
        put_back.append(undo.number)
        raise UndoFailed("HTTP 503: a person must set it")

    def crashes(undo: Undo, _: UndoTools) -> None:
        put_back.append(undo.number)
        raise KeyError("published_deploy")

    return {WORKS: UndoKind(works), REFUSED: UndoKind(refused), CRASHES: UndoKind(crashes)}


def test_all_are_tried_the_latest_first(
    journal: Journal, environment: Environment, put_back: list[int], kinds: UndoKinds
) -> None:
    """A refusal and a crash stop nothing; both are tried again at the end and named, and only what was put back is settled."""
    with pytest.raises(UndoFailed) as failed:
        undo_all(journal, environment, kinds, initiated_by="alex")

    assert put_back == [4, 3, 2, 1, 3, 2]
    assert "HTTP 503: a person must set it" in str(failed.value)
    assert "published_deploy" in str(failed.value)
    assert [undo.number for undo in journal.owed()] == [3, 2]


def _needs(release: list[str]) -> UndoKind:
    """Its admin obeys only while the release of before answers."""

    def put_back(undo: Undo, _: UndoTools) -> None:
        if not release:
            raise UndoFailed("HTTP 401")

    return UndoKind(put_back)


def test_what_needs_the_release_of_before_is_put_back_after_it(tmp_path: Path, environment: Environment) -> None:
    """Steps that went side by side are noted in any order."""
    journal, release = Journal(tmp_path / "other.jsonl"), list[str]()
    kinds = {"run-deploy": UndoKind(lambda *_: release.append("before")), "flags": _needs(release)}
    journal.owe("run-deploy", {})
    journal.owe("flags", {})

    assert undo_all(journal, environment, kinds, initiated_by="alex") == 2
    assert not journal.owed()


def test_a_later_state_is_not_put_over_an_older_one(tmp_path: Path, environment: Environment) -> None:
    """The flags of before the first change are back: those of before the second must not follow."""
    journal, release, seen = Journal(tmp_path / "other.jsonl"), list[str](), list[object]()

    def put_back(undo: Undo, _: UndoTools) -> None:
        if undo.facts["pct"] == 50 and not release:
            raise UndoFailed("HTTP 401")
        seen.append(undo.facts["pct"])

    kinds = {"run-deploy": UndoKind(lambda *_: release.append("before")), "flags": UndoKind(put_back)}
    journal.owe("run-deploy", {})
    for situation, pct in (("first", 100), ("second", 50)):
        journal.of(Scope(situation, environment.name, environment.urls.api)).owe("flags", {"pct": pct})

    with pytest.raises(UndoFailed, match="HTTP 401"):
        undo_all(journal, environment, kinds, initiated_by="alex")
    assert seen == [100]
    assert [undo.facts for undo in journal.owed()] == [{"pct": 50}]


def test_what_is_left_to_others_stays_owed(
    journal: Journal, environment: Environment, put_back: list[int], kinds: UndoKinds
) -> None:
    """The incident of a drill is taken away by who planted it."""
    assert undo_all(journal, environment, kinds, initiated_by="alex", left_to_others={REFUSED, CRASHES}) == 2
    assert put_back == [4, 1]


def test_an_unknown_kind_needs_a_person(tmp_path: Path, environment: Environment) -> None:
    """A journal of a newer version, say: the message has what was to be put back."""
    journal = Journal(tmp_path / "other.jsonl")
    journal.owe("set-branch", {"branch": "main"})

    with pytest.raises(UndoFailed, match=r"does not know: a person must put back \{'branch': 'main'\}"):
        undo_all(journal, environment, KINDS, initiated_by="alex")
    assert len(journal.owed()) == 1


def test_every_kind_has_a_routine_that_refuses_what_is_not_there(environment: Environment, tmp_path: Path) -> None:
    """Asked for on an environment that has none of it, each says so instead of calling it done."""
    for kind in KINDS:
        journal = Journal(tmp_path / f"{kind}.jsonl")
        journal.owe(kind, {})
        with pytest.raises(UndoFailed):
            undo_all(journal, environment, KINDS, initiated_by="alex")
        assert len(journal.owed()) == 1


class Listening:
    """A session of ``--undo`` whose lock is free, and who listens to what came of it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, journal: Journal, environment: Environment, kinds: UndoKinds
    ) -> None:
        self.heard: list[tuple[str, str]] = []
        self.kinds = kinds
        manager = pytest.PytestPluginManager()
        manager.add_hookspecs(hookspecs)
        manager.register(self)
        self.config = cast("pytest.Config", SimpleNamespace(hook=manager.hook, add_cleanup=lambda _: None))
        options = SimpleNamespace(
            undo="run", dry_run=False, initiated_by="kim", reason="s3cret fix", blank=(), execute=True, take_over=""
        )
        redact = lambda text: text.replace("s3cret", "***")  # noqa: E731 - a word
        self.runbook = cast(
            "Runbook",
            SimpleNamespace(
                options=options, environment=environment, id="u", plan=None, secrets=SimpleNamespace(redact=redact)
            ),
        )
        for name, stub in (
            ("journal_of", lambda *_: journal),
            ("_undo_refusals", lambda *_: []),
            ("Alarm", lambda *_: SimpleNamespace(end=None)),
            ("sole_writer", lambda *_: nullcontext(SimpleNamespace(warnings=[]))),
            ("team_follows", lambda *_: nullcontext([])),
        ):
            monkeypatch.setattr(earlier_run, name, stub)

    def pytest_pam_undo_kinds(self) -> UndoKinds:
        """Those of this test."""
        return self.kinds

    def pytest_pam_run_ended(self, run_folder: Path, undone: str) -> str:
        """Hear of it."""
        self.heard.append((run_folder.name, undone))
        return "incident: s3cret #4"


@pytest.mark.parametrize("mode", ["real", "drill"])
def test_whoever_listens_hears_of_a_real_run_that_was_undone(
    tmp_path: Path,
    environment: Environment,
    put_back: list[int],
    kinds: UndoKinds,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    """What was put back, and what could not be; a drill's undo is nobody's news."""
    folder = tmp_path / "run-1"
    folder.mkdir()
    journal = Journal(folder / "journal.jsonl")
    journal.append("action", strategy="frontend", mode=mode, environment="production")
    journal.owe(WORKS, {})
    session = Listening(monkeypatch, journal, environment, kinds)

    done = earlier_run.undo_run(session.config, session.runbook)
    journal.owe(REFUSED, {}, place="s3cret")
    with pytest.raises(UndoFailed) as failed:
        earlier_run.undo_run(session.config, session.runbook)

    assert put_back == [1, 2]
    if mode == "drill":
        assert session.heard == []
        assert "incident" not in done + str(failed.value)
    else:
        [(run, good), (_, bad)] = session.heard
        assert run == "run-1"
        assert good.startswith("UNDONE: 1 change of ")
        assert bad == "UNDO FAILED: HTTP 503: a person must set it"
        assert done.endswith("\nincident: *** #4")
        assert str(failed.value) == "HTTP 503: a person must set it\nincident: *** #4"


def recorded(folder: Path, *steps: Mapping[str, str]) -> Path:
    """A run's folder with these steps in its record."""
    (folder / "allure-results").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"steps": steps}), encoding="utf-8")
    return folder


OFF_STEP = {"step": "switch the features off", "outcome": "done"}


def test_a_journal_that_tells_less_than_the_record_is_not_whole(
    tmp_path: Path, environment: Environment, kinds: UndoKinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """14 and not "0 changes": its last lines are lost, and with them how to put back what the record says was done."""
    journal = Journal(recorded(tmp_path / "run-1", OFF_STEP) / "journal.jsonl")
    journal.append("action", strategy="feature-flag", mode="real", environment="production")
    session = Listening(monkeypatch, journal, environment, kinds)

    with pytest.raises(UndoFailed, match=r"0 changes of .*the journal is not whole.*nothing: switch the features off"):
        earlier_run.undo_run(session.config, session.runbook)


THREE = ("flags", "site", "service")


@pytest.mark.parametrize("spoilt", ["gone", "damaged", "zeros"])
@pytest.mark.parametrize("line", [0, 1, 2, 5, 8])
def test_a_line_that_the_journal_lacks_is_no_complete_undo(
    tmp_path: Path,
    environment: Environment,
    kinds: UndoKinds,
    put_back: list[int],
    monkeypatch: pytest.MonkeyPatch,
    line: int,
    spoilt: str,
) -> None:
    """14 with all that is known put back, whichever line it is: it may have said how to put back a third change."""
    journal = Journal(tmp_path / "run-1" / "journal.jsonl")
    journal.append("action", strategy="full-system", mode="real", environment="production", api=environment.urls.api)
    for place in THREE:
        journal.append("step-started", step=place, changes=True)
        journal.owe(WORKS, {}, place=place)
        journal.append("step-done", step=place, result="done")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    half = len(lines[line]) // 2
    lines[line] = {"gone": b"", "damaged": lines[line][:half] + b"\n", "zeros": bytes(half) + b"\n"}[spoilt]
    copy = Journal(tmp_path / "run-2" / "journal.jsonl")
    copy.path.parent.mkdir()
    copy.path.write_bytes(b"".join(lines))
    session = Listening(monkeypatch, copy, environment, kinds)

    with pytest.raises(
        UndoFailed,
        match=r"the journal is not whole, so there may be more.* 1 of 1\d lines are missing, the first is line",
    ):
        earlier_run.undo_run(session.config, session.runbook)
    assert len(put_back) == (2 if line in {2, 5, 8} else 3)


def test_a_kill_before_the_first_note_is_told_once(
    tmp_path: Path, environment: Environment, kinds: UndoKinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """11 says where to look; whoever looked says so by the same command, and it is over. Before, it was 11 for ever."""
    journal = Journal(tmp_path / "run-1" / "journal.jsonl")
    journal.append("action", strategy="frontend-restore", mode="real", environment="production", api="")
    journal.append("step-started", step="publish the target", changes=True)
    session = Listening(monkeypatch, journal, environment, kinds)

    with pytest.raises(MeasurementFailed, match=r"within the step 'publish the target'.* then repeat this command"):
        earlier_run.undo_run(session.config, session.runbook)
    assert earlier_run.undo_run(session.config, session.runbook).startswith("UNDONE: 0 changes")


def test_a_line_that_a_kill_cut_short_is_no_gap(
    tmp_path: Path, environment: Environment, kinds: UndoKinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one of a session: whoever goes on begins with its number. So does each of the situations that are written side by side."""
    journal = Journal(tmp_path / "run-1" / "journal.jsonl")
    for situation in ("one", "two", "one"):
        journal.of(Scope(situation, "production", environment.urls.api)).append(
            "action", strategy="frontend", environment="production", api=""
        )
    with journal.path.open("ab") as file:
        file.write(b'{"at": "2026')
    session = Listening(monkeypatch, Journal(journal.path), environment, kinds)

    assert earlier_run.undo_run(session.config, session.runbook).startswith("UNDONE: 0 changes")
    assert journal.gaps == []


@pytest.mark.parametrize("text", [None, "", '{"event": "resumed"}\n'], ids=["gone", "empty", "without a beginning"])
def test_a_journal_without_a_beginning_is_lost_when_the_record_has_steps(tmp_path: Path, text: str | None) -> None:
    """Nothing was done where the record has no step, either, or only what a dry run planned."""
    planned = {"step": "switch the features off", "outcome": "planned"}
    runs = recorded(tmp_path / "acted", OFF_STEP), recorded(tmp_path / "idle"), recorded(tmp_path / "dry", planned)
    for run in runs if text is not None else ():
        (run / "journal.jsonl").write_text(text or "", encoding="utf-8")
    config = cast("pytest.Config", SimpleNamespace(rootpath=tmp_path))

    with pytest.raises(Refused, match=r"its run\.json says that it changed something: the journal is lost"):
        journal_of(config, "--undo", str(runs[0]))
    for run in runs[1:]:
        with pytest.raises(NothingDone, match="nothing was done"):
            journal_of(config, "--undo", str(run))


NOTHING_READABLE = {
    "empty": b"",
    "lost with the power": bytes(4096),
    "somebody else's": b"\x93NUMPY\n{}\n[1]\n",
    "two lines cut short": b'{"at": "2026\n{"at": "2026',
}


@pytest.mark.parametrize("body", NOTHING_READABLE.values(), ids=NOTHING_READABLE)
def test_a_journal_that_cannot_be_read_is_not_taken_for_nothing_done(tmp_path: Path, body: bytes) -> None:
    """The run was killed, so that no record tells of it either: flags may be off, and a person has to look."""
    (tmp_path / "run-1" / "allure-results").mkdir(parents=True)
    (tmp_path / "run-1" / "journal.jsonl").write_bytes(body)
    config = cast("pytest.Config", SimpleNamespace(rootpath=tmp_path))

    for option in ("--undo", "--resume"):
        with pytest.raises(Refused, match=r"whether this run changed something is not known.*a person must look"):
            journal_of(config, option, str(tmp_path / "run-1"))


@pytest.mark.parametrize("record", [None, "{}"])
def test_a_folder_in_the_journals_place_is_no_journal(tmp_path: Path, record: str | None) -> None:
    """Whoever made it, what the run did is not known by it."""
    (tmp_path / "run-1" / "allure-results").mkdir(parents=True)
    (tmp_path / "run-1" / "journal.jsonl").mkdir()
    if record is not None:
        (tmp_path / "run-1" / "run.json").write_text(record, encoding="utf-8")
    config = cast("pytest.Config", SimpleNamespace(rootpath=tmp_path))

    with pytest.raises(
        Refused,
        match=r"journal.jsonl cannot be read \(Is a directory\): whether this run changed something is not known",
    ):
        journal_of(config, "--undo", str(tmp_path / "run-1"))


def test_the_first_line_cut_short_is_before_any_change(tmp_path: Path) -> None:
    """Each line is on the disk before the next thing happens."""
    (tmp_path / "run-1" / "allure-results").mkdir(parents=True)
    (tmp_path / "run-1" / "journal.jsonl").write_bytes(b'{"at": "2026-01-01T00:00:00.000+00:00", "at_s": 1')
    config = cast("pytest.Config", SimpleNamespace(rootpath=tmp_path))

    with pytest.raises(NothingDone):
        journal_of(config, "--undo", str(tmp_path / "run-1"))


GOES_ON = """
import sys
from pathlib import Path
from pam_rollback.plugin import second_places

held = second_places.hold(Path(sys.argv[1]))
print("held" if held else "not held", flush=True)
sys.stdin.read()
"""


def test_a_run_that_is_still_going_on_is_neither_undone_nor_resumed(tmp_path: Path) -> None:
    """It said that it had ended before its first change, or wrote into its folder; once its process is gone, however, it may be."""
    folder = tmp_path / "run-1"
    (folder / "allure-results").mkdir(parents=True)
    Journal(folder / "journal.jsonl").append("action", strategy="feature-flag", mode="real", environment="production")
    config = cast("pytest.Config", SimpleNamespace(rootpath=tmp_path))
    command = [sys.executable, "-c", GOES_ON, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == "held\n"
        for option in ("--undo", "--resume"):
            with pytest.raises(Refused, match="this run is still going on, in another session on this machine"):
                journal_of(config, option, str(folder))
        session.kill()

    assert journal_of(config, "--undo", str(folder)).path == folder / "journal.jsonl"


@pytest.fixture
def killed(project: Project, running_sandbox: RunningSandbox) -> Callable[..., Path]:
    """Makes the folder of a run that switched the features off on sandboxes, this one last, and was killed."""

    def make(*others: str) -> Path:
        folder = project.folder / "killed"
        folder.mkdir()
        for number, api in enumerate([*others, running_sandbox.state["urls"]["api"]]):
            journal = Journal(folder / "journal.jsonl").of(Scope(f"after-{number}", "sandbox", api))
            journal.append("planting", fault="errors", environment="sandbox", api=api)
            owe_flags(journal, dict.fromkeys(FLAGS, ON))
        running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, OFF))
        return folder

    return make


def switched(running_sandbox: RunningSandbox) -> set[Flag]:
    """How the features are."""
    found = running_sandbox.flags.read_flags()
    return {found[name] for name in FLAGS}


def test_undo_given_twice(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, killed: Callable[..., Path]
) -> None:
    """The second finds nothing to put back, says so and ends with 0. It sends nothing: what people switched off meanwhile stays off."""
    command = ("--undo", str(killed()), "--env", str(running_sandbox.file))
    first = begin(project.folder, *command)
    assert (first.rc, switched(running_sandbox)) == (0, {ON}), first.said
    assert "UNDONE: 1 change of" in first.said
    running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, OFF))

    second = begin(project.folder, *command)

    assert (second.rc, switched(running_sandbox)) == (0, {OFF}), second.said
    assert "UNDONE: 0 changes of" in second.said


def test_what_is_owed_to_another_sandbox_is_named_and_not_called_done(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, killed: Callable[..., Path]
) -> None:
    """What is owed here is put back, the rest stays owed, and the session ends with 11, however often it is asked."""
    folder = killed(OTHER_SANDBOX)
    command = ("--undo", str(folder), "--env", str(running_sandbox.file))

    planned = begin(project.folder, *command, "--dry-run")
    assert planned.rc == 11, planned.said
    assert f"and not what is owed elsewhere: set-flags on sandbox at {OTHER_SANDBOX}" in planned.said
    for count in ("1 change", "0 changes"):
        undone = begin(project.folder, *command)

        assert (undone.rc, switched(running_sandbox)) == (11, {ON}), undone.said
        assert f"{count} of" in undone.said
        assert (
            f"1 more of this run is owed to another environment and was not touched (set-flags on sandbox at {OTHER_SANDBOX})"
            in undone.said
        )
    journal = Journal(folder / "journal.jsonl")
    assert [undo.api for undo in journal.owed()] == [OTHER_SANDBOX]
    assert sum(entry["event"] == SETTLED for entry in journal.entries()) == 1
