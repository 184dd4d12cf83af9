"""One account of our own owns things, another one looks for them, and the other way round; both ask PAM, who must not mistake them.

Writes as both, and deletes only what it wrote itself.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from pam_rollback.access.separation import Belonging, Belongings, Look, Separation
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.client import Retries, fetch
from pam_rollback.target import expense_requests
from pam_rollback.target.accounts import AccountApi
from pam_rollback.target.contract import USER_ID
from pam_rollback.target.pam_api import Account

SETTING = "pam_rollback_probe"
"""The setting that carries the mark. It stays: there is no way to delete a setting."""
_NEWEST = 200
_TO_IGNORE = "Please ignore this test: {}"
_CREATED = (HTTPStatus.OK, HTTPStatus.CREATED)


@dataclass(frozen=True)
class Places:
    """Where users' things are; ``{user_id}`` in an address is whose."""

    expenses: str
    chat: str
    history: str
    settings: str
    profile: str
    tickets: str
    rows: frozenset[str] = frozenset()
    """Those that are rows of Supabase's REST: filtered by conditions, and written with their owner."""
    apikey: str = field(default="", repr=False)
    """The key of the pages, for those."""


@dataclass(frozen=True)
class TwoAccounts:
    """``pace`` waits before each request."""

    places: Places
    first: Account
    second: Account
    pace: Callable[[], None]
    deadline_s: float = 5.0
    again: Retries = field(default_factory=Retries)
    own: AccountApi | None = None
    """By which the first account's expense is cleared away; None: at these places, as the plan's product has them."""
    own_of_second: AccountApi | None = None
    """By which the second's is."""
    names: tuple[str, str] = ("the first account", "the second account")
    keeps_messages: bool = True
    """Whether the product keeps what PAM is asked: what nobody keeps, nobody is shown."""

    def looked(self) -> Separation:
        """Write as each of them, look as the other one, and clear the expenses away; then hold what PAM says to one against the other."""
        there = self._one_way()
        # The second owns, and the first looks.
        turned = replace(self, first=self.second, second=self.first, own=self.own_of_second, names=self.names[::-1])
        back = turned._one_way()  # noqa: SLF001 - its own
        return Separation(
            kinds=(*there.kinds, *back.kinds, *(self._words() if self.places.chat else ())),
            not_tried=tuple(dict.fromkeys((*there.not_tried, *back.not_tried))),
            left="; ".join(filter(None, (there.left, back.left))),
        )

    def _words(self) -> Iterator[Belongings]:
        """What PAM answers each account is looked through for what the other one said just before, and for its id."""
        said: tuple[Belonging, ...] = ()
        for account, name in zip((self.first, self.second, self.first), (*self.names, ""), strict=True):
            mark = _mark()
            asked = {"message": _TO_IGNORE.format(mark)}
            answer = self._asked(self.places.chat, account, method="POST", json=asked)
            if said:
                look = Look.of(f"POST {_path(self.places.chat)}", answer, said, by_id=False)
                yield Belongings("words", said, looks=(look,))
            said = (Belonging(f"what {name} asked PAM", mark), Belonging(f"the id of {name}", account.user_id))

    def _one_way(self) -> Separation:
        mark, left = _mark(), ""
        try:
            messages = (self._messages(mark),) if self.keeps_messages else ()
            kinds = [self._expenses(mark), *messages, self._settings(mark), self._profile()]
        finally:
            left = self._cleared(mark)
        tickets = self._tickets()
        no_ticket = f"support tickets: {self.names[0]} has none, and opening one would call support"
        return Separation(
            kinds=tuple(filter(None, (*kinds, tickets))),
            not_tried=tuple(
                ([] if self.keeps_messages else ["messages: the product keeps nothing of a question"])
                + ([] if tickets is not None else [no_ticket])
            ),
            left=left,
        )

    def _cleared(self, mark: str) -> str:
        """Delete the expense; gives what is left. That must not hide what was found."""
        places = self.places
        own = self.own or AccountApi(
            places.history, places.expenses, places.settings, self.first.token, self.deadline_s
        )
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
        place, expense = self.places.expenses, {"amount": 0.01, "category": "other", "description": mark}
        are_rows, today = "expenses" in self.places.rows, datetime.now(UTC).date()
        body = expense_requests.body_of(expense, self.first.user_id, today, are_rows=are_rows)
        written = self._write("POST", expense_requests.all_of(place), body)
        body = expense_requests.written(written.json, are_rows=are_rows)
        identifier = body.get("id") if isinstance(body, dict) else None
        own = Belonging(f"expense {identifier}", mark)
        paths = self._lists(place)
        if identifier is not None:
            paths[expense_requests.one_of(place, identifier, are_rows=are_rows)] = True
        return self._looked_for("expenses", own, written, self._view(place, self.first), paths)

    def _messages(self, mark: str) -> Belongings:
        written = self._write("POST", self.places.chat, {"message": _TO_IGNORE.format(mark)})
        body = written.json
        conversation = body.get("conversation_id") if isinstance(body, dict) else None
        paths = self._lists(self.places.history)
        view = self._view(self.places.history, self.first)
        if isinstance(conversation, str):
            equals = "eq." if "history" in self.places.rows else ""
            paths[_asking(view, f"conversation_id={equals}{conversation}")] = True
        own = Belonging(f"a message of conversation {conversation}", mark)
        return self._looked_for("messages", own, written, view, paths)

    def _settings(self, mark: str) -> Belongings:
        place = self.places.settings
        written = self._write("PUT", self._whose(place, self.first), {"settings": {SETTING: mark}})
        if written.http_status == HTTPStatus.FORBIDDEN:
            # A product that takes no settings from outside: those that there are bear their owner's id.
            return self._of_id("settings", place)
        own = Belonging(f"setting {SETTING}", mark)
        return self._looked_for("settings", own, written, self._whose(place, self.first), self._ways(place))

    def _profile(self) -> Belongings:
        return self._of_id("profile", self.places.profile)

    def _of_id(self, kind: str, place: str) -> Belongings:
        own = Belonging(f"{kind} {self.first.user_id}", self.first.user_id)
        return self._looked_for(kind, own, None, self._whose(place, self.first), self._ways(place))

    def _tickets(self) -> Belongings | None:
        listed = self._asked(self._view(self.places.tickets, self.first), self.first)
        tickets = _list(listed, "tickets")
        if tickets is None:
            return Belongings("support tickets", (), f"{self.names[0]} cannot read its own: {_kind(listed)}")
        # A list that is everybody's says whose each is.
        own = [one for one in tickets if str(one.get("user_id", self.first.user_id)) == self.first.user_id]
        owned = tuple(Belonging(f"ticket {ticket['id']}", str(ticket["id"])) for ticket in own if ticket.get("id"))
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
            problem = f"nothing could be written as {self.names[0]}: {written.method} {_kind(written)}"
        else:
            seen = self._asked(own_view, self.first)
            if not Look.of(own_view, seen, (own,), by_id=False).seen:
                problem = f"{self.names[0]} does not see {own.name} itself: {_kind(seen)}"
        looks = tuple(self._look(url, (own,), by_id=by_id) for url, by_id in paths.items())
        return Belongings(kind, (own,), problem, looks)

    def _look(self, url: str, owned: tuple[Belonging, ...], *, by_id: bool) -> Look:
        return Look.of(f"GET {_path(url)}", self._asked(url, self.second), owned, by_id=by_id)

    def _lists(self, url: str) -> dict[str, bool]:
        return {_asking(path, f"limit={_NEWEST}"): by_id for path, by_id in self._ways(url).items()}

    def _ways(self, url: str) -> dict[str, bool]:
        """How the second account asks for its own, and for what is the first one's."""
        first = self._whose(url, self.first) if USER_ID in url else _asking(url, f"user_id={self.first.user_id}")
        return {self._whose(url, self.second): False, first: True}

    def _whose(self, url: str, account: Account) -> str:
        return url.replace(USER_ID, account.user_id)

    def _view(self, url: str, account: Account) -> str:
        return _asking(self._whose(url, account), f"limit={_NEWEST}")

    def _write(self, method: str, url: str, json: Mapping[str, Any]) -> Answer:
        return self._asked(url, self.first, method=method, json=json)

    def _asked(self, url: str, account: Account, **options: Any) -> Answer:
        return self.again.ask(lambda: self._once(url, account, **options))

    def _once(self, url: str, account: Account, **options: Any) -> Answer:
        self.pace()
        at_supabase = {"apikey": self.places.apikey, **expense_requests.RETURNED} if self.places.apikey else {}
        return fetch(url, headers={**account.headers, **at_supabase}, deadline_s=self.deadline_s, **options)


def _mark() -> str:
    return f"pam-rollback-probe-{secrets.token_hex(8)}"


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _asking(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _list(answer: Answer, name: str) -> list[dict[str, Any]] | None:
    body = answer.json
    found = body.get(name) if isinstance(body, dict) else body
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else None


def _kind(answer: Answer) -> str:
    """What came, without its content, which may be anybody's."""
    return answer.problem or f"HTTP {answer.http_status} {answer.content_type or 'without content type'}"
