"""What the record of a run is put together from: where each result goes on, and why a session is no GO."""

from types import SimpleNamespace
from typing import Any

from pam_rollback.core import answer
from pam_rollback.plugin.record import next_page
from pam_rollback.report.verdict import Outcome

PLAN = SimpleNamespace(item=lambda identifier: SimpleNamespace(runbook=f"docs/runbook.md#{identifier.lower()}"))
RUNBOOK: Any = SimpleNamespace(plan=PLAN)


def test_what_a_limited_sign_in_hides_goes_on_at_one_page() -> None:
    """Whatever the test asks. What is broken goes on at its own, and so does what was not known for another reason."""
    own, limited = (
        {"runbook": "docs/runbook.md#own"},
        f"how it is is not known: POST /login: {answer.limited('3600')}",
    )

    assert next_page(own, ["TF-1"], RUNBOOK, Outcome.UNKNOWN, limited) == "docs/runbook.md#sign-in-limited"
    blocked = "the back end (HTTP 403): only we are blocked: through the second address others are served"
    assert next_page(own, ["TF-1"], RUNBOOK, Outcome.UNKNOWN, blocked) == "docs/runbook.md#blocked"
    assert next_page(own, ["TF-1"], RUNBOOK, Outcome.BROKEN_CRITERION, blocked) != "docs/runbook.md#blocked"
    assert next_page(own, ["TF-1"], RUNBOOK, Outcome.BROKEN_CRITERION, limited) == "docs/runbook.md#own"
    assert next_page(own, ["TF-1"], RUNBOOK, Outcome.UNKNOWN, "HTTP 429 at /health") == "docs/runbook.md#own"
