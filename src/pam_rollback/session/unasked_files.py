"""Leaves files unread that hold no test which ``-m`` can select: a session of health checks does not load what journeys are made of.

Only where that is certain (``written_marks``): for each of its tests the expression holds for no set of the markers that it can have, or
the test waits for its phase to be named; nobody named the file; and nobody else can give a test a marker. In any other case pytest reads
the file as ever. What is missing all the same is found when a session is counted (``completeness``), which reads the texts anew.
"""

import os
from functools import cache
from pathlib import Path

import pytest

from pam_rollback.plan.written_marks import WrittenFile, WrittenMarks, written_marks
from pam_rollback.session import markers, selection
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.completeness import KNOWN
from pam_rollback.session.mark_expression import MarkExpression
from pam_rollback.session.runbook import FOLDERS, folder_of

GIVEN_LATER = frozenset({"criterion", "allure_label", "allure_description", "allure_link"})
"""Markers that a test can have from the suite, without a word in its file."""
_ALL = pytest.StashKey[bool]()
_WAITING = pytest.StashKey[set[str]]()


def read_all(config: pytest.Config) -> None:
    """For whoever looks at tests that ``-m`` does not select."""
    config.stash[_ALL] = True


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Whether a file is left out; None where it is not for us to say."""
    expression = config.option.markexpr.strip()
    if collection_path.suffix != ".py" or not expression or runbook_module.of(config) is None:
        return None
    if folder_of(config, collection_path) not in FOLDERS or collection_path.name == "conftest.py":
        return None
    if config.stash.get(_ALL, False) or _is_named(collection_path, config) or not _is_as_usual(config):
        return None
    own, added = _read(collection_path), _marks_of_conftests(config.rootpath)
    if own is None or added is None:
        return None
    if not is_unasked(own, added, expression):
        return None
    waiting = [test.certain for test in own.tests if _waits(test, added, expression)]
    phases = {next(phase for phase in markers.PHASES if phase in marks) for marks in waiting}
    config.stash.setdefault(_WAITING, set()).update(phases)
    return True


def is_unasked(file: WrittenFile, added: frozenset[str], expression: str) -> bool:
    """Whether no test of the file can be selected. ``added``: the markers that fixtures from elsewhere can bring."""
    return not any(
        _can_be_selected(test, added, expression) for test in file.tests if not _waits(test, added, expression)
    )


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """A session that selects nothing says which phases have tests here that wait to be named."""
    left_out, waiting = config.stash.get(selection.KEY, None), config.stash.get(_WAITING, None)
    if left_out is not None and waiting:
        left_out.unnamed |= waiting


def _waits(test: WrittenMarks, added: frozenset[str], expression: str) -> bool:
    """Whether it waits for its phase to be named, whichever of the other markers it has."""
    everything = test.possible | added
    return all(markers.waits_to_be_named(marks, expression) for marks in (test.certain, everything))


def _can_be_selected(test: WrittenMarks, added: frozenset[str], expression: str) -> bool:
    try:
        return MarkExpression(expression).can_hold(test.possible | added | GIVEN_LATER)
    except SyntaxError:  # pytest will say so
        return True


def _is_named(path: Path, config: pytest.Config) -> bool:
    return any(Path(os.path.normpath(config.invocation_params.dir / arg.split("::")[0])) == path for arg in config.args)


def _is_as_usual(config: pytest.Config) -> bool:
    """No settings that make other things tests, and no plug-in from elsewhere, which could give them markers."""
    if config.getini("python_functions") != ["test"] or config.getini("python_classes") != ["Test"]:
        return False
    conftests = {str(path) for path in _conftests(config.rootpath)}
    for name, plugin in config.pluginmanager.list_name_plugin():
        module = getattr(plugin, "__name__", None) or type(plugin).__module__
        if plugin is not None and module.partition(".")[0] not in KNOWN and name not in conftests:
            return False
    return True


@cache
def _conftests(root: Path) -> tuple[Path, ...]:
    """The project's conftest.py files, those of folders among them that pytest has not come to."""
    return (root / "conftest.py", *(path for name in FOLDERS for path in sorted((root / name).rglob("conftest.py"))))


@cache
def _marks_of_conftests(root: Path) -> frozenset[str] | None:
    """The markers that their fixtures can bring; None when that cannot be seen, or a package's ``__init__`` could bring others."""
    found = [_read(path) for path in _conftests(root) if path.is_file()]
    packages = any(next((root / name).rglob("__init__.py"), None) for name in FOLDERS)
    if packages or None in found:
        return None
    return frozenset(mark for one in found if one is not None for mark in one.fixtures)


def _read(path: Path) -> WrittenFile | None:
    try:
        return written_marks(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
