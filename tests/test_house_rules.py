"""The rules of the house, held by a test: the runbook folders read as a runbook, and nothing that is committed leaks this workplace."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.environment.hosts import HOSTS
from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import SHORT_JOURNEY, STORIES
from pam_rollback.session.situations import story_name
from tests.house_budget import measured, modules

ROOT = Path(__file__).resolve().parent.parent
RUNBOOK_FOLDERS = ("checks", "drills", "load")
EXEMPT = {"load/locustfile.py"}
FORBIDDEN_NODES = {ast.Try: "try", ast.While: "while", ast.TryStar: "try", ast.For: "for", ast.With: "with"}
FORBIDDEN_MODULES = {"allure", "os", "subprocess", "time", "threading", "asyncio", "http", "urllib", "socket"}
_LINES_MAX = 500
FORBIDDEN_CALLS = {"sleep", "getenv", "skip", "xfail"}
REAL_TIME = {
    "tests/outside/test_provider.py": "a name server that is slow",
    "tests/rollback/providers/test_render_metrics.py": "records that are stale grow old while they are",
    "tests/load/test_load_gate.py": "a generator or a service that stops for a while, under a real load",
    "tests/load_target.py": "a server that is slow, for real clients",
    "tests/observation/conftest.py": "a server that is slow, for a real prober",
    "tests/plan_audit/recorder.py": "a server that is silent, for the plan's own curl",
    "tests/real_product/faults.py": "a real product whose answers come late",
    "tests/records/test_memory_watch.py": "a real process, looked at now and then",
    "tests/sandbox/": "stand-ins with their own latencies, and processes killed in the middle of what they do",
    "tests/rollback/strategies/test_killed.py": "what a killed process had asked for would come within this time",
    "tests/test_decision_matrix.py": "an incident on a real sandbox has its age",
}
"""Where a test lets real time pass, and why it cannot be a clock that jumps (``tests/virtual_clock.py``) or a condition."""
NAMES_HOSTS = {
    "src/pam_rollback/environment/hosts.py": "it describes each, for whoever goes through all of them",
}
"""Where a host is named beside its folder and its stand-in (``sandbox``), and why."""
MAY_NAME_ITEMS = {
    "base/moved_keys.py": "where keys of single items stood in older plans",
    "checklist/fixtures/checklist.py": "by item, what measures it",
    "gate/service/answers.py": "to which question of the gate an item belongs",
    "report/aftermath.py": "the plan's addresses, each with this environment's own",
    "report/checklist.py": "time frames, each with its list",
    "report/terms_table.py": "the item that has a column of its own",
    "rollback/fixtures/story_objectives.py": "tests, which carry markers",
    "rollback/fixtures/story_of_the_service.py": "tests, which carry markers",
    "rollback/fixtures/story_of_the_site.py": "tests, which carry markers",
    "session/options.py": "an example in the help",
}
"""Modules outside ``plan`` and rules that name items of the plan, and why."""
SECONDS_20 = 12
"""A test body of so many lines can be understood in 20 seconds."""


def tracked() -> list[Path]:
    """All files that git has, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def runbook_files() -> list[Path]:
    """The modules of the runbook folders."""
    found = [path for folder in RUNBOOK_FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
    return [path for path in found if str(path.relative_to(ROOT)) not in EXEMPT]


def violations(source: str) -> Iterator[str]:
    """Everything in the module that is not a test, a fixture or a plain declaration."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if type(node) in FORBIDDEN_NODES:
            yield f"line {node.lineno}: {FORBIDDEN_NODES[type(node)]}"  # type: ignore[attr-defined]
        elif isinstance(node, ast.ClassDef) and any(
            not isinstance(part, ast.AnnAssign | ast.Expr) for part in node.body
        ):
            yield f"line {node.lineno}: a class with logic"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (
                f"line {node.lineno}: import {name}" for name in names if name.split(".")[0] in FORBIDDEN_MODULES
            )
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


@pytest.mark.parametrize("path", runbook_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_runbook_folders_hold_tests_only(path: Path) -> None:
    """Whoever opens one at 3 a.m. finds questions and expectations, no machinery."""
    source = path.read_text(encoding="utf-8")

    assert [*violations(source), *docstring_problems(source)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import time\n", "line 1: import time"),
        ("try:\n    pass\nexcept ValueError:\n    pass\n", "line 1: try"),
        ("while True:\n    pass\n", "line 1: while"),
        ("import pytest\npytest.skip('no')\n", "line 2: skip()"),
        ("class A:\n    def f(self): ...\n", "line 1: a class with logic"),
    ],
)
def test_each_rule_is_seen_red(source: str, found: str) -> None:
    """A rule that cannot fail is decoration."""
    assert found in list(violations(source))


def untyped(source: str) -> Iterator[str]:
    """Where a type says nothing: of ``scored``, which gives back what it is given, or of any function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and node.arg == "scored":
            annotation = ast.unparse(node.annotation) if node.annotation else "nothing"
            if annotation != "Scored":
                yield f"line {node.lineno}: scored: {annotation}"
        elif isinstance(node, ast.Subscript) and ast.unparse(node) == "Callable[[Any], Any]":
            yield f"line {node.lineno}: {ast.unparse(node)}"


def test_what_scores_a_fact_is_typed() -> None:
    """``scored: Scored`` lets mypy see what a test reads of its fact."""
    files = [path for folder in (*RUNBOOK_FOLDERS, "src") for path in (ROOT / folder).rglob("*.py")]

    assert {str(path): found for path in files if (found := list(untyped(path.read_text(encoding="utf-8"))))} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def test_a(scored: Any) -> None: ...", ["line 1: scored: Any"]),
        ("def test_a(scored) -> None: ...", ["line 1: scored: nothing"]),
        ("A: Mapping[str, Callable[[Any], Any]]", ["line 1: Callable[[Any], Any]"]),
        ("def test_a(scored: Scored) -> None: ...", []),
    ],
)
def test_a_type_that_says_nothing_is_seen(source: str, found: list[str]) -> None:
    """Red by its fault, green on what is well."""
    assert list(untyped(source)) == found


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


PREFIXES = {identifier.partition("-")[0] for identifier in load_plan(ROOT / "plan.toml").ids()}


def plan_items(source: str) -> Iterator[str]:
    """The plan items that a module names, in anything but its comments and docstrings."""
    tree = ast.parse(source)
    spoken = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in spoken:
            yield from re.findall(rf"\b(?:{'|'.join(PREFIXES)})-[1-9]\d*\b", node.value)


def test_items_of_the_plan_are_named_where_they_are_judged() -> None:
    """In the plan, on tests and in rules. Whoever else needs one asks the plan (``plan.the``), the rules or the test's marker for it."""
    sources = ROOT / "src" / "pam_rollback"
    modules = {path.relative_to(sources): path.read_text(encoding="utf-8") for path in sources.rglob("*.py")}
    named = {
        path.as_posix()
        for path, source in modules.items()
        if "rules" not in path.with_suffix("").parts and path.parts[0] != "plan" and any(plan_items(source))
    }

    assert sorted(named) == sorted(MAY_NAME_ITEMS)


def test_a_plan_item_is_seen() -> None:
    """The rule itself: in a text or a part of one, and not where it only explains."""
    source = '''"""SC-1."""\nLIMIT = "SC-2"\ndef told(n):\n    """SC-3."""\n    return f"vouch for RP-2 {n}, not GA-"  # SC-4\n'''

    assert sorted(plan_items(source)) == ["RP-2", "SC-2"]


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


def test_the_index_of_fixtures_stays_short() -> None:
    """conftest.py is an index, not a place to put things: at most 20 lines of code."""
    lines = (ROOT / "conftest.py").read_text(encoding="utf-8").splitlines()

    assert len([line for line in lines if line and not line.startswith('"""')]) <= 20


def test_every_story_has_its_action() -> None:
    """A story without its line would run its checks against an untouched service."""
    assert {story_name(path) for path in (ROOT / "drills").glob("test_*.py")} == set(STORIES)


def test_what_a_situation_starts_ends_with_it() -> None:
    """A fixture that asks for others as it goes is made anew in each situation: else the second one finds the first one's remains."""
    fixtures: dict[str, tuple[list[str], bool]] = {}
    sources = ROOT / "src" / "pam_rollback"
    for path in (*sources.glob("*/fixtures.py"), *sources.glob("*/fixtures/*.py")):
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


def naps(source: str) -> Iterator[int]:
    """The lines that let real time pass for luck. Within a ``while`` it is the pause between two looks at a condition."""
    tree = ast.parse(source)
    waiting = {inner for loop in ast.walk(tree) if isinstance(loop, ast.While) for inner in ast.walk(loop)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and node not in waiting
            and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep"}
        ):
            yield node.lineno


def test_no_test_sleeps_for_luck() -> None:
    """Each place where real time passes is listed above with its reason; none is listed that does not need it any more."""
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if (lines := list(naps(path.read_text(encoding="utf-8"))))
    }

    assert {place: lines for place, lines in found.items() if not place.startswith(tuple(REAL_TIME))} == {}
    assert [known for known in REAL_TIME if not any(place.startswith(known) for place in found)] == []


def test_a_nap_is_seen() -> None:
    """The rule itself: a nap for luck counts, a look now and then does not."""
    assert list(naps("import time\ntime.sleep(1)\nwhile not done():\n    time.sleep(0.1)\n")) == [2]


def hosts_named(text: str) -> Iterator[str]:
    """Where it names a host that is known: by its title, name, secret or headers. What pages are rendered by is no host."""
    for host in HOSTS:
        name, headers = host.name, [header for header, _ in host.signs if "-" in header]
        marks = [
            rf"\b{host.title}(?![a-z])",
            name.upper(),
            rf"""["'`\[]{name}["'`\]]""",
            rf"\b{name} ?[:=]",
            rf"{name}[-_]",
        ]
        marks += [rf"[-_]{name}\b", rf"{name}\.com", rf"environment\.{name}\b", *headers]
        yield from re.findall("|".join(marks), text)


def test_a_host_is_named_in_its_folder_and_its_configuration_only() -> None:
    """Everybody else goes through ``HOSTS``, so that one more host is one more folder and one more line."""
    own, read = ("src/pam_rollback/rollback/providers/", "src/pam_rollback/sandbox/"), ("src/", *RUNBOOK_FOLDERS)
    places = {path.relative_to(ROOT).as_posix(): path for path in tracked()}
    found = {
        place: names
        for place, path in places.items()
        if place.startswith(read) and not place.startswith(own)
        if (names := list(hosts_named(path.read_text(encoding="utf-8", errors="replace"))))
    }

    assert {place: names for place, names in found.items() if place not in NAMES_HOSTS} == {}
    assert [known for known in NAMES_HOSTS if known not in found] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('looking_at("netlify")', ['"netlify"']),
        ("environment.render.service_id", ["environment.render"]),
        ("class RenderLook: ...", ["Render"]),
        ('"render_api_key", "--render-api"', ["render_", "-render"]),
        ("at_render(NETLIFY)", ["NETLIFY", "_render"]),
        ("https://pam.onrender.com", ["render.com"]),
        ('headers["rndr-id"]', ["rndr-id"]),
        ("page.render(record); screen.render; Rendered by a template", []),
    ],
)
def test_a_host_that_is_named_is_seen(text: str, found: list[str]) -> None:
    """In each way that code, a message or an address has; a page may be rendered."""
    assert list(hosts_named(text)) == found


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
