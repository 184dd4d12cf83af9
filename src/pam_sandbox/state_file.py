"""The sockets of a sandbox, bound on loopback before anything starts, and the environment file that tells of them and its secrets."""

import json
import os
import re
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pam_sandbox.personalities import Value
from pam_sandbox.problems import SandboxError

Dialect = Literal["product", "plan"]
"""Whose tables the DSN shows first: the product's own, or those that the rollback plan's SQL expects."""
BACKLOG = 512


@dataclass
class Listeners:
    """One for each part that answers. Raises SandboxError where there is no free port."""

    api: socket.socket
    frontend: socket.socket
    slack: socket.socket
    status_page: socket.socket
    render: socket.socket
    netlify: socket.socket
    channels: socket.socket
    mail: socket.socket
    control: socket.socket
    stable: socket.socket
    elsewhere: socket.socket
    supabase: socket.socket

    @classmethod
    def open(cls) -> "Listeners":
        """Take free ports."""
        return cls(*(_listener() for _ in range(12)))


def url_of(listener: socket.socket) -> str:
    """Where a socket is reached."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _listener() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", 0))
    except OSError as error:
        listener.close()
        raise SandboxError("network", expected="a free port on 127.0.0.1", found=str(error)) from error
    listener.listen(BACKLOG)
    listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return listener


def addresses_of(listeners: Listeners, *, repository: str, databases: Mapping[str, str]) -> dict[str, str]:
    """Every address at which this sandbox answers, by its name; the databases without user and password."""
    sockets: dict[str, socket.socket] = {
        name: found for name, found in vars(listeners).items() if isinstance(found, socket.socket)
    }
    urls = {name: url_of(listener) for name, listener in sockets.items() if name != "mail"}
    mail = {"mail": url_of(listeners.mail).replace("http:", "smtp:", 1)}
    stripped = {name: re.sub(r"//[^@/]*@", "//", dsn, count=1) for name, dsn in databases.items()}
    return {**urls, **mail, "repository": repository, **stripped}


@dataclass(frozen=True)
class State:
    """What whoever attaches has to know, by the tables of the file; it extends `environments/sandbox.toml` by these."""

    tables: Mapping[str, Mapping[str, Value]]

    @property
    def variables(self) -> dict[str, str]:
        """The secrets, by the variables that have them elsewhere."""
        return {name: str(value) for name, value in self.tables["sandbox.variables"].items()}

    def told(self, table: str, name: str) -> str:
        """Give one text of it."""
        return str(self.tables[table][name])

    def as_toml(self) -> str:
        """The file's text."""
        lines = ["# A running sandbox. Use it with `pytest --env THIS-FILE`; it is removed when the sandbox ends."]
        for table, values in self.tables.items():
            lines += ["", f"[{table}]"] if table else []
            # JSON of a text, a number or a list of texts is TOML for everything that can stand here.
            lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        return "\n".join(lines) + "\n"


def check_writable(path: Path) -> None:
    """Raise SandboxError when the file could not be written there, or when another sandbox's file is there."""
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise SandboxError(
            f"state file {path}", expected="a folder that exists and can be written to", found=str(path.parent)
        )
    if path.exists():
        raise SandboxError(
            f"state file {path}",
            expected="no such file yet",
            found="one",
            advice="Another sandbox may be running with it: stop that one, remove the file, or name another with --state-file.",
        )


def write(path: Path, state: State) -> None:
    """Write the file with mode 0600, in one piece."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:  # mkstemp made it with mode 0600
            file.write(state.as_toml())
        Path(draft).replace(path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
