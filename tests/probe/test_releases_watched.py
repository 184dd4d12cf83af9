"""From when on one process of one release has to answer: in a story from the end of the rollback, elsewhere from the beginning."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin.situations import AS_IS
from pam_rollback.plugin.topics.probe import from_its_end_s, held_window, releases_spec
from pam_rollback.probe.memory import MemoryReading
from pam_rollback.probe.until_the_end import ReleasesSpec
from pam_rollback.probe.window import WindowSpec
from pam_rollback.stats.series import Quantity
from pam_rollback.target.served_release import ExpectedReleases
from tests.plan.plan_scene import ROOT, Waits, Watched, body, quiet, runbook
from tests.plan.plan_scene import environment as scene_environment

ERRORS = WindowSpec(measure=Quantity.ERROR_RATE_PCT, limit=2, duration_s=900, gap_max_s=5)
WELL_S = 100.0
EXPECTED = ExpectedReleases(backend="1.41.3")
COMMITS = ExpectedReleases(backend="7cce05406677")


def spec(*, in_situation: object = None, weight: int = 1, **backend: object) -> ReleasesSpec | None:
    """What is asked when users were well again at 100 s; health is asked every fifth second."""
    component = SimpleNamespace(names_release=True, **backend)
    environment: Any = SimpleNamespace(
        contract=SimpleNamespace(health={"backend": component}),
        probing=SimpleNamespace(weights={"health": weight}),
        unasked=lambda one: getattr(one, "no_endpoint", ""),
        product="pam",
    )
    observation: Any = SimpleNamespace(rate_of=lambda _: 0.2)
    return releases_spec(environment, observation, ERRORS, in_situation, EXPECTED, COMMITS, start_s=WELL_S)


@pytest.mark.parametrize(
    ("in_situation", "resumed", "start_s"),
    [
        (None, None, WELL_S),
        (SimpleNamespace(finished_s=103.0), None, 103.0),
        (SimpleNamespace(finished_s=90.0), None, WELL_S),
        (SimpleNamespace(finished_s=9e9), "the run", WELL_S),
    ],
)
def test_it_begins_when_users_are_well_and_the_target_is_served(
    in_situation: object, resumed: object, start_s: float
) -> None:
    """Users can be well again, by luck, before the last answer of the old release; a resumed run's moments are of another boot."""
    run: Any = SimpleNamespace(resumed=resumed)

    assert from_its_end_s(in_situation, run, start_s=WELL_S) == start_s


def test_what_is_asked_of_the_releases() -> None:
    """For the time of the error rate, with five probes of health in the longest gap."""
    assert spec() == ReleasesSpec(expected=EXPECTED, start_s=WELL_S, duration_s=900, gap_max_s=25, commits=COMMITS)


def test_a_rollback_that_stopped_half_way_leaves_one_or_the_other() -> None:
    """Which is right nobody knows then; it has to stay."""
    found = spec(in_situation=ActionFailed("not done"))

    assert found == ReleasesSpec(expected=ExpectedReleases(), start_s=WELL_S, duration_s=900, gap_max_s=25)


def test_a_product_that_names_none_is_left_out() -> None:
    """Or that is not asked for it."""
    assert [spec(weight=0), spec(no_endpoint="none")] == [None, None]


@pytest.mark.parametrize(("in_situation", "state"), [(SimpleNamespace(finished_s=5.0), "met"), (None, "unknown")])
def test_memory_is_watched_from_the_end_of_the_rollback_on(in_situation: object, state: str) -> None:
    """Users were well three seconds before the old process ended: that is no restart of the new one. Where nobody acted, it is one."""
    readings = [MemoryReading(float(at), 90.0, started_s=0.0 if at < 3 else 3.0) for at in range(1000)]
    observation = Watched()
    observation.memory = SimpleNamespace(readings=readings, missed=())  # type: ignore[assignment]
    plan, clock = load_plan(ROOT / "plan.toml"), SimpleNamespace(monotonic_s=lambda: 1000.0)
    releases = (ExpectedReleases(), ExpectedReleases())
    given = (plan, runbook(plan, resumed=None), scene_environment(), in_situation, *releases)
    held = body(held_window)(AS_IS, 0.0, "1", observation, Waits(), clock, quiet(), *given)

    assert held.memory().state == state
