"""What a watcher's findings carry beside their words: the parts that fail, and what no rollback lifts."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin.topics import decision
from tests.plan.plan_scene import Watched, call, runbook

PLAN = load_plan(Path(__file__).resolve().parents[2] / "plan.toml")


@pytest.mark.parametrize(("api", "length_s"), [("https://api.example.org", 1000), ("http://127.0.0.1:8600", 0)])
def test_a_service_on_this_machine_is_watched_when_the_browsers_are_gone(api: str, length_s: int) -> None:
    """Beside the session's own browsers the real product answered in twice the time of its baseline, and as ever after them."""
    told: list[str] = []
    call(
        decision.watch,
        observation=Watched(for_s=1000),
        environment=SimpleNamespace(
            urls=SimpleNamespace(api=api), probing=SimpleNamespace(timeout_s=5), control_probe_url=""
        ),
        plan=PLAN,
        runbook=runbook(PLAN),
        waiter=SimpleNamespace(until=lambda ask, **_: ask()),
        clock=SimpleNamespace(monotonic_s=lambda: 1000),
        progress=SimpleNamespace(tell=told.append, done=lambda: None),
    )

    assert told[0].startswith(f"  … watching, {length_s} of "), told
