"""One account of our own owns things, another one looks for them. Writes as the first, reads as both, deletes only what it wrote itself."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pam_rollback.adapters.account_api import AccountApi
from pam_rollback.adapters.http import fetch
from pam_rollback.adapters.pam_api import Account
from pam_rollback.adapters.retries import Retries
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.separation import Belonging, Belongings, Look, Separation

SETTING = "pam_rollback_probe"
"""The setting that carries the mark. It stays: there is no way to delete a setting."""
_NEWEST = 200
_CREATED = (HTTPStatus.OK, HTTPStatus.CREATED)


@dataclass(frozen=True)
class Places:
    """Where users' things are."""

    expenses: str
    chat: str
    history: str
    settings: str
    profile: str
    tickets: str


@dataclass(frozen=True)
class TwoAccounts:
    """``pace`` waits before each request."""

    places: Places
    first: Account
    second: Account
    pace: Callable[[], None]
    deadline_s: float = 5.0
    again: Retries = field(default_factory=Retries)

    def looked(self) -> Separation:
        """Write as the first, look as the second, and clear the expense away."""
        mark = f"pam-rollback-probe-{secrets.token_hex(8)}"
        left = ""
        try:
            kinds = [self._expenses(mark), self._messages(mark), self._settings(mark), self._profile()]
        finally:
            left = self._cleared(mark)
        tickets = self._tickets()
        no_ticket = "support tickets: the first account has none, and opening one would call support"
        return Separation(
            kinds=tuple(filter(None, (*kinds, tickets))),
            not_tried=() if tickets is not None else (no_ticket,),
            left=left,
        )

    def _cleared(self, mark: str) -> str:
        """Delete the expense; gives what is left. That must not hide what was found."""
        places = self.places
        own = AccountApi(places.history, places.expenses, places.settings, self.first.token, self.deadline_s)
        left = ""
        for _ in range(1 if self.again.gave_up else self.again.tries):
            self.pace()
            try:
                own.delete_expenses(mark)
            except MeasurementFailed as failed:
                left = str(failed)
            else:
                return ""
        return left

    def _expenses(self, mark: str) -> Belongings:
        # Dated by the product: the newest comes first in a list that has lost its owner.
        written = self._write("POST", self.places.expenses, {"amount": 0.01, "category": "other", "description": mark})
        body = written.json
        identifier = body.get("id") if isinstance(body, dict) else None
        own = Belonging(f"expense {identifier}", mark)
        paths = self._lists(self.places.expenses)
        if identifier is not None:
            paths[f"{self.places.expenses}/{identifier}"] = True
        return self._looked_for("expenses", own, written, f"{self.places.expenses}?limit={_NEWEST}", paths)

    def _messages(self, mark: str) -> Belongings:
        written = self._write("POST", self.places.chat, {"message": f"Please ignore this test: {mark}"})
        body = written.json
        conversation = body.get("conversation_id") if isinstance(body, dict) else None
        paths = self._lists(self.places.history)
        if isinstance(conversation, str):
            paths[f"{self.places.history}?limit={_NEWEST}&conversation_id={conversation}"] = True
        own = Belonging(f"a message of conversation {conversation}", mark)
        return self._looked_for("messages", own, written, f"{self.places.history}?limit={_NEWEST}", paths)

    def _settings(self, mark: str) -> Belongings:
        written = self._write("PUT", self.places.settings, {"settings": {SETTING: mark}})
        paths = {self.places.settings: False, self._of_first(self.places.settings): True}
        return self._looked_for("settings", Belonging(f"setting {SETTING}", mark), written, self.places.settings, paths)

    def _profile(self) -> Belongings:
        paths = {self.places.profile: False, self._of_first(self.places.profile): True}
        own = Belonging(f"profile {self.first.user_id}", self.first.user_id)
        return self._looked_for("profile", own, None, self.places.profile, paths)

    def _tickets(self) -> Belongings | None:
        """Those that the first account happens to have; None when there is none."""
        listed = self._asked(f"{self.places.tickets}?limit={_NEWEST}", self.first)
        tickets = _list(listed, "tickets")
        if tickets is None:
            return Belongings("support tickets", (), f"the first account cannot read its own: {_kind(listed)}")
        owned = tuple(Belonging(f"ticket {ticket['id']}", str(ticket["id"])) for ticket in tickets if ticket.get("id"))
        if not owned:
            return None
        looks = tuple(self._look(url, owned, by_id=by_id) for url, by_id in self._lists(self.places.tickets).items())
        return Belongings("support tickets", owned, looks=looks)

    def _looked_for(
        self, kind: str, own: Belonging, written: Answer | None, own_view: str, paths: Mapping[str, bool]
    ) -> Belongings:
        """First the owner has to see it: what is not there proves nothing by being hidden."""
        problem = ""
        if written is not None and written.http_status not in _CREATED:
            problem = f"nothing could be written as the first account: {written.method} {_kind(written)}"
        else:
            seen = self._asked(own_view, self.first)
            if not Look.of(own_view, seen, (own,), by_id=False).seen:
                problem = f"the first account does not see {own.name} itself: {_kind(seen)}"
        looks = tuple(self._look(url, (own,), by_id=by_id) for url, by_id in paths.items())
        return Belongings(kind, (own,), problem, looks)

    def _look(self, url: str, owned: tuple[Belonging, ...], *, by_id: bool) -> Look:
        path = "/" + url.split("/", 3)[3]
        return Look.of(f"GET {path}", self._asked(url, self.second), owned, by_id=by_id)

    def _lists(self, url: str) -> dict[str, bool]:
        """The second account's own list, and the same asked with the first one's id; true for what may be refused."""
        return {f"{url}?limit={_NEWEST}": False, f"{self._of_first(url)}&limit={_NEWEST}": True}

    def _of_first(self, url: str) -> str:
        return f"{url}?user_id={self.first.user_id}"

    def _write(self, method: str, url: str, json: Mapping[str, Any]) -> Answer:
        return self._asked(url, self.first, method=method, json=json)

    def _asked(self, url: str, account: Account, **options: Any) -> Answer:
        return self.again.ask(lambda: self._once(url, account, **options))

    def _once(self, url: str, account: Account, **options: Any) -> Answer:
        self.pace()
        return fetch(url, headers=account.headers, deadline_s=self.deadline_s, **options)


def _list(answer: Answer, name: str) -> list[dict[str, Any]] | None:
    body = answer.json
    found = body.get(name) if isinstance(body, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else None


def _kind(answer: Answer) -> str:
    """What came, without its content, which may be anybody's."""
    return answer.problem or f"HTTP {answer.http_status} {answer.content_type or 'without content type'}"
