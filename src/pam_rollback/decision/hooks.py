"""What a session of the phase ``decision`` watches from its beginning, and recommends in the end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import pytest

from pam_rollback.environment.environment_tables import Browser
from pam_rollback.session.browser_gate import is_of_another_browser
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.seen import Seen
from pam_rollback.session.selection import LeftOut

if TYPE_CHECKING:
    from pam_rollback.report.record_parts import DecisionRecord

_WATCH = "watch"
"""The fixture that looks back."""


@pytest.hookimpl(tryfirst=True)
def pytest_pam_situation_begins(request: pytest.FixtureRequest) -> None:
    """Where a test looks back on the time of this process, users are watched from now on: what the tests before it take is part of that.

    With pytest-xdist each worker knows all tests and runs some of them: one prober is enough, and whoever needs it starts it.
    """
    if hasattr(request.config, "workerinput"):
        return
    if any(_WATCH in getattr(item, "fixturenames", ()) for item in request.session.items):
        # Not declared: only sessions in which a test looks back start the prober, which lasts as long as the situation.
        request.getfixturevalue("observation")


def recommended(
    config: pytest.Config, runbook: Runbook, tests: Sequence[Seen], left_out: LeftOut, partial: Sequence[str]
) -> "DecisionRecord":
    """By what its tests found, and what people say. A browser that the environment does not name is nobody's question."""
    from pam_rollback.decision import deciding  # noqa: PLC0415 - for decisions
    from pam_rollback.session.deciding import answer_with  # noqa: PLC0415 - the same

    options, environment = runbook.options, runbook.environment
    decision = deciding.decided(
        runbook.plan,
        tests,
        [(why, ids) for _, why, ids in left_out.tests if not is_of_another_browser(why)],
        observed=options.observed,
        vouched=options.ack,
        refused=deciding.refused_in(runbook.plan, environment),
        whole=not partial,
        unseen=[name for name in get_args(Browser) if name not in environment.browsers],
    )
    here = deciding.Here(
        plan=runbook.plan,
        root=config.rootpath,
        environment=environment.name,
        env=options.env,
        on_sandbox=runbook.on_sandbox,
        answer_with=answer_with(runbook),
    )
    return deciding.recommended(here, decision)
