"""What a watcher's findings carry beside their words: the parts that fail, and what no rollback lifts."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pam_rollback.decision.decision import State, decide
from pam_rollback.decision.fixtures import decision
from pam_rollback.decision.fixtures.decision import Watcher
from pam_rollback.plan.plan import load_plan
from tests.plan.plan_scene import Watched, call, runbook

PLAN = load_plan(Path(__file__).resolve().parents[2] / "plan.toml")


@pytest.mark.parametrize(
    ("every", "status", "parts", "outside", "begin"),
    [
        (1, 503, ("front end", "back end"), (), "ST-5"),
        (1, 403, ("front end", "back end"), ("edge",), ""),
        (2, 503, ("back end",), (), "ST-4"),
    ],
    ids=["all is down", "everybody is refused", "the back end is down"],
)
def test_what_is_found_leads_to_the_advice(
    every: int, status: int, parts: tuple[str, ...], outside: tuple[str, ...], begin: str
) -> None:
    """From the samples of both parts to the strategy to begin with."""
    bad = Watched(lambda at: every == 1 or at % 2 == 1, status=status)
    seen = Watcher(bad, PLAN, 1.0, None).seen(0).watch  # type: ignore[arg-type]
    advice = decide(PLAN, [one.finding for one in seen.all], observed={}, vouched={}).advice

    for found in (seen.downtime.finding, seen.errors.finding):
        assert (found.state, found.parts, found.outside) == (State.HOLDS, parts, outside)
    assert advice is not None
    assert (advice.strategy.id if advice.strategy else "") == begin


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
