"""The rules of the house: runbook folders hold tests, text is redacted before it is cut, nothing names this workplace, it stays small."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pam_rollback.plan.stories import SHORT_JOURNEY, STORIES
from pam_rollback.plugin.situations import story_name
from tests.house_budget import measured, modules, tracked

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "pam_rollback"
RUNBOOK_FOLDERS = ("checks", "drills", "load")
EXEMPT = {"load/locustfile.py"}
FORBIDDEN_NODES = {ast.Try: "try", ast.While: "while", ast.TryStar: "try"}
FORBIDDEN_MODULES = {"allure", "os", "subprocess", "time", "threading", "asyncio", "http", "urllib", "socket"}
FORBIDDEN_CALLS = {"sleep", "getenv", "skip", "xfail"}
SECONDS_20 = 12
"""A test body of so many lines can be understood in 20 seconds."""
_LINES_MAX = 500
LONGEST_ID = 40
"""Characters of a commit: shorter slices are of identifiers, and of lists."""
NOT_SHOWN = {
    "rollback/lock.py": "_LARGEST",  # what is read of a lock, and parsed
    "browser/axe.py": "_HEAD_CHARACTERS",  # where a version is looked for
}


def runbook_files() -> list[Path]:
    """The modules of the runbook folders."""
    found = [path for folder in RUNBOOK_FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
    return [path for path in found if str(path.relative_to(ROOT)) not in EXEMPT]


def violations(source: str, *, acts: bool = False) -> Iterator[str]:
    """Everything that does not belong beside tests; where it acts (fixtures), a failure may be caught and a file attached."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if type(node) in FORBIDDEN_NODES and not acts:
            yield f"line {node.lineno}: {FORBIDDEN_NODES[type(node)]}"  # type: ignore[attr-defined]
        elif isinstance(node, ast.ClassDef) and any(
            not isinstance(part, ast.AnnAssign | ast.Expr) for part in node.body
        ):
            yield f"line {node.lineno}: a class with logic"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            forbidden = FORBIDDEN_MODULES - {"allure"} if acts else FORBIDDEN_MODULES
            yield from (f"line {node.lineno}: import {name}" for name in names if name.split(".")[0] in forbidden)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in FORBIDDEN_CALLS:
                yield f"line {node.lineno}: {name}()"


def docstring_problems(source: str) -> Iterator[str]:
    """A module asks one question; a test says what it proves and where the runbook goes on."""
    tree = ast.parse(source)
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    question = (ast.get_docstring(tree) or "").split("\n")[0]
    if tests and "?" not in question:
        yield f"the module's docstring is not a question: {question!r}"
    for test in tests:
        doc = ast.get_docstring(test) or ""
        if not re.search(r"docs/runbook\.md#[a-z0-9-]+", doc):
            yield f"{test.name} does not say where the runbook goes on"
        if test.end_lineno is not None and test.end_lineno - test.body[0].lineno > SECONDS_20:
            yield f"{test.name} is longer than can be read in 20 seconds"


def test_the_runbook_folders_hold_tests_only() -> None:
    """A reader at 3 a.m. finds questions and expectations there, no machinery."""
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in runbook_files()}
    found = {
        name: [*violations(source, acts=name.endswith("conftest.py")), *docstring_problems(source)]
        for name, source in sources.items()
    }

    assert {name: problems for name, problems in found.items() if problems} == {}


def test_every_anchor_that_a_test_names_is_in_the_runbook() -> None:
    """A link into nothing costs minutes."""
    anchors = set(re.findall(r'<a id="([a-z0-9-]+)"', (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")))
    named = {
        anchor
        for folder in (*RUNBOOK_FOLDERS, "src")
        for path in (ROOT / folder).rglob("*.py")
        for anchor in re.findall(r"docs/runbook\.md#([a-z0-9-]+)", path.read_text(encoding="utf-8"))
    }

    assert named - anchors == set()


def cuts(source: str) -> Iterator[tuple[int, str]]:
    """Lines in which a text is cut, with the length: a long number, or a name that says characters."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "shorten":
            yield node.lineno, "shorten"
        if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)):
            continue
        lower, upper = node.slice.lower, node.slice.upper
        name = getattr(upper, "id", "")
        long = isinstance(upper, ast.Constant) and isinstance(upper.value, int) and upper.value > LONGEST_ID
        said = any(word in name for word in ("CHARACTERS", "WORDS_MAX", "COLUMNS", "NAME_MAX", "LARGEST", "REASON_MAX"))
        if lower is None and (long or said):
            yield node.lineno, name or str(getattr(upper, "value", ""))


def test_text_is_cut_where_it_is_redacted() -> None:
    """An unredacted beginning of a token is a leak that no later search finds: ``base.outside_text.cut`` redacts first."""
    modules = {str(path.relative_to(SOURCES)): path.read_text("utf-8") for path in sorted(SOURCES.rglob("*.py"))}
    found = [
        f"{name}:{line}: [:{length}]"
        for name, source in modules.items()
        if not name.startswith("core/outside_text.py")
        for line, length in cuts(source)
        if NOT_SHOWN.get(name) != length
    ]

    assert len(list(cuts("text[:80]; text[:_SHOWN_CHARACTERS]; commit[:12]; names[:_SHOWN]"))) == 2
    assert found == []


def test_nothing_names_this_workplace_or_a_registry() -> None:
    """What is committed works anywhere."""
    patterns = [
        "/ro" + "ot/",
        r"/home/[a-z]+/",
        "py" + r"pi\.org",
        "python" + "hosted",
        "registry" + r"\.npmjs",
        "/work" + "/main",
        r"\.libr" + "ary/",
    ]
    leaks = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in tracked()
        if path.suffix in {".py", ".toml", ".md", ".lock", ".json", ".yml", ".yaml", ".mjs", ".js", ".sh", ".txt", ""}
        and (found := re.search("|".join(patterns), path.read_text(encoding="utf-8", errors="replace")))
    ]

    assert leaks == []


def test_every_story_has_its_action() -> None:
    """A story without its line would run its checks against an untouched service."""
    assert {story_name(path) for path in (ROOT / "drills").glob("test_*.py")} == set(STORIES)


def test_what_a_situation_starts_ends_with_it() -> None:
    """A fixture that asks for others as it goes is made anew in each situation: else the second one finds the first one's remains."""
    fixtures: dict[str, tuple[list[str], bool]] = {}
    for path in (*SOURCES.rglob("fixtures.py"), *SOURCES.glob("plugin/topics/*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(
                "scope='session'" in ast.unparse(decorator) for decorator in node.decorator_list
            ):
                asked = [argument.arg for argument in node.args.args]
                fixtures[node.name] = (asked, "getfixturevalue" in ast.unparse(node))

    def in_a_situation(name: str) -> bool:
        return name == "situation" or any(map(in_a_situation, fixtures.get(name, ([], False))[0]))

    assert "writes_watched" in fixtures
    assert [name for name, (_, asks) in fixtures.items() if asks and not in_a_situation(name)] == []


def test_the_journey_after_a_secondary_way_is_there() -> None:
    """It is chosen by its name: renamed, it would be left out and nobody would miss it."""
    assert f"\ndef {SHORT_JOURNEY}(" in (ROOT / "checks" / "test_journeys.py").read_text(encoding="utf-8")


def test_the_house_does_not_grow() -> None:
    """Each figure is at most its budget; one above it takes a decision page."""
    budgets = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["house"]
    found = measured()

    assert found.keys() == budgets["budget"].keys()
    assert {
        name: have
        for name, have in found.items()
        if any(a > b for a, b in zip(have, budgets["budget"][name], strict=True))
    } == {}
    assert {name: n for name, n in modules().items() if n > budgets["long"].get(name, _LINES_MAX)} == {}
