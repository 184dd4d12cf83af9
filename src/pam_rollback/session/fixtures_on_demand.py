"""Loads a topic's fixtures when a test, or another fixture, asks for one of them: health checks read nothing of browsers and strategies.

Which module has which fixture is read from the text of the topics' ``fixtures``, so no list has to be kept. Fixtures of leaves are loaded
by phase (``slices``); a session that explains fixtures has all of them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import pam_rollback
from pam_rollback.session import markers, slices
from pam_rollback.session.project_root import only_own_tests
from pam_rollback.session.start_up import load

_FIXTURE = re.compile(r"^@pytest\.fixture\b.*?^(?:async )?def (\w+)", re.MULTILINE | re.DOTALL)
_LISTENS = re.compile(r"^def pytest_", re.MULTILINE)
_HEARD_IN = "redeploy_gate"
"""The phase in which the hooks are called that modules of fixtures listen to."""
_EARLIER = pytest.StashKey[frozenset[str]]()


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Remember which plug-ins come before ours. Load at once what is not asked for by name."""
    known, manager = early_config.known_args_namespace, early_config.pluginmanager
    if only_own_tests(known.file_or_dir):
        return
    early_config.stash[_EARLIER] = frozenset(getattr(plugin, "__name__", "") for plugin in manager.get_plugins())
    explained = known.showfixtures or known.show_fixtures_per_test
    heard = _HEARD_IN in markers.named_in(known.markexpr)
    if explained or heard:
        for module, text in _modules():
            if explained or _LISTENS.search(text):
                load(manager, module)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """From here on pytest looks for fixtures."""
    earlier = session.config.stash.get(_EARLIER, None)
    if earlier is not None:
        manager: Any = session.config.pluginmanager.get_plugin("funcmanage")
        manager.getfixturedefs = _OnDemand(session, manager, earlier)


class _OnDemand:
    """Stands before pytest's own way to find a fixture."""

    def __init__(self, session: pytest.Session, manager: Any, earlier: frozenset[str]) -> None:
        self._session, self._manager, self._earlier = session, manager, earlier
        self._find = manager.getfixturedefs
        self._modules = names()

    def __call__(self, argname: str, node: pytest.Item | pytest.Collector) -> Sequence[Any] | None:
        """The fixtures of this name that the node sees, the nearest last."""
        module = self._modules.pop(argname, "")
        if module and load(self._session.config.pluginmanager, module):
            self._put_beneath_a_conftest(module)
        found: Sequence[Any] | None = self._find(argname, node)
        return found

    def _put_beneath_a_conftest(self, module: str) -> None:
        """What overrides a fixture overrides it also where that came later: the nearest stands first here."""
        for by_node in self._manager._arg2node2fixturedefs.values():  # noqa: SLF001 - pytest has no other way
            defined = by_node.get(self._session, [])
            if len(defined) > 1:
                defined.sort(key=lambda one: self._place(one.func.__module__, module))

    def _place(self, name: str, ours: str) -> int:
        return 1 if name == ours else 2 if name in self._earlier else 0


def names() -> dict[str, str]:
    """The module of each fixture that is loaded on demand, by the fixture's name."""
    return {name: module for module, text in _modules() for name in _FIXTURE.findall(text)}


def _modules() -> Iterator[tuple[str, str]]:
    """Each module of a topic's fixtures, with its text."""
    [root] = pam_rollback.__path__
    leaves = slices.slices()
    for topic in slices.packages():
        folder = Path(root, topic.rpartition(".")[2])
        for path in sorted(folder.glob("fixtures/**/*.py")) if topic not in leaves else ():
            parts = path.relative_to(root).with_suffix("").parts
            yield ".".join([pam_rollback.__name__, *parts]).removesuffix(".__init__"), path.read_text(encoding="utf-8")
