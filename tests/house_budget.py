"""The house does not grow: nodes and lines of each package, other text, tests and pages stay within `[tool.house]` of pyproject.toml.

A change that makes the house smaller lowers its budgets: `python tests/house_budget.py` prints what stands now.
"""

import ast
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = (
    "checks",
    "drills",
    "load",
    "src/pam_sandbox",
    *(f"src/pam_rollback/{path.parent.name}" for path in (ROOT / "src/pam_rollback").glob("*/__init__.py")),
)


def tracked(*places: str) -> list[Path]:
    """Return the files that git knows, or would take, below these places."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "--", *places]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    return [path for name in sorted(set(listed)) if name and (path := ROOT / name).is_file()]


def lines(paths: Sequence[Path]) -> int:
    """Return how many lines these files of text have together."""
    return sum(path.read_bytes().count(b"\n") for path in paths)


def nodes(paths: Sequence[Path]) -> int:
    """Return how many nodes the syntax trees of these modules have together."""
    return sum(1 for path in paths for _ in ast.walk(ast.parse(path.read_bytes())))


def measured() -> dict[str, list[int]]:
    """Return nodes and lines of each package, lines of other text and of tests, and the number of pages."""
    python = {name: [path for path in tracked(name) if path.suffix == ".py"] for name in sorted(_PACKAGES)}
    beside = [
        path
        for path in tracked("src", "products", "reports")
        if path.suffix != ".py" and path.name != "package-lock.json"
    ]
    return {
        **{name: [nodes(paths), lines(paths)] for name, paths in python.items()},
        "conftest.py": [nodes([ROOT / "conftest.py"]), lines([ROOT / "conftest.py"])],
        "other text": [lines([path for path in beside if b"\0" not in path.read_bytes()])],
        "tests": [lines([path for path in tracked("tests") if path.suffix == ".py"])],
        "pages": [sum(path.suffix == ".md" for path in tracked("docs"))],
    }


def modules() -> dict[str, int]:
    """Return the lines of each module that is no test."""
    return {
        str(path.relative_to(ROOT)): lines([path])
        for path in tracked("src", "checks", "drills", "load")
        if path.suffix == ".py"
    }


if __name__ == "__main__":
    print("[tool.house.budget]", *(f'"{name}" = {have}' for name, have in measured().items()), sep="\n")  # noqa: T201
