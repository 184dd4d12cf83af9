"""Names that are resolved, or not."""

import socket
import threading
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.decision.asked import _is_name, names_resolved


def test_addresses_need_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked for them; a name that there is not is named."""

    def lookup(name: str, *_: Any, **__: Any) -> list[Any]:
        if name == "api.example.test":
            return []
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    assert names_resolved(["127.0.0.1", "::1", "localhost", ""], deadline_s=1) == "no name is needed"
    assert names_resolved(["api.example.test"], deadline_s=1) == "1 names are resolved"
    with pytest.raises(ActionFailed, match=r"not resolved here \(pam.localhost: Name or service not known\)"):
        names_resolved(["pam.localhost"], deadline_s=1)  # browsers know it, programs ask
    with pytest.raises(ActionFailed, match=r"not resolved here \(gone.example.test: Name or service not known\)"):
        names_resolved(["api.example.test", "gone.example.test"], deadline_s=1)
    assert [_is_name(host) for host in ("127.0.0.1", "::1", "localhost", "", "api.example.test")] == [
        *[False] * 4,
        True,
    ]


def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the deadline, whatever it does later."""
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(30))

    with pytest.raises(ActionFailed, match=r"api.example.test: no answer within 0.2 s"):
        names_resolved(["api.example.test"], deadline_s=0.2)
    answered.set()
