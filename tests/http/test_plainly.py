"""A command that the machine lets down says so in a line."""

from pathlib import Path

import pytest

from pam_rollback.http.plainly import cannot_be_used, told


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
