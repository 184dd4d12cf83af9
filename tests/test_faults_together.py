"""Faults that do not meet are planted at once: one session shows several that wait for a browser or a window.

`make test-all` plants each of them alone as well (test_checks_catch_faults.py). Why: docs/decisions/tests.md.
"""

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fault_rows.matrix import ROOT
from tests.sessions import RunningSandbox
from tests.summary import ROW
from tests.test_checks_catch_faults import ROWS, Proof, judge, proof, under

__all__ = ["proof"]

TOGETHER = {
    "barriers": (
        "contrast-dark",
        "image-without-alt",
        "button-without-name",
        "label-missing",
        "dialog-unnamed",
        "target-too-small",
        "reflow-broken",
        "focus-invisible",
        "live-region-mute",
    ),
    "journeys": (
        "chat-forgotten",
        "phone-unusable",
        "voice-gone",
        "trips-gone",
        "console-error",
        "request-failing",
        "request-refused",
        "worker-stuck",
    ),
    "windows": ("memory-high", "some-errors", "window-errors", "window-data-damaged", "window-memory-high"),
}
"""Of the rows that wait for something, those whose faults do not meet: planted at once on every commit.

`make test-all` plants each of them alone as well. That such sessions are green without a fault: tests/test_no_false_alarms.py, and those of
the journeys, performance and accessibility in tests/browser and tests/records. A channel that is down while a rollback is told:
tests/rollback/test_stories.py.
"""
_SANDBOX = tomllib.loads((ROOT / "environments" / "sandbox.toml").read_text(encoding="utf-8"))
SETTINGS = {
    "journeys": 'browsers = ["chromium"]',
    "windows": f"abilities = {json.dumps([ability for ability in _SANDBOX['abilities'] if ability != 'browser'])}",
}
"""Journeys are not about browsers, so one shows them; at night each of them is seen in all. Windows need no page.

What is wrong with a page, on every commit: tests/browser/client.
"""


@pytest.mark.parametrize("company", TOGETHER)
def test_faults_that_do_not_meet_are_shown_by_one_session(
    company: str, proof: Proof, running_sandbox: RunningSandbox, record_property: Callable[[str, object], None]
) -> None:
    """Each turns its own checks, with its own words, and nothing else is red."""
    # Alone, the errors of a window are asked of the success criteria only: what is asked once may meet an error, or not.
    rows = [replace(row, file="") if row.id == "window-errors" else row for row in ROWS if row.id in TOGETHER[company]]
    for row in rows:
        record_property(ROW, row.id)
    wanted = " or ".join(dict.fromkeys(row.select for row in rows))
    session = proof.session(replace(rows[0], select=wanted), SETTINGS.get(company, ""))
    try:
        broken = under(rows, session, running_sandbox)
    finally:
        session.close()

    assert len(rows) == len(TOGETHER[company]) == len({row.words for row in rows})
    assert {(row.file, row.situation, row.settings) for row in rows} == {("", "", "")}
    judge(rows, broken, broken.outcomes_by_case().keys())
