"""Takes mail over SMTP and delivers it nowhere: what came in can be read."""

import asyncio
import hmac
import time
from collections import deque
from email import message_from_bytes
from email.policy import default as modern
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pam_rollback.sandbox.channel_faults import how_it_fails
from pam_rollback.sandbox.faults import PlantedFaults

USERNAME = "rollback@sandbox.example"
_KEPT = 1000


class MailSink:
    """A server for one user. A mail that it took is one message, whoever it was for."""

    def __init__(self, faults: PlantedFaults, *, password: str) -> None:
        self._faults = faults
        self._password = password
        self.messages: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def forget(self) -> None:
        """Throw all mail away."""
        self.messages.clear()

    def connection(self) -> asyncio.BaseProtocol:
        """Speak with whoever has just connected, or not, as the planted fault says."""
        how = how_it_fails(self._faults, "email")
        if how in {"down", "hangs"}:
            return _Speechless(closes=how == "down")
        # It is on loopback, where nothing has to be encrypted before the password is said.
        return SMTP(
            self,
            hostname="sandbox.example",
            ident="sandbox",
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        right = (
            isinstance(data, LoginPassword)
            and data.login == USERNAME.encode()
            and hmac.compare_digest(data.password, self._password.encode())
        )
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(  # noqa: N802 - the library calls it so
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender who has signed in."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if how_it_fails(self._faults, "email") == "rate-limited":
            return "451 4.7.1 Too many messages, try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the library calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        if how_it_fails(self._faults, "email") == "refuses":
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library calls it so
        """Keep the mail."""
        content = envelope.content or b""
        mail = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=modern)
        body = mail.get_body(("plain",))
        self.messages.append(
            {
                "received_s": time.monotonic(),
                "sender": envelope.mail_from,
                "recipients": list(envelope.rcpt_tos),
                "subject": str(mail["Subject"] or ""),
                "headers": {name: str(value) for name, value in mail.items()},
                "text": body.get_content().strip() if body is not None else "",
            }
        )
        return "250 2.0.0 OK: taken"


class _Speechless(asyncio.Protocol):
    """Closes the connection at once, or keeps it and says nothing."""

    def __init__(self, *, closes: bool) -> None:
        self._closes = closes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        if self._closes and isinstance(transport, asyncio.Transport):
            transport.abort()
