"""What pytest loads: options, markers, situations, guard, fixtures, exit codes and the verdict.

Each part is a small pytest plugin of its own. All of them keep quiet when pytest runs the suite's own tests (``tests/``).
"""

import pytest

from pam_rollback.plugin import pytest_options

_OURS = "pam_rollback."

pytest_plugins = (
    "pam_rollback.plugin.lasting_streams",
    "pam_rollback.plugin.start_up",
    "pam_rollback.plugin.options",
    "pam_rollback.plugin.entry",
    "pam_rollback.plugin.browser_gate",
    "pam_rollback.plugin.slices",
    "pam_rollback.plugin.markers",
    "pam_rollback.plugin.runbook",
    "pam_rollback.plugin.guard",
    "pam_rollback.plugin.situations",
    "pam_rollback.plugin.sql_files",
    "pam_rollback.plugin.selection",
    "pam_rollback.plugin.completeness",
    "pam_rollback.plugin.stop",
    "pam_rollback.plugin.harmless_terminal",
    "pam_rollback.plugin.progress",
    "pam_rollback.plugin.phases",
    "pam_rollback.plugin.classification",
    "pam_rollback.plugin.first_verdicts",
    "pam_rollback.plugin.kinds_seen",
    "pam_rollback.plugin.allure_bridge",
    "pam_rollback.plugin.deciding",
    "pam_rollback.plugin.verdict",
)


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Load the parts that a module names by our own names, and the parts of those.

    pytest itself looks for each name among the entry points of every installed package first, some milliseconds each: a quarter of
    what a session needs of a processor before its first request.
    """
    for name in getattr(plugin, "pytest_plugins", ()):
        if isinstance(name, str) and name.startswith(_OURS):
            manager.import_plugin(name)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse, before anything else, a command line that takes away what the suite stands on.

    Here and not in a part of its own, which the command line could take away, too.
    """
    pytest_options.refuse(early_config)
