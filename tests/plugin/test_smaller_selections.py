"""Whatever makes fewer or weaker tests run than it seems is noticed: PARTIAL, or refused in one line, and never a GO."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.sessions import ONLY_HEALTH, Finished, Project, Range

CONSENT = (
    *("drills/test_feature_flag.py", "--env", "production", "--mode", "real", "--execute"),
    *("--confirm", "production", "--reason", "errors", "--initiated-by", "alex"),
)
DROPS = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "database" not in item.nodeid]
"""
UNMARKS = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "database" in item.nodeid:
            item.own_markers[:] = []
            item.iter_markers = lambda name=None: iter(())
    return (yield)
"""
EMPTIES = """
def pytest_itemcollected(item):
    if "database" in item.nodeid:
        item.obj = lambda **_: None
"""
REPLACES = """
import copy, pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items[:] = [copy.copy(item) for item in items]
"""
ANSWERS = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call():
    return True
"""
EXCUSES = """
import pytest

def pytest_itemcollected(item):
    item.add_marker("advisory") if "database" in item.nodeid else None
"""
IGNORES = """
def pytest_ignore_collect(collection_path):
    return True if collection_path.name == "test_more.py" else None
"""
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
    project.environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(project.folder), os.environ.get("PYTHONPATH")))
    )
    return ("-p", "stranger")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (DROPS, "1 tests of this selection did not take part, and no rule of the suite leaves them out: test_database"),
        (UNMARKS, "did not take part, and no rule of the suite leaves them out: test_database_is_healthy"),
        (EMPTIES, "a plug-in changed what tests are, or made them advisory: test_database_is_healthy"),
        (REPLACES, "a plug-in put other tests in the place of those that were collected"),
        (ANSWERS, "a plug-in that is not part of the suite can decide what came of a test: stranger"),
        (EXCUSES, "made them advisory: test_database_is_healthy"),
        (IGNORES, "did not take part, and no rule of the suite leaves them out: test_more"),
    ],
    ids=["drops", "unmarks", "empties", "replaces", "answers", "excuses", "ignores"],
)
def test_a_plug_in_that_takes_tests_away_is_noticed(
    practice_range: Range, project: Project, source: str, words: str
) -> None:
    """All that still ran is green, and that is no GO."""
    project.write("checks/test_more.py", MORE)

    ended = project.run("-m", "health", "--env", str(practice_range.file), *with_plugin(project, source))

    assert ended.rc == 11, ended.out
    assert f"PARTIAL: {words}" in one_line(ended) or words in one_line(ended), ended.out
    assert ended.record["verdict"] == "INCONCLUSIVE"


def test_the_workers_of_xdist_notice_it_too(practice_range: Range, project: Project) -> None:
    """They collect; the controller judges."""
    plugin = with_plugin(project, DROPS)

    ended = project.run("-m", "health", "--env", str(practice_range.file), *plugin, "-n", "2")

    assert ended.rc == 11, ended.out
    assert "leaves them out: test_database_is_healthy" in one_line(ended)


@pytest.mark.parametrize(
    ("arguments", "addopts", "words"),
    [
        (("-o", "python_functions=test_pam*"), "", "PARTIAL: -o python_functions=test_pam*"),
        (("-o", "python_files=test_health.py"), "", "leaves them out: test_more"),
        (("-o", "testpaths=load"), "", "tests of this selection did not take part"),
        (("-o", "norecursedirs=checks"), "", "PARTIAL: -o norecursedirs=checks"),
        ((), "--deselect=checks/test_more.py::test_more", "PARTIAL: --deselect"),
        ((), "--setup-plan", "PARTIAL: --setup-plan"),
        (("checks/test_more.py",), "", "leaves them out: test_front_end_is_healthy"),
    ],
    ids=["functions", "files", "testpaths", "norecursedirs", "deselect", "setup-plan", "one file of it"],
)
def test_an_option_that_makes_less_run_is_named(
    practice_range: Range, project: Project, arguments: Sequence[str], addopts: str, words: str
) -> None:
    """Wherever it stands: of a kind, all of it has to run."""
    project.write("checks/test_more.py", MORE)
    project.environment["PYTEST_ADDOPTS"] = addopts

    ended = project.run("-m", "health", "--env", str(practice_range.file), *arguments)

    assert ended.rc in {11, 5}, ended.out
    assert words in one_line(ended), ended.out


def test_a_whole_kind_is_a_go_with_all_that_may_be_left_out(practice_range: Range, project: Project) -> None:
    """Options and plug-ins that take nothing away are no reason."""
    without = "debugging unittest monkeypatch recwarn pastebin stepwise unraisableexception threadexception logging"
    harmless = [
        word for name in f"{without} faulthandler subtests cacheprovider".split() for word in ("-p", f"no:{name}")
    ]
    project.environment["PYTEST_ADDOPTS"] = "-q -W ignore --import-mode=prepend --pyargs -o junit_family=xunit2"

    ended = project.run("-m", "health", "--env", str(practice_range.file), *harmless)

    assert ended.rc == 0, ended.out
    assert "REHEARSAL GO for health" in one_line(ended)


ONE_LINE: Sequence[tuple[Sequence[str], Mapping[str, str], int, str]] = [
    (
        ("-m", "health"),
        {"PYTEST_ADDOPTS": "--co"},
        11,
        "nothing was done: --collect-only only lists, and it comes from",
    ),
    (("-m", "health"), {"PYTEST_ADDOPTS": "--fixtures"}, 11, "nothing was done: --fixtures only lists"),
    (("-m", "health"), {"PYTEST_ADDOPTS": "--markers"}, 11, "nothing was done: --markers only lists"),
    (("-m", "health"), {"PYTEST_ADDOPTS": "--help"}, 11, "nothing was done: --help only lists"),
    ((*CONSENT, "--collect-only"), {}, 11, "INCONCLUSIVE, nothing was done: --collect-only only lists; leave it out"),
    ((*CONSENT, "--fixtures"), {}, 11, "nothing was done: --fixtures only lists"),
    (("--undo", "some-run", "--collectonly"), {}, 11, "nothing was done: --collectonly only lists"),
    ((*CONSENT, "--setup-plan"), {}, 13, "would act and verify nothing"),
    (("-m", "health", "-p", "no:allure_pytest"), {}, 4, "-p no:allure_pytest: allure_pytest is needed"),
    (("-m", "health", "-p", "no:xdist"), {}, 4, "-p no:xdist: xdist is needed"),
    (("-m", "health", "-p", "no:terminal"), {}, 4, "-p no:terminal: terminal is needed"),
    (("-m", "health", "-p", "no:assertion"), {}, 4, "-p no:assertion: assertion is needed"),
    (("-m", "health", "-p", "no:pam_rollback.plugin"), {}, 4, "pam_rollback.plugin is not loaded"),
    (("-m", "health", "-p", "no:pam_rollback.plugin.verdict"), {}, 4, "pam_rollback.plugin.verdict is needed"),
    (
        ("-m", "health", *("-p", "no:pam_rollback.plugin"), *("-p", "no:pam_rollback.plugin.verdict")),
        {},
        4,
        "is not loaded, and without it pytest's own verdict would stand",
    ),
    (("-m", "health"), {"PYTHONOPTIMIZE": "1"}, 13, "assertions are switched off"),
    (("-m", "health", "--assert=plain"), {}, 13, "assertions are switched off"),
    (("-m", "health", "-o", "addopts="), {}, 4, "-o addopts: the options in pyproject.toml are part of the suite"),
    (
        ("-m", "health", "-o", "addopts="),
        {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        4,
        "unrecognized arguments: --run-dir",
    ),
    (("-m", "health", "-c", "other.ini"), {}, 4, "-c other.ini: the settings of the suite stand in pyproject.toml"),
    (("-m", "health", "--rootdir=checks"), {}, 4, "--rootdir checks: the project is"),
    (("-m", "health", "--noconftest"), {}, 4, "--noconftest leaves out the fixtures"),
    (("-m", "health", "--confcutdir=checks"), {}, 4, "the conftest.py of this project was not read"),
    (("-m", "health", "--pastebin=all"), {}, 4, "sends what a session printed to a public service"),
]


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    ONE_LINE,
    ids=[" ".join([*variables.values(), *arguments[2:]][-4:]) for arguments, variables, _, _ in ONE_LINE],
)
def test_it_is_one_line_and_nothing_ran(
    project: Project, arguments: Sequence[str], variables: Mapping[str, str], code: int, words: str
) -> None:
    """Never a traceback, never a folder of a run that was none, never a green of pytest's own."""
    project.write("other.ini", "[pytest]\n")
    project.environment.update(variables)

    ended = project.run(*arguments)

    assert ended.rc == code, ended.out
    assert words in one_line(ended), ended.out
    assert "Traceback" not in ended.out
    assert " passed" not in ended.out
    assert not Path(ended.folder, "run.json").exists()


def test_plain_listing_stays_what_it_was(project: Project) -> None:
    """Whoever types it gets the list, and 0."""
    listed = project.run("-m", "health", "--collect-only", "-q")

    assert listed.rc == 0, listed.out
    assert "test_database_is_healthy" in listed.out
