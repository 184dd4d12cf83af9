"""The docs do not promise what is not there: links, make targets, options, markers, exit codes, paths and commands."""

import functools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from pam_rollback.report.verdict import VERDICT_WORDS, ExitCode, worst
from pam_rollback.session import markers, options
from tests.shown_commands import selected_by
from tests.test_house_rules import docstring_problems, violations

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
HOW_TOS = sorted((ROOT / "docs" / "how-to").glob("*.md"))
HANDBOOK = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *HOW_TOS]
FOLDERS = ("benchmarks", "checks", "docs", "drills", "environments", "load", "products", "reports", "src", "tests")
COLUMNS = 120
NO_MARKERS = {"and", "or", "not", "criterion"}
NOT_OURS = {"parametrize", "usefixtures", "long_matrix"}
"""Marks of pytest itself and of the suite's own tests."""

_FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)\n(?P<body>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_STARTED = re.compile(r"sandbox\.env\.toml")
"""Files that are there while a sandbox runs."""
_INVENTED = re.compile(r"prelive|--env harbour")
"""Environments of examples; what is shown of ``harbour`` is run by test_additions.py."""
_ELSEWHERE = re.compile(r"# (?!checks/|drills/)\S+\.py\b")
"""How an example begins that is no file of the runbook's folders."""
_PLACEHOLDER = re.compile(r"[*<>…{}]|\b(RUN|DIR|FILE|NAME|E)\b")


def named(path: Path) -> str:
    """The page as tests are called after it."""
    return str(path.relative_to(ROOT))


def read(path: Path) -> str:
    """The page's text."""
    return path.read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", text)


def blocks(text: str, *languages: str) -> list[str]:
    """What the page's blocks of code in these languages hold; without any, all."""
    return [found["body"] for found in _FENCE.finditer(text) if not languages or found["language"] in languages]


def spans(text: str) -> list[str]:
    """The pieces of code within sentences, each on one line."""
    return [" ".join(span.split()) for span in _SPAN.findall(prose(text))]


def lines(text: str) -> list[str]:
    """The command lines of the page's console blocks, continuations joined."""
    return [
        line.strip() for body in blocks(text, "console", "sh", "bash") for line in body.replace("\\\n", " ").split("\n")
    ]


def commands(text: str, program: str) -> list[str]:
    """Every call of a program that the page shows, in a block or in a sentence, variables in front taken off."""
    found = [re.sub(r"^(?:[A-Z_]+=\S+\s+)+", "", line) for line in [*lines(text), *spans(text)]]
    return [
        " ".join(line.split()) for line in found if re.match(rf"(?:\.venv/bin/)?{re.escape(program)}(?:\s|$)", line)
    ]


# ------------------------------------------------------------------ links


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
        if (
            known
            and not _PLACEHOLDER.search(path)
            and not (ROOT / path).exists()
            and not path.startswith("reports/out")
        ):
            yield path


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Whoever follows a link at 3 a.m. arrives."""
    assert list(broken_links(read(page), page)) == []


@pytest.mark.parametrize("page", HANDBOOK, ids=named)
def test_named_paths_are_there(page: Path) -> None:
    """What was moved or renamed is moved in the docs too. ``checks/test_version.py`` is the made-up file of the how-to."""
    assert set(missing_paths(read(page))) <= {"checks/test_version.py", "environments/prelive.toml"}


def unreached(texts: Mapping[Path, str], start: Path) -> set[Path]:
    """The pages that no chain of links leads to."""
    reached, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(prose(texts[page]))}
        new = targets & texts.keys() - reached
        reached |= new
        waiting += new
    return texts.keys() - reached


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that no link leads to is never read."""
    assert unreached({page: read(page) for page in PAGES}, README) == set()


def test_an_unreached_page_is_seen() -> None:
    """One link away, two links away, and not at all."""
    first, second, third = (ROOT / "docs" / f"{name}.md" for name in ("first", "second", "third"))
    texts = {README: "[1](docs/first.md)", first: "[2](second.md#x)", second: "", third: "[0](../README.md)"}

    assert unreached(texts, README) == {third}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](docs/nowhere.md)", ["docs/nowhere.md: no such file"]),
        ("[a](docs/runbook.md#nowhere)", ["docs/runbook.md#nowhere: no such place"]),
        ("# Here it is\n[a](#here-it-was)", ["#here-it-was: no such place"]),
        ("# Here, it is!\n[a](#here-it-is) [b](docs/runbook.md#refused) [c](https://example.com/x#y)", []),
        ("`[a](docs/nowhere.md)`\n```text\n[a](docs/nowhere.md)\n```\n", []),
    ],
)
def test_a_broken_link_is_seen(text: str, found: list[str]) -> None:
    """To no file, to no place in another file, to no heading of its own; code is not read."""
    assert list(broken_links(text, README)) == found


def test_a_path_that_is_gone_is_seen() -> None:
    """Placeholders and other words are left alone."""
    text = "`src/pam_rollback/gone.py` `checks/test_health.py` `drills/test_*.py` `reports/out/RUN` `either/or`"

    assert list(missing_paths(text)) == ["src/pam_rollback/gone.py"]


# ------------------------------------------------------------------ make


def targets() -> set[str]:
    """What the Makefile can make."""
    return set(re.findall(r"^([a-z][a-z-]*):", read(ROOT / "Makefile"), re.MULTILINE))


def unknown_targets(text: str) -> list[str]:
    """The targets that a page names and that the Makefile does not have."""
    return [
        word
        for command in commands(text, "make")
        for word in command.split()[1:]
        if "=" not in word and word not in targets()
    ]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_make_targets_are_there(page: Path) -> None:
    """`make: *** No rule to make target` is no way to begin."""
    assert unknown_targets(read(page)) == []


def test_an_unknown_target_is_seen() -> None:
    """In a block and in a sentence, with variables on either side; prose about making things is left alone."""
    text = "make no sense; `make drill PYTHON=python3.12` or `make frill`\n\n```console\nENV=x make chekc\nmake test\n```\n"

    assert sorted(unknown_targets(text)) == ["chekc", "frill"]


# ------------------------------------------------------------------ options and markers


class _Recorder:
    """Stands in for pytest's parser and hears of the suite's options."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def getgroup(self, *_: object) -> "_Recorder":
        """The group itself."""
        return self

    def addoption(self, name: str, **_: object) -> None:
        """Remember the option."""
        self.names.add(name)


@functools.cache
def suite_options() -> frozenset[str]:
    """The options that the suite adds."""
    recorder = _Recorder()
    options.pytest_addoption(recorder)  # type: ignore[arg-type]
    return frozenset(recorder.names)


@functools.cache
def all_options() -> frozenset[str]:
    """Every option that pytest has here."""
    return frozenset(_OPTION.findall(pytest_says("--help", "-p", "timeout", "-p", "cacheprovider"))) | suite_options()


def pytest_says(*arguments: str) -> str:
    """Run pytest in the project and give what it prints. Raises AssertionError when it does not end with 0."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PAM_", "PYTEST_", "GITHUB_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{shlex.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


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


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "plan-audit.md"], ids=named)
def test_options_exist(page: Path) -> None:
    """A command that is copied works. The audit of the plan names other programs' options on their own."""
    assert unknown_options(read(page), all_options()) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_markers_exist(page: Path) -> None:
    """An expression that selects nothing verifies nothing."""
    assert unknown_markers(read(page)) == []


def test_the_readme_is_one_page() -> None:
    """What does not fit has a page of its own."""
    assert len(README.read_bytes()) <= 7 * 1024


def test_unknown_options_and_markers_are_seen() -> None:
    """In a block and in a sentence; what belongs to curl and git is left alone."""
    text = (
        "`--exceute`, `pytest drills --dryrun` `curl --json '{}'` `pytest -m helth`\n\n"
        '```console\nPAM_ENV=staging pytest -m "health or ramps" --env x\ngit push --force-with-lease\n```\n'
        "```python\n@pytest.mark.advisary\n```\n"
    )

    assert sorted(unknown_options(text, suite_options())) == ["--dryrun", "--exceute"]
    assert sorted(unknown_markers(text)) == ["advisary", "helth", "ramps"]


# ------------------------------------------------------------------ exit codes


def exit_code_tables(text: str) -> Iterator[Mapping[int, str]]:
    """Every table of exit codes: code and the words beside it."""
    for table in re.findall(r"^\| *(?:exit )?code *\|.*\n\|[-| ]+\n((?:\|.*\n?)+)", prose(text), re.MULTILINE):
        rows = [[cell.strip() for cell in row.strip("| ").split("|")] for row in table.strip().split("\n")]
        yield {int(cells[0]): cells[1] for cells in rows}


def wrong_codes(table: Mapping[int, str]) -> list[str]:
    """Where a table says something else than the verdicts do."""
    longest_first = sorted(VERDICT_WORDS.values(), key=len, reverse=True)
    said = {code: next((word for word in longest_first if word in told.upper()), told) for code, told in table.items()}
    meant = {int(code): word for code, word in VERDICT_WORDS.items()}
    return [
        f"{code}: {said.get(code)!r} instead of {meant.get(code)!r}"
        for code in sorted(said.keys() | meant.keys())
        if said.get(code) != meant.get(code)
    ]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_exit_codes_are_those_of_the_verdicts(page: Path) -> None:
    """All six, each with its verdict."""
    assert [problem for table in exit_code_tables(read(page)) for problem in wrong_codes(table)] == []


def test_exit_codes_are_explained_where_people_look() -> None:
    """In the README, in the runbook and on the page of the real rollback."""
    pages = [README, ROOT / "docs" / "runbook.md", ROOT / "docs" / "how-to" / "roll-back-for-real.md"]

    assert [len(list(exit_code_tables(read(page)))) for page in pages] == [1, 1, 1]


def orders(text: str) -> list[str]:
    """In which order a page says that the codes win."""
    return re.findall(r"The worst wins, in the order ([\d, ]+\d)", " ".join(text.split()))


def worst_first() -> str:
    """The order that holds."""
    return ", ".join(str(int(code)) for code in sorted(ExitCode, key=_badness) if code)


def test_the_order_of_the_codes_is_told_right() -> None:
    """The worst wins."""
    assert orders(read(ROOT / "docs" / "reference" / "verdicts.md")) == [worst_first()]


def test_a_wrong_order_is_seen() -> None:
    """Also when the sentence is broken across lines."""
    assert orders("The worst wins, in\nthe order 14, 13, 12, 10, 11.") == ["14, 13, 12, 10, 11"] != [worst_first()]


def _badness(code: ExitCode) -> int:
    return sum(worst([code, other]) is other for other in ExitCode)


def test_a_wrong_table_is_seen() -> None:
    """A wrong word, a missing code and one that does not exist."""
    text = (
        "| exit code | verdict |\n|---|---|\n| 0 | GO |\n| 10 | INCONCLUSIVE |\n| 11 | INCONCLUSIVE |\n"
        "| 12 | an action failed |\n| 13 | REFUSED |\n| 15 | GO |\n"
    )

    (table,) = exit_code_tables(text)
    assert wrong_codes(table) == [
        "10: 'INCONCLUSIVE' instead of 'NO-GO'",
        "14: None instead of 'UNDO FAILED'",
        "15: 'GO' instead of None",
    ]


# ------------------------------------------------------------------ commands


def collectable(text: str) -> list[str]:
    """The pytest commands of a page's blocks that can be tried: none that acts, and none with something to fill in."""
    shown = [re.sub(r"^(?:[A-Z_]+=\S+\s+)+", "", line) for line in lines(text) if "pytest" in line.split("#")[0]]
    found = [line for line in shown if line.startswith("pytest ") and "--undo" not in line]
    words = [re.sub(r'"[^"]*"', "", line) for line in found]
    return [
        line
        for line, rest in zip(found, words, strict=True)
        if not _PLACEHOLDER.search(rest) and not _STARTED.search(rest) and not _INVENTED.search(rest)
    ]


def shown_commands() -> list[str]:
    """Each command once, whichever page it stands on."""
    return list(dict.fromkeys(command for page in [README, *HOW_TOS] for command in collectable(read(page))))


NOTHING, MISSPELT = "pytest checks/test_health.py -m readiness", "pytest -m helth"


@functools.cache
def selected() -> Mapping[str, str]:
    """What each shown command selects, and two that must not be shown: all is collected once."""
    return selected_by([*(command for command in shown_commands() if " tests" not in command), NOTHING, MISSPELT])


def test_shown_commands_select_something() -> None:
    """Without ``--execute`` even a real one would be refused. Those of ``tests/`` name what is there."""
    own = [command for command in shown_commands() if " tests" in command]
    found = {command: told for command, told in selected().items() if command not in {NOTHING, MISSPELT}}

    assert {*found, *own} == set(shown_commands())
    assert {command: told for command, told in found.items() if not told.isdecimal() or told == "0"} == {}
    paths = [word for command in own for word in shlex.split(command) if word.startswith("tests")]
    assert [path for path in paths if not (ROOT / path.partition("::")[0]).exists()] == []


def test_commands_are_found() -> None:
    """Continued lines are one command; what acts, what has a gap and what is output is left out."""
    text = (
        '```console\nPAM_ENV=staging pytest -m health\npytest drills --reason "E is down" \\\n  --confirm staging\n'
        "pytest --undo x\npytest -m health --env FILE\nmake test\n```\n```text\npytest says no\n```\n"
    )

    assert [" ".join(command.split()) for command in collectable(text)] == [
        "pytest -m health",
        'pytest drills --reason "E is down" --confirm staging',
    ]
    assert "pytest drills" in shown_commands()


def test_a_command_that_selects_nothing_is_seen() -> None:
    """A phase that has no test in that file, a marker that there is not: neither is to be shown."""
    assert selected()[NOTHING] == "0"
    assert "did you mean 'health'?" in selected()[MISSPELT]


def unnamed(text: str) -> list[str]:
    """The sessions that a page shows without an environment, although they are none of drills, and no list."""
    shown = [line for line in lines(text) if re.match(r"(?:\S+/)?(?:pytest|pam-rollback) ", line)]
    return [
        line
        for line in shown
        if not re.search(
            r"--env|\bdrills\b|--situation after-|--fixtures|--markers|--help| tests|pam-rollback (?:run|init)", line
        )
    ]


@pytest.mark.parametrize("page", [README, *HOW_TOS, ROOT / "docs" / "runbook.md"], ids=named)
def test_shown_sessions_name_their_environment(page: Path) -> None:
    """What is copied once a product is connected would be asked which one is meant."""
    assert unnamed(read(page)) == []


def test_a_session_without_an_environment_is_seen() -> None:
    """A drill is on the sandbox, a list is of none, and a variable names one."""
    shown = "pytest -m health\npytest -m health --env E\npytest drills\nPAM_ENV=E pytest -m load\npytest tests/plan"

    assert unnamed(f"```console\n{shown}\n```\n") == ["pytest -m health"]


# ------------------------------------------------------------------ examples and form


def example_problems(text: str) -> Iterator[str]:
    """What is wrong with the examples in Python that a page shows."""
    runbook = anchors(read(ROOT / "docs" / "runbook.md")) | anchors("".join(blocks(text, "markdown")))
    for source in blocks(text, "python"):
        if _ELSEWHERE.match(source):
            continue
        yield from violations(source)
        yield from docstring_problems(source)
        yield from set(re.findall(r"docs/runbook\.md#([\w-]+)", source)) - runbook


@pytest.mark.parametrize("page", HOW_TOS, ids=named)
def test_examples_keep_the_rules(page: Path) -> None:
    """What is shown as a model passes the rules of the runbook folders, and sends people to sections that exist."""
    assert list(example_problems(read(page))) == []


def test_a_bad_example_is_seen() -> None:
    """No question, a loop, and a section that is not there."""
    text = '```python\n"""Checks."""\ndef test_a():\n    """A.  If red: docs/runbook.md#nowhere."""\n    while 1: ...\n```\n'
    assert list(example_problems(text.replace('"""Checks', '# own.py\n"""Checks'))) == []

    assert sorted(example_problems(text)) == [
        "line 4: while",
        "nowhere",
        "the module's docstring is not a question: 'Checks.'",
    ]


def too_long(text: str) -> list[int]:
    """The numbers of the lines that do not fit. Tables may: they cannot be broken."""
    return [
        number for number, line in enumerate(text.split("\n"), 1) if len(line) > COLUMNS and not line.startswith("|")
    ]


@pytest.mark.parametrize("page", [*HANDBOOK, ROOT / "docs" / "plan-audit.md"], ids=named)
def test_lines_fit_a_terminal(page: Path) -> None:
    """Read with `less` on a small screen."""
    assert too_long(read(page)) == []


def test_a_long_line_is_seen() -> None:
    """One column too many, and a table that may."""
    assert too_long(f"{'x' * 120}\n{'x' * 121}\n|{'x' * 130}|") == [2]
