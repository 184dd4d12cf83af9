"""Whatever makes fewer or weaker tests run than it seems is noticed: PARTIAL, or refused in one line, and never a GO.

Each option alone, by what it does: tests/plugin/test_pytest_options.py.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pam_rollback.plugin import completeness
from tests.plugin.beginning import begin
from tests.sessions import ONLY_HEALTH, ROOT, Finished, Project, RunningSandbox

__all__ = ["begin"]

CONSENT = (
    *("drills/test_feature_flag.py", "--env", "environments/examples/production.toml", "--mode", "real", "--execute"),
    *("--confirm", "production", "--reason", "errors", "--initiated-by", "alex"),
)
TAKES = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "database" not in item.nodeid]

def pytest_itemcollected(item):
    if "front_end" in item.nodeid:
        item.obj = lambda **_: None
    if "back_end" in item.nodeid:
        item.add_marker("advisory")

def pytest_ignore_collect(collection_path):
    return True if collection_path.name == "test_more.py" else None
"""
UNMARKS_AND_ANSWERS = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "database" in item.nodeid:
            item.own_markers[:] = []
            item.iter_markers = lambda name=None: iter(())
    return (yield)

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call():
    return True
"""
SWALLOWS = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    try:
        return (yield)
    except AssertionError:
        return None
"""
WHITEWASHES = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    report.outcome, report.user_properties = "passed", []
"""
REPLACES = """
import copy, pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items[:] = [copy.copy(item) for item in items]
"""
LEFT_OUT = "did not take part, and no rule of the suite leaves them out: "
MORE = '''"""Is there more?"""
import pytest

pytestmark = [pytest.mark.post_rollback, pytest.mark.health]


def test_more() -> None:
    assert True
'''


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about how much runs, and not about each check."""
    return ONLY_HEALTH


def one_line(ended: Finished) -> str:
    """All that was printed, however it was wrapped."""
    return " ".join(ended.out.split())


def with_plugin(project: Project, source: str) -> tuple[str, ...]:
    """The arguments that load it."""
    project.write("stranger.py", source)
    return ("-p", "stranger")


@pytest.mark.parametrize(
    ("source", "workers", "words"),
    [
        (
            TAKES,
            ("-n", "1"),
            (
                f"1 tests of this selection {LEFT_OUT}test_database_is_healthy",
                "files with tests of this selection were not looked at: test_more.py",
                "a plug-in changed what tests are, or made them advisory: test_front_end_is_healthy",
                "test_back_end_is_healthy",
                "a plug-in that is not part of the suite can decide what came of a test: stranger",
            ),
        ),
        (
            UNMARKS_AND_ANSWERS,
            (),
            (
                f"{LEFT_OUT}test_database_is_healthy",
                "a plug-in that is not part of the suite can decide what came of a test: stranger",
            ),
        ),
        (SWALLOWS, (), ("a plug-in that is not part of the suite can decide what came of a test: stranger",)),
        (REPLACES, (), ("a plug-in put other tests in the place of those that were collected",)),
    ],
    ids=["takes", "unmarks and answers", "swallows", "replaces"],
)
def test_a_plug_in_that_takes_tests_away_is_noticed(
    running_sandbox: RunningSandbox, project: Project, source: str, workers: tuple[str, ...], words: Sequence[str]
) -> None:
    """All that still ran is green, and that is no GO. With workers they collect, and the controller judges."""
    project.write("checks/test_more.py", MORE)

    ended = project.run("-m", "health", "--env", str(running_sandbox.file), *with_plugin(project, source), *workers)

    assert ended.rc == 11, ended.out
    assert [part for part in words if part not in one_line(ended)] == [], ended.out
    assert ended.record["verdict"] == "INCONCLUSIVE"


def test_a_report_is_heard_as_it_was_made(running_sandbox: RunningSandbox, project: Project) -> None:
    """Whoever only listens is no reason for anything; whoever changes a report that goes round has not changed what came of the test."""
    project.write("checks/test_more.py", MORE.replace("assert True", 'assert not True, "it is red"'))

    ended = project.run("-m", "health", "--env", str(running_sandbox.file), *with_plugin(project, WHITEWASHES))

    assert ended.rc == 10, ended.out
    assert ended.outcomes()["test_more"] == "broken criterion"
    assert "can decide what came of a test" not in one_line(ended)


def test_a_test_that_another_one_hides_is_missed(running_sandbox: RunningSandbox, project: Project) -> None:
    """Python keeps the last of a name, and pytest sees nothing else."""
    project.write(
        "checks/test_more.py", f"{MORE.replace('assert True', 'assert False')}\n\ndef test_more() -> None:\n    pass\n"
    )

    ended = project.run("-m", "health", "--env", str(running_sandbox.file))

    assert ended.rc == 11, ended.out
    assert "of the same name, keeps from running: test_more" in one_line(ended)


class Answers:
    """Says of each test what came of it."""

    def pytest_runtest_protocol(self) -> bool:
        """Without running it."""
        return True


@pytest.mark.parametrize(("folder", "is_own"), [(ROOT / "checks", True), (ROOT.parent / "other-tests", False)])
def test_a_conftest_from_elsewhere_is_a_stranger(folder: Path, *, is_own: bool) -> None:
    """A folder that somebody names beside them has one: pytest asks it about every test, and nobody reviewed it with the checks."""
    manager = pytest.PytestPluginManager()
    manager.register(Answers(), str(folder / "conftest.py"))
    config = cast("pytest.Config", SimpleNamespace(hook=manager.hook, rootpath=ROOT))

    found = [*completeness._strangers(config)]

    assert (found == []) is is_own
    assert is_own or f"can decide what came of a test: {folder}/conftest.py" in found[0]


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "python_files=test_health.py"), "were not looked at: test_more.py"),
        (("-o", "testpaths=load"), "were not looked at: test_health.py, test_more.py"),
        (("checks/test_more.py",), "were not looked at: test_health.py"),
    ],
    ids=["files", "testpaths", "one file of it"],
)
def test_what_is_not_looked_for_is_missed(
    running_sandbox: RunningSandbox, project: Project, arguments: Sequence[str], words: str
) -> None:
    """Of a kind, all of it has to run, whatever keeps pytest from finding it; a plug-in that ignores a file does, above."""
    project.write("checks/test_more.py", MORE)

    ended = project.run("-m", "health", "--env", str(running_sandbox.file), *arguments)

    assert ended.rc in {11, 5}, ended.out
    assert words in one_line(ended), ended.out


def test_a_whole_kind_is_a_go_with_all_that_may_be_left_out(running_sandbox: RunningSandbox, project: Project) -> None:
    """Options and plug-ins that take nothing away are no reason."""
    without = "debugging unittest monkeypatch recwarn pastebin stepwise unraisableexception threadexception logging"
    harmless = [
        word for name in f"{without} faulthandler subtests cacheprovider".split() for word in ("-p", f"no:{name}")
    ]
    project.environment["PYTEST_ADDOPTS"] = "-q -W ignore --import-mode=prepend --pyargs -o junit_family=xunit2"

    ended = project.run("-m", "health", "--env", str(running_sandbox.file), *harmless)

    assert ended.rc == 0, ended.out
    assert "REHEARSAL GO for health" in one_line(ended)


@pytest.mark.long_matrix(first=2)
@pytest.mark.parametrize(
    ("arguments", "code", "words", "tests"),
    [
        (("--item", "HC-3"), 0, "REHEARSAL GO for HC-3 sandbox", {"test_database_is_healthy"}),
        (
            ("--item", "HC-3", "--item", "SC-1"),
            11,
            "PARTIAL: no test that ran judges SC-1",
            {"test_database_is_healthy"},
        ),
        (
            ("-m", "health", "--item", "HC-3,HC-4"),
            0,
            "REHEARSAL GO for HC-3 HC-4 of health sandbox",
            {"test_database_is_healthy", "test_pam_is_healthy"},
        ),
        (("--item", "HC-3", "-k", "database"), 11, "PARTIAL: -k database", {"test_database_is_healthy"}),
    ],
    ids=["one", "one that nothing judges", "two of a kind", "and by name"],
)
def test_a_plan_item_is_complete_in_itself(
    running_sandbox: RunningSandbox, project: Project, arguments: Sequence[str], code: int, words: str, tests: set[str]
) -> None:
    """Whatever judges it runs, and nothing else; each item that is named has to be judged."""
    ended = project.run(*arguments, "--env", str(running_sandbox.file))

    assert ended.rc == code, ended.out
    assert words in one_line(ended)
    assert set(ended.outcomes()) == tests


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    [
        (
            ("-m", "health"),
            {"PYTEST_ADDOPTS": "--co"},
            11,
            "nothing was done: --collect-only only lists, and it comes from PYTEST_ADDOPTS",
        ),
        (
            (*CONSENT, "--collect-only"),
            {},
            11,
            "INCONCLUSIVE, nothing was done: --collect-only only lists; leave it out",
        ),
        (("-m", "health", "-p", "no:terminal"), {}, 4, "-p no:terminal: terminal is needed"),
        (("-m", "health"), {"PYTEST_ADDOPTS": "-p no:pam-verdict -k database"}, 4, "-p no:pam-verdict: pam-verdict is"),
        (
            ("-m", "health", "-p", "no:pam_rollback.plugin.start_up"),
            {},
            4,
            "pam_rollback.plugin.start_up is not loaded",
        ),
        (("-m", "health", "-p", "no:pam_rollback.plugin.options"), {}, 4, "is needed by every session of the runbook"),
        (
            ("-m", "health", *("-p", "no:pam_rollback.plugin.start_up"), *("-p", "no:pam_rollback.plugin.verdict")),
            {},
            4,
            "is not loaded, and without it pytest's own verdict would stand",
        ),
        (("-m", "health"), {"PYTHONOPTIMIZE": "1"}, 13, "assertions are switched off"),
        (
            ("-m", "health", "-o", "addopts="),
            {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            4,
            "unrecognized arguments: --run-dir",
        ),
        (("-m", "health", "--confcutdir=checks"), {}, 4, "the conftest.py of this project was not read"),
    ],
    ids=[
        "listed elsewhere",
        "consent and list",
        "terminal",
        "no verdict",
        "plugin",
        "options",
        "verdict",
        "-O",
        "addopts",
        "confcutdir",
    ],
)
def test_it_is_one_line_and_nothing_ran(
    project: Project, arguments: Sequence[str], variables: Mapping[str, str], code: int, words: str
) -> None:
    """Never a traceback, never a folder of a run that was none, never a green of pytest's own."""
    project.environment.update(variables)

    ended = project.run(*arguments)

    assert ended.rc == code, ended.out
    assert words in one_line(ended), ended.out
    assert "Traceback" not in ended.out
    assert " passed" not in ended.out
    assert not Path(ended.folder, "run.json").exists()
