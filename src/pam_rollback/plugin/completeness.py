"""Holds what a session ran against what pytest found at first: a count that no option and no plug-in has a say in.

What is missing without a rule of the suite makes the verdict PARTIAL. Decided in docs/decisions/verdicts.md.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import MarkMatcher
from _pytest.mark.expression import Expression

from pam_rollback.plan.held_tests import HeldTest, held_tests
from pam_rollback.plugin import markers, selection, sql_files
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.classification import named
from pam_rollback.plugin.runbook import FOLDERS, folder_of, named_paths
from pam_rollback.plugin.scope import criteria_of
from pam_rollback.plugin.situations import SITUATIONS_KEY, story_name

_TAKEN_OVER = re.compile(r"^from (drills\.\w+) import", re.MULTILINE)
"""How a drill takes over tests that others have, too."""
_WHOLE = re.compile(r"\w+(\s+or\s+\w+)*$")
_BY_HAND = ("keyword", "lf", "deselect", "ignore", "ignore_glob", "stepwise", "inversion")
"""Options that choose tests one by one: they are named themselves, and what they leave out is what was wanted."""
_DECIDES = (
    *("pytest_pyfunc_call", "pytest_runtest_protocol", "pytest_runtestloop", "pytest_fixture_setup"),
    *("pytest_runtest_makereport", "pytest_collection", "pytest_collect_directory", "pytest_collect_file"),
    *("pytest_ignore_collect", "pytest_make_collect_report", "pytest_pycollect_makemodule"),
    *("pytest_pycollect_makeitem", "pytest_collectstart", "pytest_itemcollected", "pytest_generate_tests"),
    "pytest_collectreport",
)
"""Hooks by which a plug-in can keep a test from being found, or say what came of it, without running it or around it."""
_HEARS_OF_TESTS = (
    *("pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown"),
    "pytest_runtest_logreport",
)
"""Hooks by which it can do so only around what others do: a wrapper may keep an error to itself, or change a report."""
KNOWN = (
    *("_pytest", "xdist", "allure_pytest", "pytest_playwright", "pytest_base_url", "pytest_timeout", "pam_rollback"),
    "__channelexec__",  # xdist in its workers, where execnet runs the module under this name
)
"""Whose parts are known. The project's ``conftest.py`` files count as known, too: they were reviewed with it."""


@dataclass(frozen=True)
class _Found:
    """A test as it was found, before anybody could take it out or change it."""

    item: pytest.Item
    marks: tuple[pytest.Mark, ...]
    code: object

    @property
    def is_advisory(self) -> bool:
        return any(mark.name == "advisory" for mark in self.marks)

    def is_selected(self, expression: str) -> bool:
        """Whether ``-m`` selects it."""
        return not expression or Expression.compile(expression).evaluate(MarkMatcher.from_markers(self.marks))

    @property
    def is_changed(self) -> bool:
        """Whether it runs other code than it was found with, or decides less."""
        weaker = not self.is_advisory and self.item.get_closest_marker("advisory") is not None
        return weaker or _code_of(self.item) is not self.code


_FOUND = pytest.StashKey[dict[int, _Found]]()


def _code_of(item: pytest.Item) -> object:
    function: Any = getattr(item, "function", None)
    return None if function is None else getattr(inspect.unwrap(function), "__code__", None)


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Remember each test as it was found."""
    item.config.stash.setdefault(_FOUND, {})[id(item)] = _Found(item, (*item.iter_markers(),), _code_of(item))


def note(session: pytest.Session) -> None:
    """Add to the reasons for PARTIAL what did not take part. In the process that ran the tests."""
    config = session.config
    runbook = runbook_module.of(config)
    if runbook is None or config.option.collectonly or config.pluginmanager.get_plugin("dsession") is not None:
        return
    left_out = config.stash.get(selection.KEY, None)
    if left_out is None:
        return
    try:
        left_out.partial += [*_missing(session, left_out), *_strangers(config)]
    except Exception as problem:  # noqa: BLE001 - the verdict comes all the same, and then it is no GO
        left_out.partial.append(f"what took part could not be counted: {type(problem).__name__}: {problem}")


def _missing(session: pytest.Session, left_out: selection.LeftOut) -> Iterator[str]:
    config, found = session.config, session.config.stash.get(_FOUND, {})
    if foreign := [item.nodeid for item in session.items if id(item) not in found]:
        yield f"a plug-in put other tests in the place of those that were collected: {named(foreign)}"
    if any(getattr(config.option, name, None) for name in _BY_HAND) or any("::" in arg for arg in config.args):
        return
    expression = config.option.markexpr.strip()
    took_part = {id(item) for item in (*session.items, *left_out.by_rule)}
    gone = [one.item.nodeid for key, one in found.items() if key not in took_part and one.is_selected(expression)]
    if gone:
        yield f"{len(gone)} tests of this selection did not take part, and no rule of the suite leaves them out: {named(gone)}"
    if changed := [item.nodeid for item in session.items if (one := found.get(id(item))) and one.is_changed]:
        yield f"a plug-in changed what tests are, or made them advisory: {named(changed)}"
    files = {one.item.path for one in found.values()}
    names = {(one.item.path, getattr(one.item, "originalname", None) or one.item.name) for one in found.values()}
    if lost := [*_not_found(files, names, expression, config.rootpath)]:
        yield f"tests that their files hold were not found: {named(lost)}"
    if shadowed := [*_shadowed(files, expression, config.rootpath)]:
        yield f"tests that another one below them, of the same name, keeps from running: {named(shadowed)}"
    if expression and (others := [*_not_looked_at(config, files)]):
        yield f"files with tests of this selection were not looked at: {named(others)}"


def _not_found(files: Iterable[Path], names: set[tuple[Path, str]], expression: str, root: Path) -> Iterator[str]:
    """Tests of this selection that stand in a file of which others were found: something took them away before."""
    asked = Expression.compile(expression) if expression else None
    for file in (one for one in files if one.suffix == ".py"):
        for own in held_tests(_text_of(file), shared_tests(_text_of(file), root)):
            selected = asked is None or asked.evaluate(markers.Named(own.marks))
            waits = markers.waits_to_be_named(own.marks, expression)
            if selected and not waits and not own.shadowed and (file, own.name) not in names:
                yield own.name


def _shadowed(files: Iterable[Path], expression: str, root: Path) -> Iterator[str]:
    """Tests of this selection that Python does not keep: pytest sees the last of a name, and nothing else."""
    asked = Expression.compile(expression) if expression else None
    for text in (_text_of(file) for file in files if file.suffix == ".py"):
        for own in held_tests(text, shared_tests(text, root)):
            selected = asked is None or asked.evaluate(markers.Named(own.marks))
            if own.shadowed and selected and not markers.waits_to_be_named(own.marks, expression):
                yield own.name


def _not_looked_at(config: pytest.Config, seen: set[Path]) -> Iterator[str]:
    """Files in which no test was found, and whose text has one of the markers: of a marker, all of it has to run."""
    root, stories = config.rootpath, config.stash[SITUATIONS_KEY].stories
    answered_for = _answered_for(config)
    for path in sorted(one for folder in FOLDERS for one in (root / folder).rglob("*.py")):
        is_test = path.stem.startswith("test_") or path.stem.endswith("_test")
        if not is_test or path in seen or (path.parent.name == "drills" and story_name(path) not in stories):
            continue
        shared = shared_tests(_text_of(path), root)
        selected = names_a_marker([_text_of(path), *shared.values()], config.option.markexpr)
        if selected and not answered_for(held_tests(_text_of(path), shared)):
            yield path.name
    if sql_files.can_select(config.option.markexpr):
        yield from (path.name for path in sorted(root.joinpath(*sql_files.FOLDER).glob("*.sql")) if path not in seen)


def _answered_for(config: pytest.Config) -> Callable[[Iterable[HeldTest]], bool]:
    """Return whether people answer for all that tests would decide: a decision is whole when each criterion is measured or answered."""
    runbook = runbook_module.of(config)
    if runbook is None or not markers.asks_for(config.option.markexpr, "decision"):
        return lambda _: False
    criteria = criteria_of(runbook.plan)
    said = {text.partition("=")[0].strip() for text in (*runbook.options.ack, *runbook.options.observed)}
    return lambda tests: all(
        own.items & criteria and own.items & criteria <= said for own in tests if "decision" in own.marks
    )


def names_a_marker(texts: Iterable[str], expression: str) -> bool:
    """Whether one of the markers of a plain ``-m`` expression is written there; True for any other expression."""
    wanted = expression.strip()
    names = re.split(r"\s+or\s+", wanted)
    return not _WHOLE.match(wanted) or any(f"mark.{name}" in text for text in texts for name in names)


def shared_tests(text: str, root: Path) -> Mapping[str, str]:
    """The modules of ``drills/`` that one of its files imports from, by name, with their text."""
    files = {module: root.joinpath(*module.split(".")).with_suffix(".py") for module in _TAKEN_OVER.findall(text)}
    return {module: _text_of(file) for module, file in files.items()}


@cache
def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _strangers(config: pytest.Config) -> Iterator[str]:
    """Plug-ins from elsewhere that can keep a test from being found, answer for it, or say what came of it."""
    found: dict[str, None] = {}
    for name in (*_DECIDES, *_HEARS_OF_TESTS):
        for one in getattr(config.hook, name).get_hookimpls():
            only_hears = name in _HEARS_OF_TESTS and not (one.wrapper or one.hookwrapper)
            module = getattr(one.function, "__module__", "") or ""
            is_known = module.partition(".")[0] in KNOWN or _is_own_conftest(one.plugin_name, config.rootpath)
            if not is_known and not only_hears:
                found[one.plugin_name] = None
    if found:
        yield f"a plug-in that is not part of the suite can decide what came of a test: {', '.join(found)}"


def _is_own_conftest(plugin: str, root: Path) -> bool:
    """Not that of another folder on the command line, which pytest asks about every test of the session, too."""
    return plugin.endswith("conftest.py") and Path(plugin).is_relative_to(root)


_ALL = pytest.StashKey[bool]()


def read_all(config: pytest.Config) -> None:
    """Read every file in this session, for those who look at tests that ``-m`` does not select."""
    config.stash[_ALL] = True


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a file out whose text has none of the markers. A test's markers are therefore written in its own file."""
    if collection_path.suffix != ".py" or runbook_module.of(config) is None or config.stash.get(_ALL, False):
        return None
    if folder_of(config, collection_path) not in FOLDERS or collection_path.name == "conftest.py":
        return None
    text = collection_path.read_text(encoding="utf-8", errors="replace")
    texts = [text, *shared_tests(text, config.rootpath).values()]
    is_named = collection_path in named_paths(config)
    return None if is_named or names_a_marker(texts, config.option.markexpr) else True
