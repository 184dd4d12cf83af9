"""What fails while a session ends: whoever it was, the verdict is told all the same, and that is a cause of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from pam_rollback.report.verdict import Cause, classify
from pam_rollback.report.wording import without_own_word
from pam_rollback.session.last_words import said_by
from pam_rollback.session.runbook import Runbook


@contextmanager
def failures_kept(session: pytest.Session, runbook: Runbook) -> Iterator[list[Cause]]:
    """The block is what everybody does at the end. Gives what it failed of: whole once the block is over.

    A file that could not be written is no cause, but a loss that the verdict names. A second Ctrl-C is for whoever cannot wait.
    """
    causes: list[Cause] = []
    try:
        yield causes
    except OSError as error:
        problem = f"{error.strerror or error} ({error.filename or 'unnamed'})"
        runbook.lost(f"a file of the run could not be written: {problem}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - nobody ends a session with a code of his own
        causes += _causes_of(error)
    else:
        return
    # Whoever failed kept the others from their turn; what is still set up is undone in theirs.
    try:
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - as pytest's own runner does at the end
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the same
        causes += _causes_of(error)


def _causes_of(error: BaseException) -> Sequence[Cause]:
    """What it means is what it would mean in a fixture."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for one in error.exceptions for cause in _causes_of(one)]
    code = classify(error, in_test_body=False).exit_code
    return [Cause(code, f"the end of the session failed: {without_own_word(said_by(error))}")]
