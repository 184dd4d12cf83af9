"""Whether tokens are taken, workflows run, links lead somewhere, and mail is accepted: each asked, and nothing changed."""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.strict_json import NotJson, read_json
from pam_rollback.outside.http import all_at_once, fetch
from pam_rollback.readiness.rules.upkeep import Token

_EXPIRY = "github-authentication-token-expiration"
"""GitHub's header; tokens without an end have none."""
_NOT_TAKEN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_PAGE = 100
_ENOUGH_PAGES = 20
_ACCEPTED = frozenset({250, 251, 252})


@dataclass(frozen=True)
class Door:
    """Where a token is shown, and how."""

    name: str
    url: str
    authorization: str


def token_at(door: Door, *, deadline_s: float) -> Token:
    """Whether it is taken there. A service that is ill, or limits us, has not said no."""
    answer = fetch(door.url, headers={"Authorization": door.authorization}, deadline_s=deadline_s)
    if answer.problem:
        return Token(door.name, None, words=answer.problem)
    status, limited = answer.http_status, answer.headers.get("x-ratelimit-remaining") == "0"
    if status in _NOT_TAKEN and not limited:
        return Token(door.name, valid=False, words=f"HTTP {status}")
    if status != HTTPStatus.OK:
        return Token(door.name, None, words=f"HTTP {status}")
    told = answer.headers.get(_EXPIRY, "")
    try:
        ends = datetime.fromisoformat(told.replace(" UTC", "+00:00")) if told else None
    except ValueError:
        return Token(door.name, None, words=f"its end cannot be read: {told!r}")
    return Token(door.name, valid=True, ends=ends if ends is None or ends.tzinfo else ends.replace(tzinfo=UTC))


def end_in(token: str) -> datetime | None:
    """When a JSON Web Token says that it ends; None for one that says nothing, and for other tokens."""
    import base64  # noqa: PLC0415 - of this one question

    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        claims = read_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (NotJson, ValueError, KeyError, TypeError, OverflowError):
        return None


def workflow_states(api_url: str, repository: str, token: str, *, deadline_s: float) -> dict[str, str]:
    """By file, the ``state`` of each workflow. Raises MeasurementFailed when GitHub does not say it."""
    headers = {"Accept": "application/vnd.github+json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    found: dict[str, str] = {}
    for page in range(1, _ENOUGH_PAGES + 1):
        url = f"{api_url}/repos/{repository}/actions/workflows?per_page={_PAGE}&page={page}"
        answer = fetch(url, headers=headers, deadline_s=deadline_s)
        if answer.problem or answer.http_status != HTTPStatus.OK:
            raise MeasurementFailed(
                f"GitHub's workflows of {repository}: {answer.problem or f'HTTP {answer.http_status}'}"
            )
        try:
            workflows = answer.json["workflows"]
            found |= {str(one["path"]).rpartition("/")[2]: str(one["state"]) for one in workflows}
        except (KeyError, TypeError, ValueError):
            raise MeasurementFailed(
                f"GitHub's workflows of {repository}: expected a list, found something else"
            ) from None
        if len(workflows) < _PAGE:
            break
    return found


def answers_of(urls: Sequence[str], *, deadline_s: float) -> dict[str, int | str]:
    """What each address answers: a status, or why none came."""

    def ask(url: str) -> int | str:
        answer = fetch(url, deadline_s=deadline_s, start_is_enough=True)
        return (
            answer.http_status if answer.http_status is not None and not answer.problem else answer.problem or "silent"
        )

    return all_at_once({url: lambda url=url: ask(url) for url in urls})  # type: ignore[misc]


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    sender: str
    starttls: bool
    username: str = ""
    password: str = ""

    def refused(self, addresses: Sequence[str], *, deadline_s: float) -> Mapping[str, str]:
        """The addresses that it does not take mail for, each with its words. Nothing is sent. Raises MeasurementFailed."""
        found = {}
        try:
            with smtplib.SMTP(self.host, self.port, timeout=deadline_s) as server:
                if self.starttls:
                    server.starttls(context=ssl.create_default_context())
                if self.username:
                    server.login(self.username, self.password)
                server.ehlo_or_helo_if_needed()
                code, words = server.mail(self.sender)
                if code not in _ACCEPTED:
                    raise MeasurementFailed(f"the mail server takes nothing from {self.sender}: {code} {words!r}")
                for address in addresses:
                    code, words = server.rcpt(address)
                    if code not in _ACCEPTED:
                        found[address] = (
                            f"the mail server takes nothing for it: {code} {words.decode('utf-8', 'replace')}"
                        )
                server.rset()
        except smtplib.SMTPAuthenticationError:
            raise MeasurementFailed("the mail server does not accept user name and password") from None
        except (smtplib.SMTPException, OSError) as problem:
            raise MeasurementFailed(f"the mail server {self.host} does not say who takes mail: {problem}") from None
        return found
