"""Which release the two sites serve to anybody who asks: the commit and version that they name, and the page itself.

The front end is known by its version document where there is one, and by its page: the same bytes as at the deploy's own address
(which serves exactly that deploy). The back end is known by its version document.
"""

from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from pam_rollback.core.answer import Answer
from pam_rollback.http.client import all_at_once, fetch
from pam_rollback.target.health_body import commit_named
from pam_rollback.target.served_release import BACK_END, FRONT_END, Served, Wanted


@dataclass(frozen=True)
class ServedSite:
    """The front end as a visitor gets it. ``version_url`` is empty where no document names the release."""

    page_url: str
    version_url: str
    deadline_s: float = 5.0

    def look(self, wanted: Wanted) -> Served:
        """Ask once, past any cache of ours."""
        calls = {"page": lambda: fetch(self.page_url, deadline_s=self.deadline_s)}
        if self.version_url:
            calls["version"] = lambda: fetch(self.version_url, deadline_s=self.deadline_s)
        answers = all_at_once(calls)
        page, body = answers["page"], _object(answers.get("version"))
        problem = "" if page.http_status == HTTPStatus.OK and not page.problem else str(page)
        return Served(
            site=FRONT_END,
            wanted=wanted,
            commit=commit_named(body),
            version=_text(body, "release") or _text(body, "version"),
            page_sha256="" if problem else sha256(page.body).hexdigest(),
            problem=problem,
            cause=page.cause,
        )


@dataclass(frozen=True)
class ServedApi:
    """The back end as a client gets it."""

    version_url: str
    deadline_s: float = 5.0

    def look(self, wanted: Wanted) -> Served:
        """Ask once."""
        answer = fetch(self.version_url, deadline_s=self.deadline_s)
        body = _object(answer)
        version, commit = _text(body, "release") or _text(body, "version"), commit_named(body)
        problem = "" if answer.http_status == HTTPStatus.OK and (version or commit) else str(answer)
        return Served(BACK_END, wanted, commit, version, problem=problem, cause=answer.cause)


def page_of_deploy(url: str, *, deadline_s: float = 5.0) -> str:
    """The SHA-256 of the page at a deploy's own address; empty when it has none, or when that does not answer."""
    answer = fetch(url, deadline_s=deadline_s) if url else None
    return sha256(answer.body).hexdigest() if answer is not None and answer.http_status == HTTPStatus.OK else ""


def _object(answer: Answer | None) -> dict[str, Any]:
    body = answer.json if answer is not None and answer.http_status == HTTPStatus.OK else None
    return body if isinstance(body, dict) else {}


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    return value if isinstance(value, str) else ""
