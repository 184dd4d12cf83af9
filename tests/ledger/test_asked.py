"""What the ledger asks of the product's API over and over, said beforehand."""

from pathlib import Path

from pam_rollback.ledger.service.asked import asked
from tests.observation.test_asked import per_minute
from tests.observation.test_probed_journeys import staging


def test_a_ledger_asks_what_it_writes(tmp_path: Path) -> None:
    """By its weights, as the test account; on a sandbox a drill bothers nobody, and without an account nothing is written."""
    environment = staging(tmp_path)
    found = per_minute(asked(environment, 1.0).steady)

    assert sorted(found.values()) == [(7.5, True), (15.0, True), (37.5, True)]
    assert asked(environment.model_copy(update={"kind": "sandbox"}), 1.0).steady == ()
    assert asked(staging(tmp_path, account=False), 1.0).steady == ()
