"""A command that the machine lets down says so in a line."""

import subprocess
import sys
from pathlib import Path

import pytest

from pam_rollback.outside.plainly import cannot_be_used, told

WRITES = """
import sys
from pam_rollback.outside.plainly import told

@told
def main():
    for _ in range(100_000):
        sys.stdout.write("a line that nobody reads\\n")
    return 0

sys.exit(main())
"""


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


@pytest.mark.parametrize("shell", ['"$0" -c "$1" | head -1', '"$0" -c "$1" >&-'], ids=["a reader who leaves", "closed"])
def test_nobody_reads(shell: str) -> None:
    """No traceback, and no complaint of Python's at its end."""
    done = subprocess.run(
        ["sh", "-c", shell, sys.executable, WRITES], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stderr == ""


def test_a_command_in_another_folder_says_where_it_belongs(tmp_path: Path) -> None:
    """It neither begins nor makes anything there; what explains it works everywhere."""
    run = [sys.executable, "-m", "pam_rollback.drills"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    helped = subprocess.run([*run, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    said = f"{tmp_path}: no plan.toml is here: run it in the suite's own folder\n"
    assert (done.returncode, done.stderr, helped.returncode) == (1, said, 0)
    assert [*tmp_path.iterdir()] == []
