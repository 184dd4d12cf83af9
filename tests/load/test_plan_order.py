"""What a load test asks of an environment: the plan's shape at the environment's rate, and of whom."""

from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.load.order import LoadOrder, asked, due_times, load_order
from pam_rollback.observation.probed_journeys import probe_config
from pam_rollback.plan.plan import load_plan
from tests.environment.declared_environments import RUNNING, folder, running

__all__ = ["folder"]
PLAN = load_plan(Path(__file__).parents[2] / "plan.toml")
BESIDE = '    "second_release",\n'


@pytest.fixture
def environment(folder: Path) -> Environment:
    """A running sandbox."""
    return load_environment(str(running(folder)), folder, {})


def order_of(environment: Environment, *, pace: float = 60) -> LoadOrder:
    """By the committed plan."""
    return load_order(environment, PLAN.load, pace=pace, run="r1")


def test_each_release_gets_the_whole_load(environment: Environment) -> None:
    """Two releases in turns are asked twice as often in all, in the plan's steps, as long as the pace leaves."""
    order = order_of(environment)

    assert [target.name for target in order.targets] == ["stable", "candidate"]
    assert order.duration_s == 40
    assert [step.rate_hz for step in asked(order.shape, order.duration_s)] == [8, 20, 40, 80]
    assert len(list(due_times(order))) == 2 * 740


def test_it_asks_what_the_prober_asks(environment: Environment) -> None:
    """What goes by one name is one request, with one expectation: users are not one thing here and another there."""
    load = {one.name: one for one in order_of(environment).journeys}
    probed = {one.name: one for one in probe_config(environment, run="r1").journeys}

    assert load.keys() >= {"front page", "health", "history", "expenses"}
    for name in load.keys() & probed.keys():
        here, there = load[name], probed[name]
        assert f"{getattr(environment.urls, here.part)}{here.path}" == there.url
        assert (here.method, here.expect, here.signed_in) == (there.method, there.expect, there.signed_in)


def test_the_stable_release_has_an_address_of_its_own(environment: Environment) -> None:
    """Its API and back end; the pages are the same for both."""
    stable, candidate = order_of(environment).targets

    assert stable.addresses["api"] == "http://127.0.0.1:4010"
    assert candidate.addresses["api"] == "http://127.0.0.1:4002"
    assert stable.addresses["frontend"] == candidate.addresses["frontend"]


def test_without_a_second_release_the_live_one_gets_it_alone(folder: Path) -> None:
    """Nothing is halved, and nobody is named: there is nothing to compare."""
    template = folder / "sandbox.toml"
    text = template.read_text(encoding="utf-8")
    assert BESIDE in text
    template.write_text(text.replace(BESIDE, ""), encoding="utf-8")
    order = order_of(load_environment(str(running(folder, RUNNING)), folder, {}))

    assert [target.name for target in order.targets] == [""]
    assert max(step.rate_hz or 0 for step in asked(order.shape, order.duration_s)) == 40


def test_signing_in_is_a_journey_where_an_environment_says_so(folder: Path) -> None:
    """The sandbox does; elsewhere the usual weights have none: a hosted sign-in would refuse the generator first."""
    sandbox = order_of(load_environment(str(running(folder)), folder, {}))
    text = RUNNING.replace("[load]\n", "[load]\nweights = { login = 0 }\n")
    elsewhere = order_of(load_environment(str(running(folder, text)), folder, {}))

    (login,) = (journey for journey in sandbox.journeys if journey.name == "login")
    assert (login.weight, login.method, login.signed_in) == (1, "POST", False)
    assert login.body == {"email": "{email}", "password": "{password}"}
    assert "login" not in {journey.name for journey in elsewhere.journeys}


def test_no_journey_at_all_is_refused(folder: Path) -> None:
    """With every weight at 0 there is nothing to ask: one clear error, before anything is sent."""
    names = ("front page", "health", "history", "expenses", "profile", "chat", "login")
    zeros = ", ".join(f'"{name}" = 0' for name in names)
    text = RUNNING.replace("[load]\n", f"[load]\nweights = {{ {zeros} }}\n")

    with pytest.raises(ConfigurationError, match=r"\[load\] weights: no journey is left"):
        load_environment(str(running(folder, text)), folder, {})
