"""How long answers took before, as a distribution that a slowdown can be told from: a file of its own beside ``baseline.json``."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from pam_rollback.core.change import latencies_ms
from pam_rollback.core.distribution import Distribution
from pam_rollback.core.samples import Sample
from pam_rollback.plugin.beside_baseline import damaged, read_data, stored, write_data
from pam_rollback.plugin.runbook import Runbook

LATENCIES_FILE = "latencies.json"


def latencies_before(runbook: Runbook) -> Distribution | None:
    """What ``--baseline FILE`` has of it; None when there is none. Raises MeasurementFailed when it is damaged."""
    path = stored(runbook, LATENCIES_FILE)
    if path is None:
        return None
    data = read_data(path)
    try:
        return Distribution.model_validate(data)
    except ValidationError as error:
        raise damaged(path, error) from None


def store_latencies(folder: Path, samples: Iterable[Sample]) -> None:
    """Keep those of good answers. Raises MeasurementFailed when there are none."""
    good = [sample for sample in samples if sample.ok]
    latencies = Distribution.of(latencies_ms(good, slow_from_ms=0))
    write_data(folder / LATENCIES_FILE, latencies.model_dump())
