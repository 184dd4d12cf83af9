"""Baselines made of samples, as a session records them."""

from collections.abc import Iterable

from pam_rollback import VERSION
from pam_rollback.probe.observation import answers_of
from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Baseline, Origin


def baseline_of(samples: Iterable[Sample], origin: Origin) -> Baseline:
    """With answers, and no other part."""
    return Baseline(suite=VERSION, origin=origin, **answers_of(samples))
