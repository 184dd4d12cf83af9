"""Netlify's stand-in of a running sandbox, and the site that it publishes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.answer import Answer, asked
from tests.sandbox.found_range import Found

STABLE, CANDIDATE = "1.41.3", "1.42.0"
PUBLISHED_WITHIN_S = 0.5
WITHIN_S = 60.0


@dataclass(frozen=True)
class Host:
    """The running stand-in."""

    found: Found

    @property
    def token(self) -> str:
        """Of the account."""
        return self.found.variables["NETLIFY_AUTH_TOKEN"]

    @property
    def api_url(self) -> str:
        """Where it is."""
        return str(self.found.state["netlify"]["api_url"])

    @property
    def site_id(self) -> str:
        """Of the site."""
        return str(self.found.state["netlify"]["site_id"])

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send one request to the API, with the token unless the headers have another."""
        return asked(self.api_url + path, method, body, {"Authorization": f"Bearer {self.token}", **headers})

    def on_site(self, method: str, path: str = "", body: object = None) -> Answer:
        """The same below the address of the site."""
        return self.call(method, f"/sites/{self.site_id}{path}", body)

    def visit(self, path: str = "/") -> Answer:
        """What a visitor of the site gets."""
        return self.found.get("frontend", path)

    def release(self) -> str:
        """The release that visitors get."""
        return str(self.visit("/version.json").json["release"])

    def published(self) -> dict[str, Any]:
        """The deploy that the API calls published."""
        deploy: dict[str, Any] = self.on_site("GET").json["published_deploy"]
        return deploy

    def deploy_of(self, name: str) -> str:
        """The id of the first deploy of `stable` or `candidate`."""
        commit = self.found.remote.identity()["releases"][name]["commit"]
        listed = self.on_site("GET", "/deploys").json
        return str([deploy["id"] for deploy in listed if deploy.get("commit_ref") == commit][-1])

    def upload(self, files: Mapping[str, bytes]) -> str:
        """Deploy files as a draft, as their digests ask for; gives the id."""
        created = self.on_site("POST", "/deploys", {"draft": True})
        assert created.status == 200, created
        deploy = str(created.json["id"])
        digests = {path: hashlib.sha1(body, usedforsecurity=False).hexdigest() for path, body in files.items()}
        declared = self.on_site("PUT", f"/deploys/{deploy}", {"files": digests})
        assert declared.status == 200, declared
        for sha1 in declared.json["required"]:
            path = next(path for path, digest in digests.items() if digest == sha1)
            place, kind = (
                f"/deploys/{deploy}/files/{quote(path, safe='')}",
                {"Content-Type": "application/octet-stream"},
            )
            sent = self.call("PUT", place, files[path], **kind)
            assert sent.status == 200, sent
        return deploy

    def until(self, holds: Callable[[], bool], *, what: str) -> None:
        """Wait for something that the host does later."""
        end_s = time.monotonic() + WITHIN_S
        while not holds():
            assert time.monotonic() < end_s, f"{what}: not within {WITHIN_S:g} s; published {self.published()}"
            time.sleep(0.2)  # the host counts requests, and 500 a minute are all it gives


@pytest.fixture
def host(found: Found) -> Host:
    """The stand-in as at the start: the candidate is published, nothing is locked or planted, and no request was counted."""
    return Host(found)
