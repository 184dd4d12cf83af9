"""What a load test asks of an environment, and the picture of what came of it."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe.parts import probe_config
from pam_rollback.redeploy.load.order import LoadOrder, load_order
from pam_rollback.redeploy.load.record import LoadRecord
from pam_rollback.redeploy.load.report import write_load_report
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.load.records import LIMITS, failed, never_sent, steady
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


_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    "record",
    [
        steady(lambda _: failed("<nonsense>")),
        steady(lambda _: never_sent()),
        replace(steady(), requests=()),
        steady(duration_s=1),
    ],
    ids=["all failed", "nothing sent", "no request", "one second"],
)
def test_a_bad_run_has_its_report_too(record: LoadRecord, tmp_path: Path) -> None:
    """When everything went wrong the picture is wanted most; the limits stand in it as text."""
    pictures = write_load_report(record, LIMITS, folder=tmp_path)

    for picture in pictures:
        drawn = ET.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 - our own
        assert "limit of p95: 500 ms" in "".join("".join(text.itertext()) for text in drawn.iter(f"{_SVG}text"))
    assert bool(pictures) == bool(record.requests)
