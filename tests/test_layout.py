"""The house is as it says: what each slice may touch."""

import ast
import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "pam_rollback"
SLICES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
_OURS = re.compile(r"^\s*(?:from|import) pam_rollback\.(\w+)", re.MULTILINE)
_NAMED = re.compile(r"``(\w+)/")


def layers() -> list[list[str]]:
    """Leaves, then session and topics, then the foundation from above, and the sandbox below all, as import-linter holds them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [found] = [one["layers"] for one in contracts if one.get("containers") == ["pam_rollback"]]
    return [re.findall(r"\w+", layer) for layer in found]


def opening(path: Path) -> str:
    """The docstring of a module on one line."""
    return " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split())


def untold(docstring: str, touched: Collection[str], known: Collection[str]) -> Iterator[str]:
    """What the opening docstring of a slice leaves out of what its modules import, or makes up.

    ``known`` is what it need not name: itself; to a topic and a leaf also the foundation and the session.
    """
    if "may touch" not in docstring:
        yield "does not say what it may touch"
    named = set(_NAMED.findall(docstring)) & set(SLICES)
    yield from (f"imports {name}, and does not say so" for name in sorted(set(touched) - named - set(known)))
    yield from (f"says {name}, and imports nothing of it" for name in sorted(named - set(touched)))


@pytest.mark.parametrize("name", SLICES)
def test_each_slice_says_what_it_may_touch(name: str) -> None:
    """A topic or a leaf names each other topic, a slice of the foundation each other slice: as ``name/``, and no more than is so."""
    leaves, middle, *foundation, _ = layers()
    topics = set(middle) - {"session"}
    modules = [path.read_text(encoding="utf-8") for path in (SOURCE / name).rglob("*.py")]
    touched = {found for text in modules for found in _OURS.findall(text)}
    known = {name}
    if name in {*leaves, *middle}:
        known.update(*foundation)
    if name in {*leaves, *topics}:
        known.add("session")

    assert list(untold(opening(SOURCE / name / "__init__.py"), touched, known)) == []


def test_a_docstring_that_leaves_out_or_makes_up_is_seen() -> None:
    """A rule that cannot fail is decoration."""
    assert list(untold("What it is for.", ["base"], ["base"])) == ["does not say what it may touch"]
    assert list(untold("It may touch ``records/``.", ["base", "health"], ["base"])) == [
        "imports health, and does not say so",
        "says records, and imports nothing of it",
    ]
