"""Requests of users are counted while a session watches, and are the load under which the gate looks for the incident."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.gate.rules.incident import RecordedIncident
from pam_rollback.gate.service.incident_load import IncidentLoad, load_of
from pam_rollback.observation.rules.probed_journeys import probe_config
from pam_rollback.observation.service.requests_record import RequestsSeen, keep, kept
from pam_rollback.product.rules.limits import Limits
from pam_rollback.records.client.metrics import read_memory
from pam_rollback.records.rules.memory import MemoryReading
from pam_rollback.records.service.memory_watch import MemoryWatch
from pam_rollback.records.service.requests_seen import seen
from tests.observation.test_probed_journeys import staging
from tests.render_stand_in import KEY, OWNER, SERVICE, StandIn, stand_in
from tests.sessions import ROOT, RunningSandbox
from tests.users import users

ENOUGH_S = 5.5
"""A count over less says little."""
INCIDENT = RecordedIncident("run-1", ("IR-5",), 4.0, "Prometheus")


def test_users_are_counted_by_whom_they_ask(running_sandbox: RunningSandbox) -> None:
    """The back end counts what it answers, whoever asked. What a session keeps of it: test_drill.py."""
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    url = environment.url_of("metrics")
    with users(running_sandbox), MemoryWatch(lambda: read_memory(url, deadline_s=5), every_s=0.5) as watch:
        since_s = time.monotonic()
        Waiter().until(
            lambda: watch.readings[-1].at_s - watch.readings[0].at_s if watch.readings else 0.0,
            holds=lambda watched_s: watched_s > ENOUGH_S,
            within_s=60,
            what="readings over some seconds",
        )
        found = seen(environment, watch.readings, since_s=since_s, until_s=time.monotonic())

    assert found.counted_by == "the product's own metrics"
    assert 5 < found.rate_hz < 25, found


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """And what was not known stays so."""
    file = tmp_path / "requests.json"
    keep(RequestsSeen(12.5, "Prometheus"), file)
    assert kept(file) == RequestsSeen(12.5, "Prometheus")

    keep(MeasurementFailed("nobody counts"), file)
    assert kept(file) is None
    assert json.loads(file.read_text("utf-8")) == {"requests_per_s": None, "why_unknown": "nobody counts"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"requests_per_s": "12", "counted_by": ""}', '{"requests_per_s": NaN}']
)
def test_a_file_that_is_none_tells_nothing(text: str, tmp_path: Path) -> None:
    """Half a file, or a person's."""
    file = tmp_path / "requests.json"
    file.write_text(text, "utf-8")

    assert kept(file) is None
    assert kept(tmp_path / "nowhere.json") is None


@pytest.mark.parametrize(
    ("abilities", "readings", "words"),
    [
        ((), (), "prelive declares none of prometheus, metrics, render_metrics"),
        (("metrics",), (), "counted no requests of one process over 5 s or more"),
        (("metrics",), (MemoryReading(0, 70, 1, 5), MemoryReading(1, 70, 1, 6)), "counted no requests of one process"),
        (("metrics", "prometheus"), (), "names no counter of requests"),
    ],
)
def test_what_nobody_counts_is_not_known(
    abilities: Sequence[str], readings: tuple[MemoryReading, ...], words: str, tmp_path: Path
) -> None:
    """With the reason."""
    environment = bearing(tmp_path, *abilities)
    with pytest.raises(MeasurementFailed, match=words):
        seen(environment, readings, since_s=0, until_s=60)


def test_render_counts_where_nobody_else_does(tmp_path: Path) -> None:
    """All that its service answered, errors too; what the product's own page cannot tell is not the end of it."""
    with stand_in() as render:
        render.traffic(ok=18, errors=2)
        now_s = time.monotonic()
        for abilities in (["render_metrics"], ["metrics", "render_metrics"]):
            environment = on_render(tmp_path, render, abilities)
            found = seen(environment, (), since_s=now_s - 12, until_s=now_s)
            assert found == RequestsSeen(20, "Render, srv-tests")


def test_all_who_cannot_tell_say_why(tmp_path: Path) -> None:
    """Render knows nothing of a service without traffic."""
    now_s = time.monotonic()
    with stand_in() as render:
        environment = on_render(tmp_path, render, ["metrics", "render_metrics"])
        both = r"counted no requests of one process .*; Render knows no http-requests of srv-tests"
        with pytest.raises(MeasurementFailed, match=both):
            seen(environment, (), since_s=now_s - 12, until_s=now_s)


def on_render(folder: Path, render: StandIn, abilities: Sequence[str]) -> Environment:
    """Its back end is a service of Render."""
    file = folder / "prelive.toml"
    file.write_text(
        f"""
name = "prelive"
kind = "staging"
abilities = {json.dumps(abilities)}
[urls]
frontend = "https://www.prelive.example.org"
api = "https://api.prelive.example.org"
backend = "https://backend.prelive.example.org"
[secrets]
render_api_key_env = "RENDER_KEY"
[render]
api_url = "{render.url}"
service_id = "{SERVICE}"
owner_id = "{OWNER}"
resolution_s = 1
gap_max_s = 5.0
""",
        "utf-8",
    )
    return load_environment(str(file), folder, {"RENDER_KEY": KEY})


def bearing(folder: Path, *abilities: str) -> Environment:
    """It probes once a second, ten of thirteen probes at the back end, and bears 50 requests a second."""
    environment = staging(folder)
    return environment.model_copy(update={"abilities": (*environment.abilities, *abilities)})


def planned(incident: RecordedIncident, folder: Path, *abilities: str) -> IncidentLoad:
    """The load of that incident there."""
    environment = bearing(folder, *abilities)
    return load_of(incident, environment, probe_config(environment, run="gate"))


def test_what_is_observed_anyway_is_not_sent_again(tmp_path: Path) -> None:
    """Only what is missing of the load of then; pages are no requests to the back end."""
    load = planned(INCIDENT, tmp_path, "load")

    assert load.asked_hz == 4
    assert load.observed_hz == pytest.approx(10 / 13)
    assert load.added_hz == pytest.approx(4 - 10 / 13)


def test_without_a_record_the_observation_is_enough(tmp_path: Path) -> None:
    """Less than what is observed, too."""
    for incident in (replace(INCIDENT, rate_hz=None), replace(INCIDENT, rate_hz=0.1)):
        assert planned(incident, tmp_path, "load").added_hz == 0


@pytest.mark.parametrize(
    ("abilities", "rate_hz", "added_hz", "words"),
    [
        ((), 4.0, 0.0, "prelive declares no load"),
        (("load",), 80.0, 50 - 10 / 13, "prelive bears 50 ([load] rate_hz_max)"),
    ],
)
def test_no_place_is_given_more_than_it_bears(
    abilities: Sequence[str], rate_hz: float, added_hz: float, words: str, tmp_path: Path
) -> None:
    """And what was left out is said."""
    load = planned(replace(INCIDENT, rate_hz=rate_hz), tmp_path, *abilities)

    assert load.added_hz == pytest.approx(added_hz)
    assert words in load.why_less


def test_an_api_that_limits_an_address_gets_nothing_beside_the_observation(tmp_path: Path) -> None:
    """It would measure the limit, and take from those who stand behind the same address."""
    environment = bearing(tmp_path, "load")
    environment.adopt(environment.contract.model_copy(update={"limits": Limits(with_token=100)}))
    load = load_of(INCIDENT, environment, probe_config(environment, run="gate"))

    assert load.added_hz == 0
    assert "limits what one address asks ([limits])" in load.why_less
