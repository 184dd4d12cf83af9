"""The docs do not promise what is not there: links, paths, make targets, options, markers, exit codes and commands."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pam_rollback.plugin import markers
from pam_rollback.report.verdict import VERDICT_WORDS
from tests.house_budget import tracked
from tests.shown_commands import selected_by

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
HOW_TOS = sorted((ROOT / "docs" / "how-to").glob("*.md"))
ENTRANCES = [README, ROOT / "docs" / "README.md", ROOT / "docs" / "on-call.md"]
"""Where a newcomer begins, and where somebody begins at 3 a.m."""
FOLDERS = ("benchmarks", "checks", "docs", "drills", "environments", "load", "products", "reports", "src", "tests")
MADE_UP = {"checks/test_version.py", "environments/prelive.toml"}
"""Files of the how-tos' examples."""
NO_MARKERS = {"and", "or", "not", "criterion"}
NOT_OURS = {"parametrize", "usefixtures", "long_matrix", "nightly"}
"""Marks of pytest itself and of the suite's own tests."""

_FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)\n(?P<body>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_NOT_TRIED = re.compile(r"[*<>…{}]|\b(RUN|DIR|FILE|NAME|E)\b|sandbox\.env\.toml|prelive|--env harbour")
"""Commands with a gap to fill in, of a sandbox that runs, of an environment that an example makes up."""


def read(path: Path) -> str:
    """The page's text."""
    return path.read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", text)


def spans(text: str) -> list[str]:
    """The pieces of code within sentences, each on one line."""
    return [" ".join(span.split()) for span in _SPAN.findall(prose(text))]


def lines(text: str) -> list[str]:
    """The command lines of the page's console blocks, continuations joined."""
    bodies = [found["body"] for found in _FENCE.finditer(text) if found["language"] in {"console", "sh", "bash"}]
    return [line.strip() for body in bodies for line in body.replace("\\\n", " ").split("\n")]


def commands(text: str, program: str) -> list[str]:
    """Every call of a program that the page shows, in a block or in a sentence, variables in front taken off."""
    found = [re.sub(r"^(?:[A-Z_]+=\S+\s+)+", "", line) for line in [*lines(text), *spans(text)]]
    return [
        " ".join(line.split()) for line in found if re.match(rf"(?:\.venv/bin/)?{re.escape(program)}(?:\s|$)", line)
    ]


def told(problems: Mapping[Path, Iterable[str]]) -> dict[str, list[str]]:
    """The pages with problems."""
    return {str(page.relative_to(ROOT)): found for page, each in problems.items() if (found := list(each))}


def anchors(text: str) -> set[str]:
    """The places of a page that a link can lead to: those it names itself, and its headings as GitHub calls them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def broken_links(text: str, page: Path) -> Iterator[str]:
    """The relative links that lead to no file, or to no place in it."""
    for link in _LINK.findall(re.sub(_SPAN, "", prose(text))):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors(text if path == page else read(path)):
            yield f"{link}: no such place"


def missing_paths(text: str) -> Iterator[str]:
    """The paths of the project that a page names in code and that are not there."""
    for span in spans(text):
        path = span.partition("#")[0].partition("::")[0]
        known = path.split("/")[0] in FOLDERS and "/" in path and " " not in path
        made = path.startswith(("reports/out", "reports/reference"))
        if known and not made and not _NOT_TRIED.search(path) and not (ROOT / path).exists():
            yield path


def test_links_lead_somewhere() -> None:
    """Whoever follows a link at 3 a.m. arrives."""
    assert told({page: broken_links(read(page), page) for page in PAGES}) == {}


def test_pages_that_the_code_names_are_there() -> None:
    """A message, a template or a workflow that names a page, or a place of one, names what is there."""
    places = (
        "src/pam_rollback",
        "checks",
        "drills",
        "load",
        "environments",
        "products",
        ".github",
        "Makefile",
        "conftest.py",
        "plan.toml",
    )
    named = {
        (path.relative_to(ROOT), page, anchor)
        for path in tracked(*places)
        for page, anchor in re.findall(
            r"\b(docs/[\w/-]+\.md)#?([\w-]*)", path.read_text(encoding="utf-8", errors="replace")
        )
    }

    assert len(named) > 100
    assert [
        one for one in named if not (ROOT / one[1]).exists() or (one[2] and one[2] not in anchors(read(ROOT / one[1])))
    ] == []


def test_named_paths_are_there() -> None:
    """What was moved or renamed is moved in the docs too."""
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]  # it tells what is gone, too

    assert told({page: set(missing_paths(read(page))) - MADE_UP for page in pages}) == {}


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that no link leads to is never read."""
    reached, waiting = {README}, [README]
    while waiting:
        page = waiting.pop()
        links = {(page.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(prose(read(page)))}
        waiting += (new := links & set(PAGES) - reached)
        reached |= new

    assert set(PAGES) - reached == set()


def test_make_targets_are_there() -> None:
    """`make: *** No rule to make target` is no way to begin."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", read(ROOT / "Makefile"), re.MULTILINE))
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]  # it tells what is gone, too
    named = {page: [word for line in commands(read(page), "make") for word in line.split()[1:]] for page in pages}

    assert told({page: [w for w in words if "=" not in w and w not in targets] for page, words in named.items()}) == {}


def all_options() -> frozenset[str]:
    """Every option that pytest has here."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PAM_", "PYTEST_", "GITHUB_"))}
    command = [sys.executable, "-m", "pytest", "--help", "-p", "timeout", "-p", "cacheprovider"]
    said = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=True, timeout=60)
    return frozenset(_OPTION.findall(said.stdout))


def unknown_options(text: str, known: Iterable[str]) -> list[str]:
    """The options of pytest that a page names and that it does not have. Options of other programs are theirs."""
    own = [*commands(text, "pytest"), *(span for span in spans(text) if span.startswith("--"))]
    return [option for command in own for option in _OPTION.findall(command) if option not in set(known)]


def unknown_markers(text: str) -> list[str]:
    """The phases, kinds and other markers that a page names and that do not exist."""
    asked = [
        word
        for command in commands(text, "pytest")
        for _, expression in re.findall(r"(?:^|\s)-m\s+(['\"]?)([^'\"]+?)\1(?=\s--?\w|\s*$)", command)
        for word in re.findall(r"\w+", re.sub(r"\(.*?\)", "", expression))
    ]
    written = re.findall(r"pytest\.mark\.(\w+)", text)
    return [word for word in [*asked, *written] if word not in {*markers.ALL, *NO_MARKERS, *NOT_OURS}]


def test_options_and_markers_exist() -> None:
    """A command that is copied works. The audit names other programs' options, the changelog those that are gone."""
    known = all_options()
    pages = [page for page in PAGES if page.name not in {"plan-audit.md", "CHANGELOG.md"}]

    assert told({page: unknown_options(read(page), known) for page in pages}) == {}
    assert told({page: unknown_markers(read(page)) for page in PAGES}) == {}


def exit_code_tables(text: str) -> Iterator[Mapping[int, str]]:
    """Every table of exit codes: code and the words beside it."""
    for table in re.findall(r"^\| *(?:exit )?code *\|.*\n\|[-| ]+\n((?:\|.*\n?)+)", prose(text), re.MULTILINE):
        rows = [[cell.strip() for cell in row.strip("| ").split("|")] for row in table.strip().split("\n")]
        yield {int(cells[0]): cells[1] for cells in rows}


def test_exit_codes_are_those_of_the_verdicts() -> None:
    """All six, each with its verdict, in the README, in the runbook and on the page of the real rollback."""
    longest_first = sorted(VERDICT_WORDS.values(), key=len, reverse=True)
    meant = {int(code): word for code, word in VERDICT_WORDS.items()}
    found = {page: list(exit_code_tables(read(page))) for page in PAGES}
    said = [
        {code: next((word for word in longest_first if word in words.upper()), words) for code, words in table.items()}
        for tables in found.values()
        for table in tables
    ]

    assert [table for table in said if table != meant] == []
    assert all(found[page] for page in (README, ROOT / "docs/runbook.md", ROOT / "docs/how-to/roll-back-for-real.md"))


def test_the_docs_stay_short() -> None:
    """A newcomer finds the way in five minutes, and somebody at 3 a.m. finds it on one screen."""
    words = {page: len(read(page).split()) for page in PAGES if page.name != "CHANGELOG.md"}

    assert len(list((ROOT / "docs").rglob("*.md"))) <= 40
    assert len(HOW_TOS) <= 14
    assert {page.name: count for page, count in words.items() if page in HOW_TOS and count > 1200} == {}
    assert sum(words.values()) <= 45000
    assert README.stat().st_size <= 6144
    assert len(_LINK.findall(read(README))) <= 12
    assert len(read(ROOT / "docs" / "on-call.md").splitlines()) <= 45


def collectable(text: str) -> list[str]:
    """The pytest commands of a page's blocks that can be tried: none that acts, and none with something to fill in."""
    shown = [re.sub(r"^(?:[A-Z_]+=\S+\s+)+", "", line) for line in lines(text)]
    found = [
        line
        for line in shown
        if line.startswith("pytest ") and "--undo" not in line and MADE_UP.isdisjoint(line.split())
    ]
    return [line for line in found if not _NOT_TRIED.search(re.sub(r'"[^"]*"', "", line))]


NOTHING, MISSPELT = "pytest checks/test_health.py -m readiness", "pytest -m helth"


def test_shown_commands_select_something() -> None:
    """Without ``--execute`` even a real one would be refused. Those of ``tests/`` name what is there."""
    shown = list(dict.fromkeys(command for page in [*ENTRANCES, *HOW_TOS] for command in collectable(read(page))))
    own = [command for command in shown if " tests" in command]
    found = dict(selected_by([*(command for command in shown if command not in own), NOTHING, MISSPELT]))

    assert found.pop(NOTHING) == "0"
    assert "did you mean 'health'?" in found.pop(MISSPELT)
    assert {*found, *own} == set(shown)
    assert {command: said for command, said in found.items() if not said.isdecimal() or said == "0"} == {}
    paths = [word for command in own for word in shlex.split(command) if word.startswith("tests")]
    assert [path for path in paths if not (ROOT / path.partition("::")[0]).exists()] == []
