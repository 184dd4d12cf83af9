"""What watching asks of the product's API over and over, said beforehand: it adds up to what the prober sends."""

from pathlib import Path

import pytest

from pam_rollback.observation import probed_journeys as asked
from pam_rollback.observation.probed_journeys import probe_config
from pam_rollback.observation.prober import steady_of
from tests.observation.test_probed_journeys import staging


def test_a_prober_asks_its_journeys_of_the_api(tmp_path: Path) -> None:
    """Pages are another host's. Once a second is 60 a minute, ten of thirteen of them at the API."""
    environment = staging(tmp_path)
    found = [
        one
        for one in steady_of(probe_config(environment, run="r"))
        if one.url.startswith((environment.urls.api, environment.urls.backend))
    ]

    assert sum(one.per_minute for one in found) == pytest.approx(60 * 10 / 13)
    assert [one.path for one in found if one.browser] == ["/api/v1/profile"]


def test_the_part_that_is_asked_least_is_known(tmp_path: Path) -> None:
    """Of thirteen probes a part has two or three."""
    assert 0 < asked.slowest_part_hz(staging(tmp_path)) <= 3 / 13
