"""What hosts told of an incident is read from their files, whichever hosts those were."""

import json
from pathlib import Path

import pytest

from pam_rollback.postmortem.service.told import events_told

DEPLOY = {
    "id": "d-1",
    "state": "ready",
    "commit": "",
    "created_at": "2026-11-02T10:00:00Z",
    "finished_at": "2026-11-02T10:05:00Z",
}


@pytest.mark.parametrize("host", ["render", "pier"])
def test_each_host_is_heard(tmp_path: Path, host: str) -> None:
    """Its events and its deploys, in its name; a file that is cut off tells nothing."""
    files = {
        f"{host}-events.json": json.dumps([{"at": "2026-11-02T10:01:00Z", "type": "scaled"}]),
        f"{host}-deploys.json": json.dumps([DEPLOY]),
        "other-deploys.json": '[{"id": "d',
    }
    (tmp_path / "providers").mkdir()
    for name, text in files.items():
        (tmp_path / "providers" / name).write_text(text, encoding="utf-8")
    told = [(event.at.minute, event.what) for event in events_told(tmp_path)]

    assert [minute for minute, _ in told] == [1, 0, 5]
    assert all(words.startswith(f"{host}: ") for _, words in told)
