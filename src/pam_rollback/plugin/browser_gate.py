"""Loads pytest-playwright only when ``-m`` can select a browser test: it costs about 0.4 s of every start.

Lazy loading after collection does not work: options, parametrization and fixture closures are fixed by then.
"""

import pytest
from _pytest.mark.expression import Expression

BROWSER_KINDS = ("journey", "accessibility", "performance")
"""Kinds of tests that open a browser; each of them may stand beside one of the phases."""
BROWSER_PHASES = frozenset({"post_rollback", "rollback", "redeploy_gate"})
_OPTIONS = ("--browser", "--tracing", "--headed", "--screenshot", "--video", "--slowmo")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Decide by the command line alone; workers of pytest-xdist come to the same answer."""
    known = early_config.known_args_namespace
    if _only_own_tests(known.file_or_dir):
        return
    if can_select_browser_test(known.markexpr) or any(arg.startswith(_OPTIONS) for arg in args):
        early_config.pluginmanager.import_plugin("playwright", consider_entry_points=True)


def can_select_browser_test(expression: str) -> bool:
    """Whether the ``-m`` expression can be true for a test that opens a browser, whatever phase it stands in."""
    if not expression:
        return True
    try:
        compiled = Expression.compile(expression)
    except SyntaxError:
        return False  # pytest itself says what is wrong with it

    def can_be(name: str, kind: str) -> bool:
        return name == kind or name in BROWSER_PHASES

    # pytest calls the matcher with the name alone, or with a marker's keyword arguments beside it.
    return any(compiled.evaluate(lambda name, /, *, is_a=kind, **_: can_be(name, str(is_a))) for kind in BROWSER_KINDS)


def _only_own_tests(paths: list[str]) -> bool:
    return bool(paths) and all(path.lstrip("./").startswith("tests") for path in paths)
