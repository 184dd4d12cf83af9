"""What pytest is told to load (``-p``): the parts of the plug-in, the suite's own hooks, and the first look at the command line.

Fixtures, and what each topic does in a session, are named in the root ``conftest.py``. The garbage collector is off until tests are
collected: what is made until then lives to the end, and looking at it again and again takes half of the start's time.
"""

import gc

import pytest

from pam_rollback.plugin import (
    browser_gate,
    completeness,
    endings,
    entry,
    guard,
    hookspecs,
    lasting_streams,
    options,
    phases,
    pytest_options,
    selection,
    situations,
    sql_files,
    verdict,
)

gc.disable()

# The last one is called first.
PARTS = (
    lasting_streams,
    options,
    entry,
    browser_gate,
    guard,
    situations,
    sql_files,
    selection,
    completeness,
    endings,
    phases,
    verdict,
)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the suite's own hooks, which any conftest.py may answer, and the parts of the plug-in."""
    pluginmanager.add_hookspecs(hookspecs)
    for part in PARTS:
        pluginmanager.register(part, part.__name__)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse a command line that takes away what the suite stands on: here, because it could take away any other part."""
    pytest_options.refuse(early_config)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Collect garbage from here on, without what is there already."""
    gc.freeze()
    gc.enable()
