"""The house is as it says: what a slice may touch, how one walks through it, why a long module is one, where tests stand."""

import ast
import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "pam_rollback"
SLICES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
ARCHITECTURE = ROOT / "docs" / "architecture.md"
FILES_MAX = {
    "A health check": 12,
    "A restore of the front end, from decision to undo": 12,
    "An acknowledged write, to the objective for lost data": 6,
    "A load answer, to the gate": 10,
    "A figure of the plan, to its assertion": 6,
}
"""How many files one has to open to understand it."""
_WALK = re.compile(
    r"^- \*\*(?P<title>[^*]+)\*\*, (?P<told>\d+) files(?P<files>.*?)(?=^- |\Z)", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"`([\w/.]+\.\w+)`")
_BESIDE = "Beside the way"
LINES_MAX = 300
_REASON = re.compile(r"^In one module: (?:\S+\s+){4,}\S+", re.MULTILINE)
OF_THE_WHOLE = {
    "samples",
    "fault_rows",
    "mutants",
    "netlify_cli",
    "plan_audit",
    "real_product",
    "unleash_server",
}
"""Folders of tests that are about no slice, or about all."""
_OURS = re.compile(r"^\s*(?:from|import) pam_rollback\.(\w+)", re.MULTILINE)
_IMPORTED = re.compile(r"^\s*(?:from|import) (?:pam_rollback|tests)\.(\w+)", re.MULTILINE)
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


def lost_ways(page: str) -> Iterator[str]:
    """What is wrong with the walks of the page: one that is missing or too long, a number that is not its own, a file that is not there."""
    walks = {found["title"]: (int(found["told"]), found["files"]) for found in _WALK.finditer(page)}
    yield from (f"{title}: no such walk" for title in FILES_MAX.keys() ^ walks.keys())
    for title, (told, text) in walks.items():
        way = _FILE.findall(text.partition(_BESIDE)[0])
        if not len(way) == told <= FILES_MAX.get(title, told):
            yield f"{title}: {len(way)} files, called {told}, at most {FILES_MAX.get(title)}"
        lost = [file for file in _FILE.findall(text) if not (SOURCE / file).is_file() and not (ROOT / file).is_file()]
        yield from (f"{title}: {file} is not there" for file in lost)


def test_the_five_walks_can_be_walked() -> None:
    """What is moved or split is moved on the page, too, and makes no walk longer."""
    assert list(lost_ways(ARCHITECTURE.read_text(encoding="utf-8"))) == []


def test_a_walk_that_leads_nowhere_is_seen() -> None:
    """Red by its fault: a longer walk, a number that is not its own, a file that went away, beside the way too."""
    page = ARCHITECTURE.read_text(encoding="utf-8")
    title = "A figure of the plan, to its assertion"
    longer = page.replace("6 files: `plan.toml`,", "7 files: `plan.toml`, `plan/plan_items.py`,")
    gone = page.replace("`observation/fixtures/held_window.py`", "`observation/fixtures/held.py`")

    assert list(lost_ways(longer)) == [f"{title}: 7 files, called 7, at most 6"]
    assert list(lost_ways(longer.replace("7 files", "6 files"))) == [f"{title}: 7 files, called 6, at most 6"]
    assert list(lost_ways(gone)) == [f"{title}: observation/fixtures/held.py is not there"]
    assert list(lost_ways(page.replace("- **A load answer", "- A load answer"))) == [
        "A load answer, to the gate: no such walk"
    ]


def importers(folder: Path) -> dict[str, set[str]]:
    """By leaf, the tests and measurements that import it or its tests, beside its own tests."""
    leaves, *_ = layers()
    found: dict[str, set[str]] = {}
    for path in (*(folder / "tests").rglob("*.py"), *(folder / "benchmarks").rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        for leaf in set(_IMPORTED.findall(path.read_text(encoding="utf-8"))) & set(leaves):
            if not name.startswith(f"tests/{leaf}/"):
                found.setdefault(leaf, set()).add(name)
    return found


def test_who_deletes_a_leaf_is_told_what_imports_it() -> None:
    """The page on slices lists the tests and measurements elsewhere that go with a leaf, and no others."""
    [page] = (ROOT / "docs" / "decisions").glob("0036-*.md")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert {leaf: set(_FILE.findall(files)) for leaf, files in rows} == importers(ROOT)


def test_an_importer_is_seen(tmp_path: Path) -> None:
    """Of a leaf, and of a leaf's tests; not its own tests, and not who imports a topic."""
    for name, text in {
        "tests/gate/test_a.py": "from pam_rollback.gate import hooks\n",
        "tests/plan/test_b.py": "def test() -> None:\n    from pam_rollback.gate import hooks\n",
        "tests/plan/test_c.py": "from tests.ramp import scene\nfrom pam_rollback.health import service\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert importers(tmp_path) == {"gate": {"tests/plan/test_b.py"}, "ramp": {"tests/plan/test_c.py"}}


def without_reason(name: str, text: str) -> str:
    """Why a module's length and its docstring do not go together; empty when they do."""
    lines, docstring = len(text.splitlines()), ast.get_docstring(ast.parse(text)) or ""
    told = _REASON.search(docstring) is not None
    if told == (lines > LINES_MAX):
        return ""
    why = (
        "and a reason that it does not need any more" if told else 'and no reason in its docstring: "In one module: …"'
    )
    return f"{name}: {lines} lines, {why}"


def test_a_long_module_says_why_it_is_one() -> None:
    """What has two topics is split; what is only read together stands together, and its docstring says why that is so."""
    files = sorted(SOURCE.rglob("*.py"))
    found = [without_reason(path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8")) for path in files]

    assert [one for one in found if one] == []


def test_a_module_without_a_reason_is_seen() -> None:
    """One that is too long and says nothing, or nothing of use; and a reason that nobody needs any more."""
    long, reason = "x = 1\n" * LINES_MAX, "In one module: the rules refer to each other."

    assert without_reason("a.py", f'"""What.\n\n{reason}\n"""\n{long}') == ""
    assert "no reason" in without_reason("a.py", f'"""What."""\n{long}')
    assert "no reason" in without_reason("a.py", f'"""What.\n\nIn one module: it is.\n"""\n{long}')
    assert "does not need any more" in without_reason("a.py", f'"""What.\n\n{reason}\n"""\n')


def unmirrored(tests: Path, source: Path) -> Iterator[str]:
    """Slices without tests, and folders with tests that have no folder or module of that name in the source."""
    slices = {path.parent.name for path in source.glob("*/__init__.py")}
    folders = {path.parent.relative_to(tests) for path in tests.rglob("*.py")} - {Path()}
    yield from (f"{name}: no tests" for name in sorted(slices - {folder.parts[0] for folder in folders}))
    for folder in sorted(folders):
        there = (source / folder).is_dir() or (source / folder).with_suffix(".py").is_file()
        if not there and folder.parts[0] not in OF_THE_WHOLE:
            yield f"{folder.as_posix()}: nothing in the source is called so"


def test_tests_stand_as_the_source_does() -> None:
    """Whoever changes a room finds its tests below the same name."""
    assert list(unmirrored(ROOT / "tests", SOURCE)) == []
    assert [name for name in sorted(OF_THE_WHOLE) if not (ROOT / "tests" / name).is_dir() or name in SLICES] == []


def test_tests_of_a_folder_that_went_away_are_seen(tmp_path: Path) -> None:
    """A slice without tests, a slice that went away, a room that is called otherwise; a room that is one module is well."""
    for name in ("source/a/__init__.py", "source/a/rules/x.py", "source/a/client.py", "source/b/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("tests/a/rules/test_x.py", "tests/a/client/test_y.py", "tests/a/old/test_z.py", "tests/gone/test.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert list(unmirrored(tmp_path / "tests", tmp_path / "source")) == [
        "b: no tests",
        "a/old: nothing in the source is called so",
        "gone: nothing in the source is called so",
    ]
