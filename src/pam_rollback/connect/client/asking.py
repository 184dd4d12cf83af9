"""The product, asked slowly: each request waits for its turn, and none is more than was told beforehand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pam_rollback.base.answer import Answer
from pam_rollback.base.clock import Clock
from pam_rollback.connect.rules.budget import Spending
from pam_rollback.outside.http import fetch
from pam_rollback.product.rules.conditions import Captured

_SCRIPT_BYTES = 8 << 20
_WORTH_SAYING_S = 3.0


class Fetch(Protocol):
    """``outside.http.fetch``, as far as it is used here."""

    def __call__(
        self,
        url: str,
        *,
        method: str = ...,
        headers: Mapping[str, str] | None = ...,
        json: Any = ...,
        deadline_s: float = ...,
        max_body_bytes: int = ...,
    ) -> Answer:
        """One request."""


@dataclass
class Product:
    """Whoever asks for a path goes through here."""

    spending: Spending
    clock: Clock
    say: Callable[[str], None]
    deadline_s: float = 5.0
    chat_deadline_s: float = 60.0
    send: Fetch = fetch
    statuses: list[tuple[str, int | None]] = field(default_factory=list)
    """Each address that was asked, with its HTTP status."""

    def get(self, url: str, headers: Mapping[str, str] | None = None, *, accept: str = "") -> Captured:
        """Ask once. Raises BudgetSpent."""
        return self._asked("GET", url, {**({"Accept": accept} if accept else {}), **(headers or {})})

    def sign_in(self, url: str, email: str, password: str, headers: Mapping[str, str]) -> Captured:
        """Sign in once, which counts as a path, too. Raises BudgetSpent."""
        self.spending.note_sign_in()
        return self._asked("POST", url, headers, {"email": email, "password": password})

    def question(self, url: str, body: Any, token: str) -> Captured:
        """Ask PAM once, which counts as a path, too. Raises BudgetSpent."""
        self.spending.note_question()
        return self._asked("POST", url, {"Authorization": f"Bearer {token}"}, body, deadline_s=self.chat_deadline_s)

    def _asked(
        self, method: str, url: str, headers: Mapping[str, str], json: Any = None, *, deadline_s: float = 0.0
    ) -> Captured:
        wait_s = self.spending.wait_s(self.clock.monotonic_s())
        if wait_s > _WORTH_SAYING_S:
            self.say(f"waits {wait_s:.0f} s, so that no minute has too many paths; {self.spending.left} are left")
        while wait_s > 0:
            self.clock.sleep(wait_s)
            wait_s = self.spending.wait_s(self.clock.monotonic_s())
        self.spending.note_path(self.clock.monotonic_s())
        answer = self.send(
            url,
            method=method,
            headers=headers,
            json=json,
            deadline_s=deadline_s or self.deadline_s,
            max_body_bytes=_SCRIPT_BYTES,
        )
        self.statuses.append((url, answer.http_status))
        return Captured(answer, self.clock.wall())
