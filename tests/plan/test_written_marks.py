"""Which markers a file can bring is read from its text, or the file is not understood."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.plan.written_marks import WrittenFile, WrittenMarks, written_marks
from pam_rollback.session.markers import ALL, waits_to_be_named
from pam_rollback.session.unasked_files import GIVEN_LATER, is_unasked

ROOT = Path(__file__).resolve().parents[2]
HEAD = "import pytest\nfrom pam_rollback.session.needs import needs\n"
READ = {
    path.relative_to(ROOT).as_posix(): written_marks(path.read_text(encoding="utf-8"))
    for folder in ("checks", "drills", "load")
    for path in (ROOT / folder).rglob("*.py")
}
COLLECTED = """
import json, sys
import pytest

class Marks:
    def __init__(self):
        self.found = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config, items):
        self.found = [(item.path.relative_to(config.rootpath).as_posix(), [m.name for m in item.iter_markers()]) for item in items]

marks = Marks()
pytest.main(sys.argv[1:], plugins=[marks])
print("\\nfound", json.dumps(marks.found))
"""
WORDS = st.recursive(
    st.sampled_from([*sorted(ALL), "criterion", 'criterion(id="SC-1")']),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map("({0[0]} {0[1]} {0[2]})".format),
    ),
    max_leaves=6,
)


def test_markers_of_the_file_of_the_test_and_of_its_cases() -> None:
    """What each test has, and what single cases have as well."""
    read = written_marks(
        f'''"""Is it?"""
{HEAD}
pytestmark = [pytest.mark.post_rollback, pytest.mark.health]
CASES = [1, pytest.param(2, marks=pytest.mark.drill)]

@needs("database")
@pytest.mark.criterion("HC-1")
@pytest.mark.parametrize("a", [pytest.param(1, marks=[pytest.mark.advisory])])
def test_a(a): ...

@pytest.mark.parametrize("a", CASES)
def test_b(a): ...
'''
    )

    whole = {"post_rollback", "health"}
    own = {*whole, "criterion", "parametrize"}
    assert read == WrittenFile(
        (
            WrittenMarks(frozenset(own), frozenset({*own, "advisory", "drill"})),
            WrittenMarks(frozenset({*whole, "parametrize"}), frozenset({*whole, "parametrize", "drill"})),
        ),
        frozenset({"drill"}),
    )


@pytest.mark.parametrize(
    "text",
    [
        "from others import *",
        "from pam_rollback.health import *",
        "from others import CASES",
        "from .others import CASES",
        "from pam_rollback.health import test_others",
        "from pam_rollback.health import a as test_others",
        "import unittest",
        "import pytest as p\n@p.mark.health\ndef test_a(): ...",
        "from pytest import mark\npytestmark = mark.health",
        "pytestmark = MARKS",
        "pytestmark = [pytest.mark.health, *MARKS]",
        "pytestmark += [pytest.mark.health]",
        "mark = pytest.mark\n@mark.health\ndef test_a(): ...",
        "@marked\ndef test_a(): ...",
        "from pam_rollback.a import marked\n@marked\ndef test_a(): ...",
        "from pam_rollback.a import b as needs\n@needs('x')\ndef test_a(): ...",
        "needs = 1\n@needs('x')\ndef test_a(): ...",
        "@pytest.mark.parametrize('a', cases())\ndef test_a(a): ...",
        "CASES = cases()\n@pytest.mark.parametrize('a', CASES)\ndef test_a(a): ...",
        "CASES = [1]\nCASES = cases()\n@pytest.mark.parametrize('a', CASES)\ndef test_a(a): ...",
        "@pytest.mark.parametrize('a', [pytest.param(1, marks=MARKS)])\ndef test_a(a): ...",
        "@pytest.fixture(params=cases())\ndef a(): ...",
        "class TestA: ...",
        "class Helper:\n    __test__ = True",
        "test_a = made()",
        "for name in 'ab': globals()[f'test_{name}'] = print",
        "setattr(print, 'a', 1)",
        "print.__test__ = True",
        "def pytest_generate_tests(metafunc): ...",
        "def pytest_collection_modifyitems(items): ...",
        "def __getattr__(name): ...",
        "pytest_plugins = ['others']",
        "def test_a(:",
    ],
)
def test_what_could_bring_a_marker_unseen_is_not_understood(text: str) -> None:
    """Such a file is collected, whatever is asked for. Without that line it would be understood."""
    assert written_marks(HEAD) is not None
    assert written_marks(HEAD + text) is None


@pytest.fixture(scope="module")
def files() -> dict[str, list[set[str]]]:
    """The markers of all tests that pytest collects, by their files."""
    command = [sys.executable, "-c", COLLECTED, "--collect-only", "-q", "checks", "drills", "load"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[set[str]]] = {}
    for file, marks in json.loads(printed.rpartition("\nfound ")[2]):
        if file.endswith(".py"):
            found.setdefault(file, []).append(set(marks))
    return found


def test_the_committed_files_have_no_other_markers(files: dict[str, list[set[str]]]) -> None:
    """Each test's own, its cases' and those that the suite gives. All files of checks/ and load/ are understood."""
    for file, tests in files.items():
        own = READ[file]
        assert own is not None or file.startswith("drills/"), file
        possible = own.tests if own is not None else ()
        for marks in tests if possible else ():
            assert any(one.certain <= marks <= one.possible | GIVEN_LATER for one in possible), (file, marks)


@settings(max_examples=400, deadline=None)
@given(expression=WORDS)
def test_a_file_that_is_left_out_holds_no_test_that_is_selected(
    expression: str, files: dict[str, list[set[str]]]
) -> None:
    """By any expression, held against pytest's own reading of it."""
    theirs = Expression.compile(expression)
    for file, tests in files.items():
        own = READ[file]
        if own is None or not is_unasked(own, frozenset(), expression):
            continue
        for marks in tests:
            selected = theirs.evaluate(lambda name, /, marks=marks, **_: name in marks)
            assert not selected or waits_to_be_named(marks, expression), (file, marks)
