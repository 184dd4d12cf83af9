"""What watching asks of the product's API over and over, said beforehand: it adds up to what the prober sends."""

from dataclasses import asdict
from pathlib import Path

import pytest

from pam_rollback.observation.service import asked
from tests.observation.test_probed_journeys import staging


def per_minute(steady: object) -> dict[str, tuple[float, bool]]:
    """By path: how often, and whether with a token."""
    return {one["path"]: (round(one["per_minute"], 1), one["token"]) for one in map(asdict, steady)}  # type: ignore[call-overload]


def test_a_prober_asks_its_journeys_of_the_api(tmp_path: Path) -> None:
    """Pages are another host's. Once a second is 60 a minute, five of seven of them at the API."""
    found = asked.of_prober(staging(tmp_path))

    assert sum(rate for rate, _ in per_minute(found.steady).values()) == pytest.approx(60 * 5 / 7, abs=0.2)
    assert found.sign_ins == 1
    assert asked.of_prober(staging(tmp_path, account=False)).sign_ins == 0
