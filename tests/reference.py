"""The reference pages that the code makes: ``python -m tests.reference`` writes them, ``test_reference.py`` compares them."""

import argparse
import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pam_rollback.core.configuration import Table
from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin import markers, options
from pam_rollback.target.environment import Environment
from tests.plan.test_items_are_tested import items_with_a_test

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
ITEMS = ROOT / "reports" / "reference" / "plan-items.md"
"""Not committed: a release has it."""
BEGIN, END = "<!-- made by make reference -->", "<!-- made until here -->"


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


def renewed(page: Path) -> str:
    """Return the page with what the code says between its two marks."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{page} has no place for what is made"
    assert end, f"{page} does not say where that ends"
    return f"{before}{begin}\n\n{PAGES[page]()}\n\n{end}{after}"


def _options() -> str:
    heard = _Options()
    options.pytest_addoption(heard)  # type: ignore[arg-type]
    return f"## Options\n\n{_list(heard.rows)}\n\n{_markers()}"


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
        parts.append(f"### {title}\n\n{what}\n\n{_list(rows)}")
    arguments = [tuple(text.split(": ", 1)) for text in (markers.CRITERION, markers.ELEMENTS)]
    rows = [(f"`{name}`", meaning) for name, meaning in arguments]
    parts.append(f"### With arguments\n\n{_list(rows)}")
    return "\n\n".join(["## Markers", "For `-m`, in any combination: `pytest -m 'health or integrity'`.", *parts])


def items() -> str:
    """Return the page of all plan items with the files that judge them."""
    tests = items_with_a_test()
    rows = [
        (f"`{item.id}`", item.title, ", ".join(_short(tests.get(item.id, ()))))
        for item in load_plan(ROOT / "plan.toml").items()
    ]
    what = "Every item of `plan.toml`, and the files whose tests judge it: `pytest --item SC-1` runs those."
    return f"# Plan items\n\n{what}\n\n{_table(('item', 'what the plan asks for', 'judged in'), rows)}\n"


def _short(files: Iterable[str]) -> Iterator[str]:
    """The files; of one folder's queries only the folder."""
    found = dict.fromkeys(
        "`checks/integrity/`" if file.endswith(".sql") else f"`{file.removeprefix('src/')}`" for file in sorted(files)
    )
    yield from found


def _keys() -> str:
    schema = Environment.model_json_schema()
    named: dict[str, list[str]] = {_list_of_keys(Environment, schema, schema): []}
    for name, told in _own_first(Environment, schema["properties"]):
        if name == "sandbox":
            continue  # no file of a person has it
        table = _table_named(told, schema)
        model = _MODELS.get(table.get("title", ""))
        if model is not None:
            heading = f"`[[{name}]]`" if told.get("type") == "array" else f"`[{name}]`"
            what = " ".join(inspect.cleandoc(model.__doc__ or "").split()).replace("``", "`")
            named.setdefault(f"{what}\n\n{_list_of_keys(model, table, schema)}", []).append(heading)
    return "\n\n".join(f"### {', '.join(headings)}\n\n{text}" if headings else text for text, headings in named.items())


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


def _list_of_keys(model: type[Table], table: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return a line for each key: what it takes, and what it means. A table of its own has its own list."""
    meanings = _meanings(model)
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    lines = []
    for key, told in _own_first(model, table["properties"]):
        if not _table_named(told, schema).get("properties"):
            takes = _takes(told, schema).removeprefix("text, ")
            said = [f"`{key}`" if takes == "text" else f"`{key}`: {takes}", meanings.get(names[key], "")]
            lines.append(f"- {'. '.join(filter(None, said))}".replace("``", "`"))
    return "\n".join(lines)


def _takes(told: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What may be written there, in words."""
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


def _list(rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {name}: {meaning}".replace("``", "`") for name, meaning in rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    cells = ([cell.replace("|", "\\|").replace("``", "`") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


PAGES = {REFERENCE / "options.md": _options, REFERENCE / "environment.md": _keys}


if __name__ == "__main__":
    ITEMS.parent.mkdir(parents=True, exist_ok=True)
    for path, text in {**{page: renewed(page) for page in PAGES}, ITEMS: items()}.items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
