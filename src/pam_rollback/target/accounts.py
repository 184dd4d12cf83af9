"""The environment's own test accounts, signed in as the contract of its product says."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any, Literal

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.http.client import fetch
from pam_rollback.target.conditions import Nowhere, value_at
from pam_rollback.target.environment import Environment
from pam_rollback.target.expense_requests import RETURNED, all_of, body_of, one_of
from pam_rollback.target.flag_service import flag_admin_of
from pam_rollback.target.pam_api import Account, sign_in
from pam_rollback.target.settings_loss import FLAG, SETTING, settings_in

_NEWEST = 200


class NotDeleted(MeasurementFailed):
    """A deletion was acknowledged and not done."""


@dataclass(frozen=True)
class AccountApi:
    """The API with a person's own token. What it does not answer is a value, ``None``; only clearing away raises."""

    history_url: str
    expenses_url: str
    settings_url: str
    token: str = field(repr=False)
    deadline_s: float = 5.0
    history_items: str = "/messages"
    """Where the rows stand in the answer, as a JSON Pointer."""
    expenses_items: str = "/expenses"
    apikey: str = field(default="", repr=False)
    """The key of the pages, where rows are read at Supabase."""
    expenses_are_rows: bool = False
    """Expenses are rows of Supabase's REST: written with their owner, and deleted by a condition."""

    @property
    def is_refused(self) -> bool:
        """The session is over."""
        return self._get(self.expenses_url).http_status == HTTPStatus.UNAUTHORIZED

    def has_message(self, text: str) -> bool:
        """The stored history has a message with this text."""
        messages = self._list(self.history_url, self.history_items)
        return any(text in str(message.get("content", "")) for message in messages or ())

    def expenses_noted(self, note: str) -> list[Mapping[str, Any]] | None:
        """The stored expenses with this note; None when the API does not say."""
        expenses = self._list(self.expenses_url, self.expenses_items)
        return None if expenses is None else [one for one in expenses if one.get("description") == note]

    def settings(self) -> dict[str, Any] | None:
        """All settings; None when the API does not say."""
        return settings_in(self._get(self.settings_url).json)

    def add_expense(self, expense: Mapping[str, Any], user_id: str) -> Answer:
        """Enter an expense; gives what was answered."""
        are_rows = self.expenses_are_rows
        return fetch(
            all_of(self.expenses_url),
            method="POST",
            json=body_of(expense, user_id, datetime.now(UTC).date(), are_rows=are_rows),
            headers={**self._headers, **(RETURNED if are_rows else {})},
            deadline_s=self.deadline_s,
        )

    def delete_expenses(self, note: str) -> None:
        """Delete what a journey entered, and see it gone. Raises MeasurementFailed with what is left and where."""
        found = self.expenses_noted(note)
        if found is None:
            raise MeasurementFailed(
                f"GET {self.expenses_url} does not say whether the expense noted {note!r} is left; delete it by hand"
            )
        for expense in found:
            answer = fetch(
                one_of(self.expenses_url, expense.get("id"), are_rows=self.expenses_are_rows),
                method="DELETE",
                headers=self._headers,
                deadline_s=self.deadline_s,
            )
            if answer.http_status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}:
                raise MeasurementFailed(f"the expense noted {note!r} is left, delete it by hand: {answer}")
        if found and self.expenses_noted(note):
            raise NotDeleted(
                f"the expense noted {note!r} was deleted, which the API acknowledged, and is still there; delete it by hand"
            )

    def restore_settings(self, before: Mapping[str, Any]) -> None:
        """Put back what a journey changed. Raises MeasurementFailed with what is left."""
        now = self.settings()
        changed = {name: value for name, value in before.items() if now is None or now.get(name) != value}
        if not changed:
            return
        answer = self._put_settings(changed)
        if answer.problem or answer.http_status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise MeasurementFailed(f"the settings {', '.join(changed)} are changed, set them back by hand: {answer}")

    def write_setting(self, name: str, value: str) -> None:
        """Write one setting. Raises MeasurementFailed when it is not accepted."""
        answer = self._put_settings({name: value})
        if answer.problem or answer.http_status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise MeasurementFailed(f"the setting {name} could not be written: {answer}")

    def _put_settings(self, settings: Mapping[str, Any]) -> Answer:
        return fetch(
            self.settings_url,
            method="PUT",
            json={"settings": settings},
            headers=self._headers,
            deadline_s=self.deadline_s,
        )

    def _list(self, url: str, items: str) -> list[Mapping[str, Any]] | None:
        body = self._get(f"{url}{'&' if '?' in url else '?'}limit={_NEWEST}").json
        try:
            found = value_at(body, items)
        except Nowhere:
            return None
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else None

    def _get(self, url: str) -> Answer:
        return fetch(url, headers=self._headers, deadline_s=self.deadline_s)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **({"apikey": self.apikey} if self.apikey else {})}


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
