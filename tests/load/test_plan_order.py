"""What a load test asks of an environment: the plan's steps at the environment's rate, and of whom."""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe.parts import probe_config
from pam_rollback.redeploy.load.order import LoadOrder, load_order
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.target.declared_environments import RUNNING, folder, running

__all__ = ["folder"]
PLAN = load_plan(Path(__file__).parents[2] / "plan.toml")


@pytest.fixture
def environment(folder: Path) -> Environment:
    """A running sandbox."""
    return load_environment(str(running(folder)), folder, {})


def order_of(environment: Environment, *, pace: float = 60) -> LoadOrder:
    """By the committed plan."""
    return load_order(environment, PLAN.load, pace=pace, run="r1")


def test_it_asks_what_the_prober_asks(environment: Environment) -> None:
    """What goes by one name is one request, with one expectation: users are not one thing here and another there."""
    load = {one.name: one for one in order_of(environment).journeys}
    probed = {one.name: one for one in probe_config(environment, run="r1").journeys}

    assert load.keys() >= {"front page", "health", "history", "expenses"}
    for name in load.keys() & probed.keys():
        here, there = load[name], probed[name]
        assert f"{getattr(environment.urls, here.part)}{here.path}" == there.url
        assert (here.method, here.expect, here.signed_in) == (there.method, there.expect, there.signed_in)


def test_no_journey_at_all_is_refused(folder: Path) -> None:
    """With every weight at 0 there is nothing to ask: one clear error, before anything is sent."""
    names = ("front page", "health", "history", "expenses", "profile", "chat", "login")
    zeros = ", ".join(f'"{name}" = 0' for name in names)
    text = RUNNING.replace("[load]\n", f"[load]\nweights = {{ {zeros} }}\n")

    with pytest.raises(ConfigurationError, match=r"\[load\] weights: no journey is left"):
        load_environment(str(running(folder, text)), folder, {})
