"""What a rollback stands on whichever way it goes: the clock of this machine, and an account that can verify it."""

from typing import TYPE_CHECKING

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.environment.environment import Environment

if TYPE_CHECKING:
    from pam_rollback.base.question import Call

_VERIFICATION = "verification"
_TIMED = ("feature-flag", "gradual", "full-system", "emergency", _VERIFICATION)


def pytest_pam_preflight(environment: Environment) -> "list[Call]":
    """Whether it is the same time there, and the test account can sign in."""
    from pam_rollback.base.question import Call, Question, one  # noqa: PLC0415 - for the phases that ask
    from pam_rollback.outside.same_time import same_time  # noqa: PLC0415 - the same

    clock = Question("this machine and the API agree on the time", _TIMED, of_the_api=True)
    account = Question("the test account can sign in", (_VERIFICATION,), "test_account", of_the_api=True)
    url, deadline_s = environment.health_url("backend"), environment.probing.request_deadline_s
    return [
        Call((clock,), lambda: [same_time(clock.text, url, deadline_s=deadline_s)]),
        one(account, lambda: _signed_in(environment)),
    ]


def _signed_in(environment: Environment) -> str:
    """Sign in as the test account. Raises ActionFailed when it cannot, and SignInLimited when that is not known."""
    from pam_rollback.product.accounts import signed_in  # noqa: PLC0415 - as above
    from pam_rollback.product.pam_api import SignInLimited  # noqa: PLC0415 - as above

    try:
        signed_in(environment)
    except SignInLimited:
        raise
    except MeasurementFailed as error:
        raise ActionFailed(str(error)) from None
    return ""
