"""Sends one mail to several people through an SMTP server, encrypted by STARTTLS unless the server is on this machine.

The standard library's time-outs are for each line; a thread keeps the deadline for all of it, as with HTTP.
"""

import smtplib
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from pam_rollback.base.outside_text import cut, for_message, redacted


@dataclass(frozen=True)
class Mailer:
    """One server and one sender. User name and password are secrets; without them nobody signs in."""

    host: str
    port: int
    sender: str
    starttls: bool = True
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    deadline_s: float = 5.0

    def send(self, recipients: Sequence[str], subject: str, text: str) -> str:
        """Send one mail to all of them; gives "" when the server took it for each, else why not. Never raises.

        Who was refused is named: the others get theirs all the same.
        """
        if not recipients:
            return "mail: there is nobody to write to"
        said: list[str] = []
        progress = _Progress()
        worker = threading.Thread(
            target=self._exchange, args=(list(recipients), subject, text, said, progress), daemon=True
        )
        worker.start()
        worker.join(self.deadline_s)
        if worker.is_alive():
            return f"mail: {self.host} did not take it within {self.deadline_s:g} s ({progress.phase})"
        return said[0]

    def _exchange(self, recipients: list[str], subject: str, text: str, said: list[str], progress: "_Progress") -> None:
        try:
            said.append(self._deliver(recipients, subject, text, progress))
        except smtplib.SMTPAuthenticationError:
            # What the server says may repeat what was sent.
            said.append("mail: the server does not accept user name and password: check their variables")
        except smtplib.SMTPRecipientsRefused as error:
            said.append(f"mail: nobody was accepted: {_refusals(error.recipients)}")
        except smtplib.SMTPNotSupportedError as error:
            said.append(f"mail: {self.host} cannot do what is asked of it ({error}): see [email] in the environment")
        except smtplib.SMTPResponseException as error:
            said.append(f"mail: {self.host} refused it: {error.smtp_code} {_readable(error.smtp_error)}")
        except Exception as error:  # noqa: BLE001 - whatever it was: it is told, and nobody waits for it
            said.append(f"mail: {self.host} did not take it while {progress.phase} ({error})")

    def _deliver(self, recipients: list[str], subject: str, text: str, progress: "_Progress") -> str:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(recipients)
        message["Subject"] = " ".join(for_message(redacted(subject)).split())
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(for_message(redacted(text)))
        with smtplib.SMTP(self.host, self.port, timeout=self.deadline_s) as server:
            if self.starttls:
                progress.phase = "encrypting"
                server.starttls(context=ssl.create_default_context())
            if self.username:
                progress.phase = "signing in"
                server.login(self.username, self.password)
            progress.phase = "handing it over"
            refused = server.send_message(message)
        return f"mail: not everybody was accepted: {_refusals(refused)}" if refused else ""


@dataclass
class _Progress:
    """How far it came; read by the waiting thread when the deadline passes."""

    phase: str = "connecting"


def _refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {code} {_readable(why)}" for address, (code, why) in refused.items())


def _readable(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return cut(" ".join(text.split()), 120)
