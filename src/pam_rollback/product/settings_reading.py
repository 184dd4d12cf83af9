"""Flags and settings as the environment lets us see them: through its flag API, and as its own test account."""

import json

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.product.account_api import AccountApi
from pam_rollback.product.accounts import account_api, signed_in
from pam_rollback.product.flag_service import flag_admin_of
from pam_rollback.product.settings_loss import FLAG, SETTING


def read_settings(environment: Environment) -> dict[str, str]:
    """What the environment lets us see. Raises MeasurementFailed when a declared source does not answer."""
    values: dict[str, str] = {}
    if "flag_admin" in environment.abilities:
        try:
            values |= {FLAG + name: str(flag) for name, flag in flag_admin_of(environment).read_flags().items()}
        except ActionFailed as problem:
            raise MeasurementFailed(f"whether flags are lost is not known: {problem}") from None
    if "test_account" in environment.abilities:
        settings = account_of(environment).settings()
        if settings is None:
            raise MeasurementFailed(
                f"whether settings are lost is not known: GET {environment.url_of('settings')} does not give them"
            )
        values |= {SETTING + name: json.dumps(value, sort_keys=True) for name, value in settings.items()}
    return values


def account_of(environment: Environment) -> AccountApi:
    """Signed in anew each time: a rollback may end sessions."""
    account = signed_in(environment)
    return account_api(environment, account)
