"""A client of a sandbox's control API, for whoever plants faults. Standard library only: it is loaded by every session."""

import hashlib
import hmac
import http.client
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pam_sandbox.problems import SandboxError

SINKS = ("slack", "pagerduty", "email", "statuspage")
_DEADLINE_S = 30.0  # restarting a release or the database takes its time
_IDENTITY_DEADLINE_S = 3.0


@dataclass(frozen=True)
class Remote:
    """The controls of one sandbox. Every method raises SandboxError when the sandbox does not do it."""

    control_url: str
    token: str = field(repr=False)

    def identity(self) -> dict[str, Any]:
        """Who answers there: a sandbox with this token, or SandboxError."""
        found = self._call("GET", "/identity", deadline_s=_IDENTITY_DEADLINE_S)
        if found.get("sandbox") is not True:
            raise SandboxError(f"{self.control_url}/identity", expected="a sandbox", found=str(found)[:120])
        return found

    def addresses(self) -> dict[str, str]:
        """The addresses that are this sandbox's own, by name. Raises SandboxError when whoever answers cannot prove the token."""
        challenge = secrets.token_urlsafe(24)
        found = self._call("GET", f"/identity?challenge={challenge}", deadline_s=_IDENTITY_DEADLINE_S)
        place = f"{self.control_url}/identity"
        return _sealed_addresses(found, token=self.token, challenge=challenge, place=place)

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are planted now."""
        active: list[dict[str, Any]] = self._call("GET", "/faults")["active"]
        return active

    def plant(self, name: str, **parameters: str | float) -> None:
        """Plant a fault of the catalogue."""
        self._call("PUT", f"/faults/{name}", parameters)

    def clear(self, name: str) -> None:
        """Take the faults of this name away."""
        self._call("DELETE", f"/faults/{name}")

    def clear_all(self) -> None:
        """Take all faults away."""
        self._call("DELETE", "/faults")

    def go_live(self, release: str) -> None:
        """Move the traffic to a release, once it is healthy."""
        self._call("POST", "/live", {"release": release})

    def push(self, files: dict[str, str] | None = None, *, message: str = "Add a note", branch: str = "main") -> str:
        """Push a commit as a colleague would, on top of a branch; gives the commit."""
        more = {} if files is None else {"files": files}
        return str(self._call("POST", "/push", {"message": message, "branch": branch, **more})["commit"])

    def forgive(self) -> None:
        """Let every address in again that the API has banned, and forget how often the hosts were asked."""
        self._call("DELETE", "/bans")

    def reset(self) -> None:
        """Be as at the start: no faults, the candidate live, branches and settings as they were, no deploys but the first."""
        self._call("POST", "/reset")

    def changes(self) -> list[dict[str, str]]:
        """What is not as it was when the sandbox started: ``what``, ``expected``, ``found``, and the name of the fault where it is one."""
        found: list[dict[str, str]] = self._call("GET", "/changes")["changes"]
        return found

    def copy_database(self) -> None:
        """Make the copy of the database anew, of what it holds now: the one that ``PAM_STAGING_COPY_DSN`` leads to."""
        self._call("POST", "/database/copy")

    def received(self, sink: str) -> list[dict[str, Any]]:
        """What one of the channels received: ``slack``, ``pagerduty``, ``email`` or ``statuspage``."""
        messages: list[dict[str, Any]] = self._call("GET", f"/sinks/{sink}")["messages"]
        return messages

    def forget_received(self, *sinks: str) -> None:
        """Empty these channels, or every one; what the status page shows stays."""
        for sink in sinks or SINKS:
            self._call("DELETE", f"/sinks/{sink}")

    def set_status_page(self, *, indicator: str = "none", incident: dict[str, str] | None = None) -> None:
        """Have the status page say this and nothing else; ``incident`` has a name, a status and an impact. Healthy by default."""
        self._call("PUT", "/status-page", {"indicator": indicator, "incident": incident})

    def request_counts(self) -> dict[str, int]:
        """How many requests passed the API's address, by method and path."""
        counts: dict[str, int] = self._call("GET", "/requests")["counts"]
        return counts

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, deadline_s: float = _DEADLINE_S
    ) -> dict[str, Any]:
        place = f"{method} {self.control_url}{path}"
        request = urllib.request.Request(  # noqa: S310 - a loopback address, checked when the environment was loaded
            self.control_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            # No proxy of the environment may come between: the address is on this machine.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=deadline_s) as answer:
                found = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(
                    place, expected="a 2xx answer", found=f"HTTP {error.code}: {_detail(error)}"
                ) from None
        except (OSError, ValueError, http.client.HTTPException, RecursionError) as error:
            raise SandboxError(
                place,
                expected="an answer of the sandbox",
                found=str(error),
                advice="Is it still running? `make sandbox` starts one.",
            ) from None
        if not isinstance(found, dict):
            raise SandboxError(place, expected="a JSON object", found=str(found)[:120])
        return found


def _detail(error: urllib.error.HTTPError) -> str:
    raw = error.read(2000).decode("utf-8", "replace")
    try:
        return str(json.loads(raw)["detail"])
    except (ValueError, KeyError, TypeError):
        return raw[:200]


def seal(token: str, challenge: str, addresses: Mapping[str, str]) -> str:
    """The proof that whoever holds the token says this, in answer to this challenge.

    A file is easily edited, and a server that answers everything with 200 is easily found. Only the sandbox that made the token can
    seal the list of its addresses for a challenge that was made up a moment ago.
    """
    said = json.dumps(dict(addresses), sort_keys=True)
    return hmac.new(token.encode(), f"{challenge}\n{said}".encode(), hashlib.sha256).hexdigest()


def _sealed_addresses(found: Mapping[str, object], *, token: str, challenge: str, place: str) -> dict[str, str]:
    """The addresses of an answer. Raises SandboxError when they are missing, or sealed by somebody else."""
    addresses, proof = found.get("addresses"), found.get("proof")
    if not isinstance(addresses, dict) or not all(isinstance(value, str) for value in addresses.values()):
        raise SandboxError(place, expected="the addresses that the sandbox owns", found="none")
    if not hmac.compare_digest(str(proof).encode(), seal(token, challenge, addresses).encode()):
        raise SandboxError(place, expected="addresses sealed with the sandbox's token", found="another seal")
    return addresses
