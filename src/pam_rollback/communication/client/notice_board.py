"""Puts the notice inside the app up and takes it down, through the product's admin API."""

from dataclasses import dataclass, field
from http import HTTPStatus

from pam_rollback.base.answer import Answer
from pam_rollback.base.outside_text import cut, for_message
from pam_rollback.outside.http import fetch
from pam_rollback.product.client.pam_api import NAME_MAX

_TEXT_CHARACTERS = 500


@dataclass(frozen=True)
class NoticeBoard:
    """The notice that every visitor reads. The token is a secret. Nothing here raises: "" or why it was not accepted."""

    url: str
    """``PUT`` with the admin token, JSON ``active`` and ``text``; the whole notice is set, so repeating is safe."""
    token: str = field(repr=False)
    initiated_by: str = "pam-rollback-suite"
    deadline_s: float = 5.0

    def put_up(self, text: str) -> str:
        """Have every visitor read the text."""
        return self.show(active=True, text=text)

    def show(self, *, active: bool, text: str = "") -> str:
        """Have the notice be like this."""
        notice: dict[str, bool | str] = {"active": active, "text": cut(for_message(text), _TEXT_CHARACTERS, sign="")}
        headers = {"Authorization": f"Bearer {self.token}", "X-Initiated-By": cut(self.initiated_by, NAME_MAX, sign="")}
        answer = fetch(self.url, method="PUT", headers=headers, json=notice, deadline_s=self.deadline_s)
        return _problem(answer, notice)


def _problem(answer: Answer, wanted: dict[str, bool | str]) -> str:
    if answer.problem:
        return f"notice in the app: {answer.problem}"
    if answer.http_status != HTTPStatus.OK:
        return (
            f"the notice in the app was not accepted: HTTP {answer.http_status} {answer.text!r}; check the admin token"
        )
    body = answer.json
    shown = body.get("notice") if isinstance(body, dict) else None
    if not isinstance(shown, dict) or shown.get("active") is not wanted["active"]:
        return f"the notice in the app did not change: expected active {wanted['active']}, found {answer.text!r}"
    return ""
