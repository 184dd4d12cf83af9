"""What watching asks of the product's API over and over, said beforehand: it adds up to what prober and ledger send."""

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


def test_a_ledger_asks_what_it_writes(tmp_path: Path) -> None:
    """By its weights, as the test account; on a sandbox a drill bothers nobody, and without an account nothing is written."""
    environment = staging(tmp_path)
    found = per_minute(asked.of_ledger(environment, 1.0).steady)

    assert sorted(found.values()) == [(7.5, True), (15.0, True), (37.5, True)]
    assert asked.of_ledger(environment.model_copy(update={"kind": "sandbox"}), 1.0).steady == ()
    assert asked.of_ledger(staging(tmp_path, account=False), 1.0).steady == ()
