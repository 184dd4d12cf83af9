"""The reference pages, made from the code: ``python -m tests.reference`` writes them, ``test_reference.py`` compares them."""

import argparse
import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pam_rollback.core.configuration import Table
from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin import markers, options
from pam_rollback.target.environment import Environment
from tests.plan.test_items_are_tested import items_with_a_test

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
_MADE = "Made by `make reference` from the code; a test compares the two."


class _Options:
    """Stands in for pytest's parser and hears of the suite's options."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def getgroup(self, *_: object) -> "_Options":
        """The group itself."""
        return self

    def addoption(self, name: str, **told: object) -> None:
        """Remember the option, what it takes and what it means."""
        takes = told.get("metavar") or "|".join(map(str, told.get("choices") or ()))  # type: ignore[call-overload]
        if told.get("help") != argparse.SUPPRESS:  # one that is gone
            self.rows.append((f"`{name} {takes}`".replace(" `", "`"), str(told.get("help", ""))))


@cache
def pages() -> Mapping[str, str]:
    """File name and text of each page."""
    return {name: written() for name, written in PAGES.items()}


def _options() -> str:
    heard = _Options()
    options.pytest_addoption(heard)  # type: ignore[arg-type]
    return _page(
        "Options",
        "What the suite adds to pytest. `pytest --help` says the same.",
        _table(("option", "meaning"), heard.rows),
    )


def _markers() -> str:
    groups = (
        ("Phases", "When a test has its place. Those with a star run only when `-m` names them.", markers.PHASES),
        ("Kinds", "What a test looks at.", markers.KINDS),
        ("Safety", "What a test does besides looking.", markers.SAFETY),
        ("Weight", "What it counts.", markers.WEIGHT),
    )
    parts = []
    for title, what, marks in groups:
        rows = [
            (f"`{name}`{'*' if name in markers.ONLY_WHEN_NAMED else ''}", meaning) for name, meaning in marks.items()
        ]
        parts.append(f"## {title}\n\n{what}\n\n{_table(('marker', 'meaning'), rows)}")
    arguments = [tuple(text.split(": ", 1)) for text in (markers.CRITERION, markers.ELEMENTS)]
    rows = [(f"`{name}`", meaning) for name, meaning in arguments]
    parts.append(f"## With arguments\n\n{_table(('marker', 'meaning'), rows)}")
    return _page("Markers", "For `-m`, in any combination: `pytest -m 'health or integrity'`.", "\n\n".join(parts))


def _items() -> str:
    tests = items_with_a_test()
    rows = [
        (f"`{item.id}`", item.title, ", ".join(_short(tests.get(item.id, ()))))
        for item in load_plan(ROOT / "plan.toml").items()
    ]
    return _page(
        "Plan items",
        "Every item of `plan.toml`, and the files whose tests judge it: `pytest --item SC-1` runs those. Each\n"
        "item has one: a test insists.",
        _table(("item", "what the plan asks for", "judged in"), rows),
    )


def _short(files: Iterable[str]) -> Iterator[str]:
    """The files; of one folder's queries only the folder."""
    found = dict.fromkeys(
        "`checks/integrity/`" if file.endswith(".sql") else f"`{file.removeprefix('src/')}`" for file in sorted(files)
    )
    yield from found


def _keys() -> str:
    schema = Environment.model_json_schema()
    parts = [_table_of_keys(Environment, schema, schema)]
    for name, told in _own_first(Environment, schema["properties"]):
        table = _table_named(told, schema)
        model = _MODELS.get(table.get("title", ""))
        if model is not None:
            several = "[[" if told.get("type") == "array" else "["
            what = " ".join(inspect.cleandoc(model.__doc__ or "").split()).replace("``", "`")
            heading = f"## `{several}{name}{several.replace('[', ']')}`"
            parts.append(f"{heading}\n\n{what}\n\n{_table_of_keys(model, table, schema)}")
    return _page(
        "Environment keys",
        "What may stand in a file of `environments/`. A key that is not here is refused, with the nearest named.",
        "\n\n".join(parts),
    )


def _tables(of: type[Table] = Table) -> Iterator[type[Table]]:
    for model in of.__subclasses__():
        yield model
        yield from _tables(model)


_MODELS = {model.__name__: model for model in _tables()}


def _table_named(told: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The table that a key holds, or each entry of its list; nothing for any other value."""
    for place in (told, told.get("items", {}), *told.get("anyOf", ()), *told.get("allOf", ())):
        if "$ref" in place:
            found: Mapping[str, Any] = schema["$defs"][place["$ref"].rpartition("/")[2]]
            return found
    return {}


def _own_first(model: type[Table], keys: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What a table has of hosts comes after what it has of its own."""
    own = {model.model_fields[name].alias or name for name in model.__annotations__ if name in model.model_fields}
    return sorted(keys.items(), key=lambda key: key[0] not in own)


def _table_of_keys(model: type[Table], table: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    meanings = _meanings(model)
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    rows = [
        (f"`{key}`", _takes(told, schema), meanings.get(names[key], ""))
        for key, told in _own_first(model, table["properties"])
    ]
    return _table(("key", "takes", "meaning"), rows)


def _takes(told: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What may be written there, in words."""
    if _table_named(told, schema).get("properties"):
        return "a list of tables, below" if told.get("type") == "array" else "a table, below"
    told = {**next((one for one in told.get("anyOf", ()) if one.get("type") != "null"), told), **told}
    limits = [
        f"{word} {told[name]:g}"
        for name, word in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        )
        if name in told
    ]
    default = told.get("default")
    usual = [f"usually `{str(default).lower() if isinstance(default, bool) else default}`"] if default else []
    return ", ".join([_kind(told, schema), *limits, *usual])


def _kind(told: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """The type of one value; ``told`` is its part of the schema."""
    if "$ref" in told:
        told = schema["$defs"][told["$ref"].rpartition("/")[2]]
    if "enum" in told or "const" in told:
        return " or ".join(f"`{one}`" for one in told.get("enum", [told.get("const")]))
    if told.get("type") == "array":
        return f"a list of {_kind(told['items'], schema).replace(' or ', ', ')}"
    names = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
    return {"date": "a date"}.get(told.get("format", ""), names.get(told.get("type", ""), "a table"))


def _meanings(model: type[Table]) -> dict[str, str]:
    """What the text below each field says."""
    found: dict[str, str] = {}
    for part in model.__mro__[: model.__mro__.index(Table)]:
        [defined] = ast.parse(inspect.getsource(part)).body
        assert isinstance(defined, ast.ClassDef)
        for field, text in zip(defined.body, defined.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                said = text.value.value if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) else ""
                found[field.target.id] = " ".join(str(said).split())
    return found


def _page(title: str, what: str, body: str) -> str:
    return f"# {title}\n\n{what} {_MADE}\n\n{body}\n".replace(". " + _MADE, f".\n\n{_MADE}")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    cells = ([cell.replace("|", "\\|").replace("``", "`") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


PAGES = {
    "options.md": _options,
    "markers.md": _markers,
    "plan-items.md": _items,
    "environment-keys.md": _keys,
}


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")
