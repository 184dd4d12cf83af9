"""What the commands of the documentation select: everything is collected once, and each command is held against that.

Loaded as a plug-in by the one session that collects. Options, configuration, situations and the suite's own rules of selection are the
plugin's own; what pytest itself would do is done by hand: which files lie below the arguments, and what ``-m`` says.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.plugin import entry, markers, selection, situations
from pam_rollback.plugin.situations import AS_IS, BASELINE, SITUATIONS_KEY, situation_of
from tests.plugin.beginning import configured

ROOT = Path(__file__).resolve().parents[1]
_ASKED, _ANSWERS = "SHOWN_COMMANDS", "shown-commands: "
_WITHIN_S = 60
CONNECTED = ("staging", "production")
"""Environments of which the pages speak as of yours: here they are examples."""
_ALL = ("checks", "drills", "load", "--situation", "as-is,after-each", "--collect-only", "-q")


def selected_by(commands: Iterable[str]) -> Mapping[str, str]:
    """By command: how many tests it selects, or why it is refused. Nothing is started and nothing is sent."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PAM_", "PYTEST_", "GITHUB_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_ALL, "-p", __name__, "-p", "timeout", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**clean, _ASKED: json.dumps(list(commands)), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=_WITHIN_S,
        stdin=subprocess.DEVNULL,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith(_ANSWERS)]
    assert told, done.stdout + done.stderr
    answers: dict[str, str] = json.loads(told[0].removeprefix(_ANSWERS))
    return answers


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Any:
    """Answer for each command that was asked about, before anything is left out."""
    found = {command: _selects(config, items, command) for command in json.loads(os.environ[_ASKED])}
    print(f"\n{_ANSWERS}{json.dumps(found)}")  # noqa: T201 - read by whoever asked
    return (yield)


def _selects(config: pytest.Config, items: Iterable[pytest.Item], command: str) -> str:
    words = [word for word in shlex.split(command)[1:] if word != "--execute"]
    asked = configured(config, ROOT, *words)
    named = asked.option.pam_env or "sandbox"  # by a variable, or a drill
    asked.option.pam_env = f"environments/examples/{named}.toml" if named in CONNECTED else named
    asked.hook = config.hook
    try:
        prepared = entry.prepare(asked)
        assert prepared is not None, "it is not about the runbook"
        markers.check_expression(asked.option.markexpr)
        situations.decide(asked, prepared)
        named = [ROOT / arg.partition("::")[0] for arg in asked.args]
        entered = {AS_IS if name == BASELINE else name for name in asked.stash[SITUATIONS_KEY].situations}
        own = [
            item
            for item in items
            if any(item.path.is_relative_to(path) for path in named)
            and (item.path.parent.name == "drills" or situation_of(item) in entered)
        ]
        selection.pytest_collection_modifyitems(asked, own)
    except (pytest.UsageError, AssertionError) as refused:
        return f"refused: {refused}"
    expression = asked.option.markexpr.strip()
    return str(sum(markers.is_selected(item, expression) for item in own))
