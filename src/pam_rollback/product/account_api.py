"""What the API has of one signed-in account: to see whether what the page shows is stored, and to clear away what a journey wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from pam_rollback.base.answer import Answer
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.outside.http import fetch
from pam_rollback.product.expense_requests import RETURNED, all_of, body_of, one_of
from pam_rollback.product.pointer import Nowhere, value_at
from pam_rollback.product.settings_loss import settings_in

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
