"""What a session has of the load test beside its tests: the servers' own record, where nobody keeps one and a person vouches for it."""

import pytest

from pam_rollback.load.service.servers_counts import why_nobody_counts
from pam_rollback.session import markers
from pam_rollback.session import runbook as runbook_module


def pytest_pam_why_left_out(item: pytest.Item) -> str | None:
    """Only a word for LG-9 leaves its test out: without one it is not known."""
    runbook = runbook_module.of(item.config)
    if runbook is None or "load_records" not in getattr(item, "fixturenames", ()):
        return None
    acked = {text.partition("=")[0] for text in runbook.options.ack}
    why = why_nobody_counts(runbook.environment)
    if not why or acked.isdisjoint(markers.criterion_ids(item)):
        return None
    return f"{why}, and a person vouches for it (--ack)"
