"""Holds what a session ran against what the files of the runbook hold: a count that no option and no plug-in has a say in.

The files are read as text, after the tests have run, so that nobody waits for it. What is missing without a rule of the suite makes the
verdict PARTIAL. Decided in docs/decisions/verdicts.md.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.expression import Expression

from pam_rollback.plan.held_tests import HeldTest, held_tests
from pam_rollback.plugin import markers, selection, sql_files
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.classification import named
from pam_rollback.plugin.runbook import FOLDERS, folder_of, named_paths
from pam_rollback.plugin.scope import criteria_of
from pam_rollback.plugin.situations import SITUATIONS_KEY, situation_of, story_name
from pam_rollback.plugin.sql_files import FOLDER as SQL_FOLDER
from pam_rollback.target.invariants import parse_invariant

_TAKEN_OVER = re.compile(r"^from (drills\.\w+) import", re.MULTILINE)
"""How a drill takes over tests that others have, too."""
_COLLECTED = pytest.StashKey[list[pytest.Item]]()
_WHOLE = re.compile(r"\w+(\s+or\s+\w+)*$")
_BY_HAND = ("keyword", "lf", "deselect", "ignore", "ignore_glob", "stepwise", "inversion")
"""Options that choose tests one by one: they are named themselves, and what they leave out is what was wanted."""
_ANSWERS_FOR_TESTS = (
    *("pytest_pyfunc_call", "pytest_runtest_protocol", "pytest_runtestloop", "pytest_fixture_setup"),
    "pytest_runtest_makereport",
)
"""Hooks by which a plug-in can say what came of a test, without running it or around it."""
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

Key = tuple[str, str, str]
"""File, function and situation."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Remember each test as it was found, before anybody can take it out."""
    item.config.stash.setdefault(_COLLECTED, []).append(item)


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
    config, items = session.config, session.items
    collected = {id(item) for item in config.stash.get(_COLLECTED, [])}
    foreign = [item.nodeid for item in items if id(item) not in collected]
    if foreign:
        yield f"a plug-in put other tests in the place of those that were collected: {named(foreign)}"
    if any(getattr(config.option, name, None) for name in _BY_HAND) or any("::" in arg for arg in config.args):
        return
    ruled = {id(item) for item in left_out.by_rule}
    ran = {id(item) for item in items}
    expression = config.option.markexpr.strip()
    dropped = [
        f"{_shown(item.path, config.rootpath)}::{getattr(item, 'originalname', None) or item.name}"
        for item in config.stash.get(_COLLECTED, [])
        if id(item) not in ran | ruled and markers.is_selected(item, expression)
    ]
    present = {_key(item, config.rootpath) for item in [*items, *left_out.by_rule]}
    all_held = [*_held(config)]
    if shadowed := [own.name for _, own in all_held if own.shadowed]:
        yield f"tests that another one below them, of the same name, keeps from running: {named(shadowed)}"
    held = dict(all_held)
    answered_for = _answered_for(config)
    lost = [
        f"{file}::{name}"
        for (file, name, situation), own in held.items()
        if not present & {(file, name, situation), (file, name, "")} and not answered_for(own)
    ]
    gone = [*dict.fromkeys([*dropped, *lost])]
    if gone:
        yield f"{len(gone)} tests of this selection did not take part, and no rule of the suite leaves them out: {named(gone)}"
    changed = [
        item.nodeid for item in items if (own := held.get(_key(item, config.rootpath))) and _is_changed(item, own)
    ]
    if changed:
        yield f"a plug-in changed what tests are, or made them advisory: {named(changed)}"


def _answered_for(config: pytest.Config) -> Callable[[HeldTest], bool]:
    """Whether a person answers for all that a test would decide: a decision is whole when each criterion is measured or answered."""
    runbook = runbook_module.of(config)
    if runbook is None or not markers.asks_for(config.option.markexpr, "decision"):
        return lambda _: False
    criteria = criteria_of(runbook.plan)
    said = {text.partition("=")[0].strip() for text in (*runbook.options.ack, *runbook.options.observed)}
    return lambda own: bool(own.items & criteria) and own.items & criteria <= said


def _key(item: pytest.Item, root: Path) -> Key:
    name = getattr(item, "originalname", None) or item.name
    callspec = getattr(item, "callspec", None)
    situation = situation_of(item) if callspec is not None and "situation" in callspec.params else ""
    return (_shown(item.path, root), name, situation)


def _is_changed(item: pytest.Item, own: HeldTest) -> bool:
    """Whether it runs other code than its file's, or decides less than its file says."""
    function: Any = getattr(item, "function", None)
    code = None if function is None else getattr(inspect.unwrap(function), "__code__", None)
    expected = _file_of(own.module, item.config.rootpath) if own.module else item.path
    elsewhere = code is not None and Path(code.co_filename) != expected
    return elsewhere or ("advisory" not in own.marks and item.get_closest_marker("advisory") is not None)


def _held(config: pytest.Config) -> Iterator[tuple[Key, HeldTest]]:
    """What the files hold of this selection, in each of its situations."""
    expression = config.option.markexpr.strip()
    asked = Expression.compile(expression) if expression else None
    selected = config.stash[SITUATIONS_KEY]
    for path in _files(config, whole=bool(expression)):
        if path.parent.name == "drills":
            situations: Sequence[str] = [f"after-{story_name(path)}"]
        else:
            situations = selected.situations
        for test in _read(path, expression, config.rootpath):
            if asked is not None and not asked.evaluate(markers.Named(test.marks)):
                continue
            if not markers.waits_to_be_named(test.marks, expression):
                yield from (((_shown(path, config.rootpath), test.name, situation), test) for situation in situations)


def _files(config: pytest.Config, *, whole: bool) -> Iterator[Path]:
    """The files that this session is about: of a marker, and where nobody named any, all of checks and load; and the named stories."""
    root, stories = config.rootpath, config.stash[SITUATIONS_KEY].stories
    where = named_paths(config)
    if whole or config.args_source is not pytest.Config.ArgsSource.ARGS:
        where = [root / folder for folder in FOLDERS if folder != "drills" or stories]
    for path in dict.fromkeys(found for place in where for found in _within(place)):
        folder = runbook_module.folder_of(config, path)
        if folder in FOLDERS and (folder != "drills" or story_name(path) in stories):
            yield path


def _within(place: Path) -> Iterable[Path]:
    if place.is_dir():
        return sorted([*place.rglob("test_*.py"), *place.rglob("*_test.py"), *place.rglob("*.sql")])
    return [place] if place.is_file() else []


def _read(path: Path, expression: str, root: Path) -> Sequence[HeldTest]:
    if path.suffix == ".sql":
        if path.parts[-3:-1] != SQL_FOLDER or not sql_files.can_select(expression):
            return ()
        own = parse_invariant(path.read_text(encoding="utf-8"), source=path.name, stem=path.stem)
        advisory = {"advisory"} if own.severity == "advisory" else set()
        return [HeldTest(f"test_{path.stem.replace('-', '_')}", frozenset({*sql_files.MARKS, *advisory}))]
    text = path.read_text(encoding="utf-8")
    shared = shared_tests(text, root)
    if not names_a_marker([text, *shared.values()], expression):
        return ()  # reading it whole would be for nothing
    try:
        return held_tests(text, shared)
    except SyntaxError:  # pytest cannot collect it either, and says so
        return ()


def names_a_marker(texts: Iterable[str], expression: str) -> bool:
    """Whether one of the markers of a plain ``-m`` expression is written there; True for any other expression."""
    wanted = expression.strip()
    names = re.split(r"\s+or\s+", wanted)
    return not _WHOLE.match(wanted) or any(f"mark.{name}" in text for text in texts for name in names)


def shared_tests(text: str, root: Path) -> Mapping[str, str]:
    """The modules of ``drills/`` that one of its files imports from, by name, with their text."""
    return {module: _text_of(_file_of(module, root)) for module in _TAKEN_OVER.findall(text)}


@cache
def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _file_of(module: str, root: Path) -> Path:
    return root.joinpath(*module.split(".")).with_suffix(".py")


def _strangers(config: pytest.Config) -> Iterator[str]:
    """Plug-ins from elsewhere that can answer for a test, or say what came of it."""
    found: dict[str, None] = {}
    for name in (*_ANSWERS_FOR_TESTS, *_HEARS_OF_TESTS):
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


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


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
