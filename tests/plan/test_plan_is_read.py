"""Every key of ``plan.toml`` is read by what acts or judges: one that nothing reads would be changed in vain.

What comes of a figure is shown where it is judged: by the rules' own tests and the fault rows.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "src" / "pam_rollback", ROOT / "checks", ROOT / "drills", ROOT / "load")
GIVEN: dict[str, Any] = tomllib.loads((ROOT / "plan.toml").read_text(encoding="utf-8"))
READ_IN_THE_PLAN = {"team_message"}
"""The plan itself makes the message of it."""
AN_ID = re.compile(r"[A-Z]+-\d+")


def keys(table: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to every value of a file."""
    if isinstance(table, dict):
        for key, value in table.items():
            yield from keys(value, (*path, key))
    elif isinstance(table, list) and table and isinstance(table[0], dict):
        for one in table:
            yield from keys(one, path)
    else:
        yield path


def names_read(source: str) -> Iterator[str]:
    """The attributes that a module asks for, by a dot or by ``getattr``."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Load()):
                yield name
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
                yield name


def test_every_key_is_read() -> None:
    """Checking the plan is no reading of it, so what its own modules ask for does not count."""
    modules = [file for folder in SOURCES for file in folder.rglob("*.py") if file.parent.name != "plan"]
    read = READ_IN_THE_PLAN.union(*(names_read(file.read_text(encoding="utf-8")) for file in modules))

    unread = {".".join(way) for way in keys(GIVEN) if way[-1] not in read and not AN_ID.fullmatch(way[-1])}
    assert unread == set(), "let something act or judge by it, or take it out of plan.toml"
