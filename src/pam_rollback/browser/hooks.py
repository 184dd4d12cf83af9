"""The barriers that a baseline has: what was there before is known, as far as somebody answers for it."""

from collections.abc import Mapping, Sequence

from pam_rollback.environment.known_before import Finding
from pam_rollback.session.runbook import Runbook


def pytest_pam_known_before(runbook: Runbook) -> tuple[Sequence[Finding], Mapping[str, str]] | None:
    """Those of ``--baseline FILE``. Raises MeasurementFailed when their file is not the one that is listed, or damaged."""
    from pam_rollback.session.baseline_files import BARRIERS_FILE, damaged, read_data, stored  # noqa: PLC0415

    path = stored(runbook, BARRIERS_FILE)
    if path is None:
        return None
    from pam_rollback.browser.rules.known_barriers import ITEM, Known  # noqa: PLC0415 - for sessions that know of some

    try:
        barriers = Known.from_data(read_data(path))
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
    return barriers.findings, {ITEM: barriers.rules}
