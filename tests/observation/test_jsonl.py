"""Files of one object per line: read in blocks, with nothing lost at their seams."""

import json
from pathlib import Path

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation import child as jsonl
from pam_rollback.observation.child import LineReader


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few lines, so that seams come often."""
    monkeypatch.setattr(jsonl, "_BLOCK_BYTES", 64)


@pytest.mark.usefixtures("small_blocks")
def test_nothing_is_lost_between_blocks(tmp_path: Path) -> None:
    """Lines shorter and longer than a block come whole, once, and in order; half a line waits."""
    path = tmp_path / "lines.jsonl"
    documents = [{"n": number, "text": "x" * (number * 7 % 200)} for number in range(300)]
    text = "".join(json.dumps(document) + "\n" for document in documents)
    path.write_text(text[:-5])
    reader = LineReader(path)

    assert reader.new() == documents[:-1]
    assert reader.new() == []
    path.write_text(text)
    assert reader.new() == documents[-1:]
    assert reader.new() == []


@pytest.mark.usefixtures("small_blocks")
def test_blocks_are_small(tmp_path: Path) -> None:
    """A file of any length is never held whole."""
    path = tmp_path / "lines.jsonl"
    path.write_text('{"n":1}\n' * 1000)
    blocks = list(LineReader(path)._blocks())

    assert max(map(len, blocks)) <= 64
    assert b"".join(blocks) == path.read_bytes()


@pytest.mark.usefixtures("small_blocks")
def test_damage_is_named_by_its_line_and_met_again(tmp_path: Path) -> None:
    """A reader that asks again does not read on behind the damage as if nothing had been."""
    path = tmp_path / "lines.jsonl"
    path.write_text('{"n":1}\n' * 40 + "{broken\n" + '{"n":1}\n' * 40)
    reader = LineReader(path)
    for _ in range(2):
        with pytest.raises(MeasurementFailed, match="line 41: expected a JSON object"):
            reader.new()


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """No file is no empty file."""
    with pytest.raises(MeasurementFailed, match="there is no such file"):
        LineReader(tmp_path / "none.jsonl").new()
