"""A file of events says of each line whether it is one, whole, and of a known format; a command that a file lets down says so."""

import json
from pathlib import Path

import pytest

from pam_rollback.core import run_files
from pam_rollback.core.run_files import Event
from pam_rollback.http.files import EventLog, cannot_be_used, told

FIRST, SECOND = Event(1.5, "began", {"who": "kim", "token": "s3cret"}), Event(2.0, "ended")


def log(folder: Path) -> EventLog:
    """Of the first format, without secrets."""
    return EventLog(folder / "state" / "events.jsonl", 1, lambda text: text.replace("s3cret", "***"))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """In order and without secrets; only the first line says which format it is, and none is there before it."""
    events = log(tmp_path)
    assert [*events.lines()] == []
    events.append(FIRST)
    events.append(SECOND)

    first, second = events.lines()
    assert (first.event, second.event) == (Event(1.5, "began", {"who": "kim", "token": "***"}), SECOND)
    assert (first.number, first.finished, second.number, second.finished) == (1, True, 2, True)
    assert [run_files.FORMAT in json.loads(line.text) for line in (first, second)] == [True, False]
    assert json.loads(first.text)["at"] == "1970-01-01T00:00:01+00:00"


def test_a_line_that_is_none_says_so(tmp_path: Path) -> None:
    """Cut short, empty, another thing, or of a later version: whoever reads decides what that means."""
    events = log(tmp_path)
    events.append(FIRST)
    later = {**json.loads(events.path.read_text("utf-8")), run_files.FORMAT: 2}
    with events.path.open("a", encoding="utf-8") as file:
        file.write(f'\n[]\n{{"at_s": "soon"}}\n{json.dumps(later)}\n{{"at_s": 1, "ev')

    good, empty, other, wrong, new, torn = events.lines()
    assert good.event is not None
    assert [one.event for one in (empty, other, wrong, new, torn)] == [None] * 5
    assert [one.finished for one in (empty, other, wrong, new, torn)] == [True] * 4 + [False]
    assert [bool(one.too_new) for one in (good, other, wrong, new, torn)] == [False, False, False, True, False]
    assert (other.number, other.found) == (3, "'[]'")


def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its place; a name of hundreds of letters is shortened, and its end is shown."""

    @told
    def main(name: str) -> int:
        return len((tmp_path / name).read_bytes())

    assert (main("nowhere"), main("y" * 300 + ".toml")) == (1, 1)
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"{tmp_path / 'nowhere'}: no such file or directory"
    assert second.endswith("yyy.toml: file name too long")
    assert len(second) < 250
    assert cannot_be_used(OSError("the line broke")) == "the line broke"
