"""What goes wrong while a session writes its files takes nobody's verdict: it is a line beside it."""

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pam_rollback.plugin.record import redacted_at_the_end
from pam_rollback.plugin.runbook import Runbook, Secrets
from pam_rollback.report.redaction import Redactor

SECRET = "hunter2-hunter2"


@pytest.fixture
def runbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runbook:
    """A session in that folder, as far as its last files go."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "run"
    folder.mkdir()
    stub = SimpleNamespace(folder=folder, secrets=Secrets({SECRET}, Redactor([SECRET])), losses=[])
    stub.lost = stub.losses.append
    return cast("Runbook", stub)


def damaged(path: Path) -> None:
    """An archive such as a trace, in which some bytes are not what was written."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trace.network", b"GET /api " * 1000)
    body = bytearray(path.read_bytes())
    body[45] ^= 255
    path.write_bytes(body)


def test_a_file_that_cannot_be_searched_keeps_no_other_from_being_redacted(runbook: Runbook) -> None:
    """It is named, and the session goes on to its verdict."""
    damaged(runbook.folder / "a-trace.zip")
    (runbook.folder / "b.log").write_text(f"token {SECRET}", encoding="utf-8")

    leaks = redacted_at_the_end(runbook)

    assert leaks == [runbook.folder / "b.log"]
    assert SECRET not in (runbook.folder / "b.log").read_text(encoding="utf-8")
    [loss] = runbook.losses
    assert loss.startswith("a-trace.zip could not be searched for secrets: "), loss
