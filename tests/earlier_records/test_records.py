"""What earlier versions left is read by this one: samples of each kept version. What a later one left is refused, and nothing is changed.

A sample is never edited. ``python -m tests.earlier_records.record`` adds those of a new version.
"""

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pam_rollback import VERSION
from pam_rollback.base import formats
from pam_rollback.base.errors import MeasurementFailed, Refused
from pam_rollback.communication.rules.escalation import sent_before
from pam_rollback.journal.journal import ACTION, UNDOING, Journal
from pam_rollback.plan.flags import Flag
from pam_rollback.plan.stories import STORIES
from pam_rollback.ramp.client.journal import RampJournal
from pam_rollback.ramp.rules.state import ENTERED
from pam_rollback.report import run_record
from pam_rollback.report.baseline_record import load_baseline
from pam_rollback.report.run_record import UnreadableRecord
from pam_rollback.rollback.rules.carried_out import CarriedOut
from pam_rollback.rollback.rules.locks import read_lock_record
from tests.sessions import FLAGS, ON, ONLY_HEALTH, ROOT, Project, RunningSandbox
from tests.undo_kinds import KINDS

HERE = Path(__file__).parent
KEPT = sorted(path.name for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__")
JOURNALS = [(version, path.name) for version in KEPT for path in sorted((HERE / version).glob("journal-*.jsonl"))]
LATER = "9.9.0"


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """The session of this module asks for no check."""
    return ONLY_HEALTH


def edited(source: Path, copy: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """A copy whose records, one a line or one for all, were edited."""
    text = source.read_text(encoding="utf-8")
    records = [json.loads(line) for line in text.splitlines()] if source.suffix == ".jsonl" else [json.loads(text)]
    for record in records:
        edit(record)
    copy.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return copy


def adds_fields(record: dict[str, Any]) -> None:
    """As a later version of the same format may: at the top and inside."""
    record["added_later"] = {"by": "somebody"}
    for name in ("facts", "environment", "origin", "overall"):
        if isinstance(record.get(name), dict):
            record[name]["added_later"] = 1


def is_later(record: dict[str, Any]) -> None:
    """Another format, of a later version."""
    record[formats.FIELD] = 99
    record[formats.WRITTEN_BY] = LATER


def unchanged(path: Path) -> Iterator[None]:
    """The file's bytes are the same afterwards."""
    before = path.read_bytes()
    yield
    assert path.read_bytes() == before


def test_this_version_says_who_it_is() -> None:
    """What a record names is what can be installed."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == VERSION


@pytest.mark.parametrize("version", KEPT)
def test_each_kept_version_left_a_journal_of_each_strategy(version: str) -> None:
    """None is forgotten."""
    assert {name for kept, name in JOURNALS if kept == version} == {f"journal-{story}.jsonl" for story in STORIES}


@pytest.mark.parametrize(("version", "name"), JOURNALS)
def test_a_journal_is_read(version: str, name: str) -> None:
    """What it owes can be put back, what was told is known, and each step has its outcome."""
    journal = Journal(HERE / version / name)
    story = name.removeprefix("journal-").removesuffix(".jsonl")

    done = CarriedOut.of(journal.entries(), story)
    assert not journal.too_new
    assert journal.action_began
    assert done.finding().done, done.finding()
    assert {undo.kind for undo in journal.owed()} <= KINDS.keys()
    assert len(journal.owed()) > 1
    assert sent_before(journal.entries())


@pytest.mark.parametrize("version", KEPT)
def test_run_record_baseline_ramp_and_lock_are_read(version: str) -> None:
    """As they were written."""
    kept = HERE / version

    record = run_record.read(kept / "run.json")
    baseline = load_baseline(kept / "baseline.json")
    ramp = RampJournal(kept / "ramp.jsonl", lambda: 0.0).events()
    held = read_lock_record((kept / "lock.json").read_text(encoding="utf-8"))
    assert (record.verdict, record.mode) == ("INCONCLUSIVE", "drill")
    assert baseline.answers.n >= 600
    assert [event.facts["stage"] for event in ramp if event.kind == ENTERED] == ["RA-1"]
    assert held is not None
    assert held.who == "alex"


def test_fields_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    """The same format with more in it says the same."""
    kept = HERE / KEPT[0]
    run = edited(kept / "run.json", tmp_path / "run.json", adds_fields)
    baseline = edited(kept / "baseline.json", tmp_path / "baseline.json", adds_fields)
    ramp = RampJournal(edited(kept / "ramp.jsonl", tmp_path / "ramp.jsonl", adds_fields), lambda: 0.0)
    name = "journal-full-system.jsonl"
    journal = Journal(edited(kept / name, tmp_path / name, adds_fields))

    assert run_record.read(run) == run_record.read(kept / "run.json")
    assert load_baseline(baseline) == load_baseline(kept / "baseline.json")
    assert len(ramp.events()) == 7
    assert [undo.kind for undo in journal.owed()] == [undo.kind for undo in Journal(kept / name).owed()]


def test_a_later_format_is_refused_with_what_to_install(tmp_path: Path) -> None:
    """Each record, in one sentence."""
    kept = HERE / KEPT[0]
    install = f"install pam-rollback {LATER} or newer and repeat the command; nothing was changed"
    run = edited(kept / "run.json", tmp_path / "run.json", is_later)
    baseline = edited(kept / "baseline.json", tmp_path / "baseline.json", is_later)
    ramp = RampJournal(edited(kept / "ramp.jsonl", tmp_path / "ramp.jsonl", is_later), lambda: 0.0)

    with pytest.raises(UnreadableRecord, match=install):
        run_record.read(run)
    with pytest.raises(MeasurementFailed, match=install):
        load_baseline(baseline)
    with pytest.raises(Refused, match=install):
        ramp.events()


def test_what_is_written_now_says_by_whom(tmp_path: Path) -> None:
    """Its first line, and that of each session that goes on with it."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(ACTION, strategy="frontend")
    journal.append("step-started", step="look")
    journal.append(UNDOING, initiated_by="alex")
    ramp = RampJournal(tmp_path / "ramp.jsonl", lambda: 0.0)
    ramp.append("started")
    ramp.append("raising", stage="RA-1")

    stamps = [formats.FIELD in entry for entry in journal.entries()]
    lines = [json.loads(line) for line in ramp.path.read_text(encoding="utf-8").splitlines()]
    assert stamps == [True, False, True]
    assert (journal.written_by, lines[0][formats.WRITTEN_BY]) == (VERSION, VERSION)
    assert [formats.FIELD in line for line in lines] == [True, False]
    assert [event.facts for event in ramp.events()] == [{}, {"stage": "RA-1"}]


def kept_run(project: Project, running_sandbox: RunningSandbox, edit: Callable[[dict[str, Any]], object]) -> Path:
    """The folder of a feature-flag rollback that an earlier version did on this sandbox."""
    folder = project.folder / "yesterday"
    folder.mkdir()

    def here(record: dict[str, Any]) -> None:
        if "api" in record:
            record["api"] = running_sandbox.state["urls"]["api"]
        edit(record)

    edited(HERE / KEPT[0] / "journal-feature-flag.jsonl", folder / "journal.jsonl", here)
    return folder


def test_a_rollback_of_yesterday_is_undone_after_the_upgrade(running_sandbox: RunningSandbox, project: Project) -> None:
    """By its journal alone; and that of a later version is refused, by --resume too, with every flag as it was."""
    off = Flag(enabled=False, rollout_pct=0)
    running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, off))
    env = f"--env={running_sandbox.file}"
    folder = kept_run(project, running_sandbox, is_later)
    before = (folder / "journal.jsonl").read_bytes()

    refused = [
        project.run("--undo", str(folder), env),
        project.run("drills/test_feature_flag.py", "--resume", str(folder), env),
    ]

    assert [ended.rc for ended in refused] == [13, 13], [ended.out for ended in refused]
    for ended in refused:
        assert f"install pam-rollback {LATER} or newer" in " ".join(ended.out.split())
    assert (folder / "journal.jsonl").read_bytes() == before
    assert {running_sandbox.flags.read_flags()[name] for name in FLAGS} == {off}
    shutil.rmtree(folder)
    folder = kept_run(project, running_sandbox, adds_fields)
    undone = project.run("--undo", str(folder), env)
    assert undone.rc == 0, undone.out
    assert {running_sandbox.flags.read_flags()[name] for name in FLAGS} == {ON}
    journal = Journal(folder / "journal.jsonl")
    assert (journal.owed(), journal.written_by) == ([], VERSION)


def test_an_undo_that_only_a_later_version_knows_is_refused(running_sandbox: RunningSandbox, project: Project) -> None:
    """Before any other change is put back: half an undo helps nobody."""
    off = Flag(enabled=False, rollout_pct=0)
    running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, off))

    def later(record: dict[str, Any]) -> None:
        record[formats.WRITTEN_BY] = LATER
        if record.get("kind") == "clear-faults":
            record["kind"] = "grow-back"

    folder = kept_run(project, running_sandbox, later)

    refused = project.run("--undo", str(folder), f"--env={running_sandbox.file}")

    assert refused.rc == 13, refused.out
    assert f"owes grow-back, which pam-rollback {VERSION} cannot put back" in " ".join(refused.out.split())
    assert {running_sandbox.flags.read_flags()[name] for name in FLAGS} == {off}
