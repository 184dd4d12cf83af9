"""What a later version of the suite left is refused, and nothing is changed; a field more in a record is no other format."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pam_rollback import VERSION
from pam_rollback.core import run_files
from pam_rollback.plan.flags import Flag
from pam_rollback.report import run_record
from pam_rollback.report.run_record import UnreadableRecord
from pam_rollback.rollback.journal import Journal
from tests.sessions import FLAGS, ON, ONLY_HEALTH, ROOT, Project, RunningSandbox

SAMPLES = ROOT / "tests" / "samples"
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
    record[run_files.FORMAT] = 99
    record[run_files.WRITTEN_BY] = LATER


def test_a_run_record_of_another_format_is_refused(tmp_path: Path) -> None:
    """With the version that wrote it; one with more fields says the same as before."""
    kept = SAMPLES / "run.json"

    assert run_record.read(edited(kept, tmp_path / "more.json", adds_fields)) == run_record.read(kept)
    with pytest.raises(UnreadableRecord, match=r"repeat the command with the version that wrote it \(9\.9\.0\)"):
        run_record.read(edited(kept, tmp_path / "run.json", is_later))


def kept_run(project: Project, running_sandbox: RunningSandbox, edit: Callable[[dict[str, Any]], object]) -> Path:
    """The folder of a feature-flag rollback that was done on this sandbox."""
    folder = project.folder / "yesterday"
    folder.mkdir()

    def here(record: dict[str, Any]) -> None:
        if "api" in record:
            record["api"] = running_sandbox.state["urls"]["api"]
        edit(record)

    edited(SAMPLES / "journal-feature-flag.jsonl", folder / "journal.jsonl", here)
    return folder


def test_a_rollback_of_another_version_is_refused(running_sandbox: RunningSandbox, project: Project) -> None:
    """By --undo and by --resume, with every flag as it was. With the version that wrote it, its journal alone is enough."""
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
        assert f"the version that wrote it ({LATER})" in " ".join(ended.out.split())
    assert (folder / "journal.jsonl").read_bytes() == before
    assert {running_sandbox.flags.read_flags()[name] for name in FLAGS} == {off}
    shutil.rmtree(folder)
    folder = kept_run(project, running_sandbox, adds_fields)
    undone = project.run("--undo", str(folder), env)
    assert undone.rc == 0, undone.out
    assert {running_sandbox.flags.read_flags()[name] for name in FLAGS} == {ON}
    journal = Journal(folder / "journal.jsonl")
    assert (journal.owed(), journal.written_by) == ([], VERSION)
