"""A product that answers from a table, for looks that take no time: what it was asked for is counted."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pam_rollback.base.answer import Answer
from tests.connect.rules.test_bundle import key_of
from tests.contracts import HEALTH, NOW
from tests.virtual_clock import VirtualClock

FRONTEND, API, SUPABASE = "https://www.example.org", "https://api.example.org", "https://abcdefghij.supabase.co"
PAGE = (
    '<!doctype html><html><head><title>Wheels & Wins - Trips</title><script type="module" src="/assets/app.js"></script></head>'
    '<body><div id="root"></div></body></html>'
)
KEY = key_of("anon", ref="abcdefghij")
SCRIPT = f'import "./vendor.js";const API="{API}",S="{SUPABASE}",K="{KEY}";'
Given = tuple[int, str, Any]
Run = Callable[..., tuple[int, str, str]]
"""The command on such a product: its code, and what it said on both streams."""


@dataclass
class Scripted:
    """Answers by address; the front end answers any path with its page."""

    answers: dict[str, Given] = field(default_factory=dict)
    asked: list[tuple[float, str, str]] = field(default_factory=list)
    """When, by the clock, with which method, and what."""
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(start=NOW))
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def __call__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Answer:
        """As the suite's own door to HTTP."""
        self.asked.append((self.clock.monotonic_s(), method, url))
        self.headers.append(headers or {})
        status, kind, body = self._given(url)
        if status == 0:
            return Answer(method, url, None, "", b"", 1.0, problem=str(body))
        found = {"location": str(body)} if 300 <= status < 400 else {}
        found |= {"server": "Netlify"} if url.startswith(FRONTEND) else {"x-render-origin-server": "uvicorn"}
        return Answer(method, url, status, kind, _raw(body), 5.0, headers={"content-type": kind, **found})

    def _given(self, url: str) -> Given:
        if url in self.answers:
            return self.answers[url]
        every = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/*"
        return self.answers.get(every, (404, "application/json", {"detail": "Not Found"}))

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [urlsplit(url).path for _, _, url in self.asked]


def today(**others: Given) -> Scripted:
    """A product as today's; ``others``: by the end of its address, what is different."""
    answers: dict[str, Given] = {
        f"{FRONTEND}/*": (200, "text/html", PAGE),
        f"{FRONTEND}/assets/app.js": (200, "text/javascript", SCRIPT),
        f"{FRONTEND}/assets/vendor.js": (200, "text/javascript", "export const a=1;"),
        f"{API}/health": (200, "application/json", HEALTH),
        f"{API}/health/pam": (200, "application/json", {"status": "unhealthy"}),
        f"{API}/health/all": (500, "application/json", {"error": "x", "timestamp": "2026-11-27T11:59:58"}),
        f"{SUPABASE}/rest/v1/profiles?select=id&limit=1": (200, "application/json", []),
        f"{SUPABASE}/auth/v1/token?grant_type=password": (200, "application/json", {"access_token": "t0ken"}),
    }
    return Scripted({**answers, **others})


def text_of(folder: Path) -> str:
    """All files of a project."""
    return "\n".join(file.read_text("utf-8") for file in files_of(folder))


def files_of(folder: Path) -> list[Path]:
    """All files of a project."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def most_in_a_minute(at_s: Iterable[float]) -> int:
    """The most requests in any 60 seconds."""
    moments = sorted(at_s)
    return max(sum(begin <= other <= begin + 60 for other in moments) for begin in moments)


def _raw(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
