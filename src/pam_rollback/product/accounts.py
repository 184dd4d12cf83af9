"""The environment's own test accounts, signed in as the contract of its product says."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Literal

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.product.account_api import AccountApi
from pam_rollback.product.pam_api import Account, sign_in


def signed_in(environment: Environment, who: Literal["test_user", "second_test_user"] = "test_user") -> Account:
    """Sign it in anew. Raises MeasurementFailed with what was answered instead."""
    email, password = ("test_user_email", "test_user_password")
    if who == "second_test_user":
        email, password = ("second_test_user_email", "second_test_user_password")
    return sign_in(
        environment.sign_in_url,
        environment.secret(email),  # type: ignore[arg-type]
        environment.secret(password),  # type: ignore[arg-type]
        headers=environment.sign_in_headers,
        deadline_s=environment.probing.request_deadline_s,
    )


def account_api(environment: Environment, account: Account) -> AccountApi:
    """What the product has of this account, read with its own token."""
    history, expenses = environment.contract.operation("history"), environment.contract.operation("expenses")
    return AccountApi(
        history_url=environment.url_of("history", user_id=account.user_id),
        expenses_url=environment.url_of("expenses", user_id=account.user_id),
        settings_url=environment.url_of("settings", user_id=account.user_id),
        token=account.token,
        deadline_s=environment.probing.request_deadline_s,
        history_items=history.items,
        expenses_items=expenses.items,
        expenses_are_rows=expenses.site == "supabase",
        apikey=(environment.headers_of("history") | environment.headers_of("expenses")).get("apikey", ""),
    )


def still_signed_in(environment: Environment, api: AccountApi) -> Callable[[], AccountApi]:
    """For later: the same, or in a new session where that one is over by then. Asked once."""

    @cache
    def later() -> AccountApi:
        with suppress(MeasurementFailed):  # what cannot be cleared away is told by whoever tries
            return account_api(environment, signed_in(environment)) if api.is_refused else api
        return api

    return later
