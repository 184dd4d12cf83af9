"""What a baseline has of the site: what was there before is known, as far as somebody answers for it."""

from collections.abc import Mapping, Sequence

from pam_rollback.environment.known_before import Finding
from pam_rollback.session.baseline_files import BaselinePart, damaged, read_data, stored
from pam_rollback.session.needs import PAGES, SIGNED_IN
from pam_rollback.session.runbook import Runbook

_ACCOUNT = ("browser", "test_account")


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """Barriers, and what is wrong behind the pages."""
    to_chat = (*SIGNED_IN, "message")
    return [
        BaselinePart("accessibility findings", "barriers_recorded", PAGES, ("browser",), known=_known_barriers),
        BaselinePart("PAM's answer by keyboard and by ear", "talk_recorded", PAGES, _ACCOUNT, elements=to_chat),
        BaselinePart("errors behind the pages", "errors_recorded", PAGES, _ACCOUNT, elements=SIGNED_IN),
        BaselinePart("what a lost session shows", "lost_session_recorded", PAGES, _ACCOUNT, elements=SIGNED_IN),
    ]


def _known_barriers(runbook: Runbook) -> tuple[Sequence[Finding], Mapping[str, str]] | None:
    """Those of ``--baseline FILE``. Raises MeasurementFailed when their file is not the one that is listed, or damaged."""
    from pam_rollback.browser.barriers import BARRIERS_FILE, ITEM, Known  # noqa: PLC0415 - for sessions that know of some

    path = stored(runbook, BARRIERS_FILE)
    if path is None:
        return None
    try:
        barriers = Known.from_data(read_data(path))
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
    return barriers.findings, {ITEM: barriers.rules}
