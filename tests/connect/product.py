"""A product that answers from a table, for looks that take no time: what it was asked for is counted."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pam_rollback.core.answer import Answer
from tests.contracts import HEALTH

FRONTEND, API, SUPABASE = "https://www.example.org", "https://api.example.org", "https://abcdefghij.supabase.co"
PAGE = (
    '<!doctype html><html><head><title>Wheels & Wins - Trips</title><script type="module" src="/assets/app.js"></script></head>'
    '<body><div id="root"></div></body></html>'
)
KEY = "the-public-key-of-the-pages"
SCRIPT = f'import "./vendor.js";const API="{API}",S="{SUPABASE}",K="{KEY}";'
Given = tuple[int, str, Any]
Run = Callable[..., tuple[int, str, str]]
"""The command on such a product: its code, and what it said on both streams."""


@dataclass
class Scripted:
    """Answers by address; the front end answers any path with its page."""

    answers: dict[str, Given] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """What, in order."""
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def __call__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Answer:
        """As the suite's own door to HTTP."""
        self.asked.append(url)
        self.headers.append(headers or {})
        status, kind, body = self._given(url)
        if status == 0:
            return Answer("GET", url, None, "", b"", 1.0, problem=str(body))
        found = {"location": str(body)} if 300 <= status < 400 else {}
        found |= {"server": "Netlify"} if url.startswith(FRONTEND) else {"x-render-origin-server": "uvicorn"}
        return Answer("GET", url, status, kind, _raw(body), 5.0, headers={"content-type": kind, **found})

    def _given(self, url: str) -> Given:
        if url in self.answers:
            return self.answers[url]
        every = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/*"
        return self.answers.get(every, (404, "application/json", {"detail": "Not Found"}))


def today(**others: Given) -> Scripted:
    """A product as today's; ``others``: by the end of its address, what is different."""
    answers: dict[str, Given] = {
        f"{FRONTEND}/*": (200, "text/html", PAGE),
        f"{FRONTEND}/assets/app.js": (200, "text/javascript", SCRIPT),
        f"{FRONTEND}/assets/vendor.js": (200, "text/javascript", "export const a=1;"),
        f"{API}/health": (200, "application/json", HEALTH),
        f"{SUPABASE}/rest/v1/profiles?select=id&limit=1": (200, "application/json", []),
    }
    return Scripted({**answers, **others})


def text_of(folder: Path) -> str:
    """All files of a project."""
    return "\n".join(file.read_text("utf-8") for file in files_of(folder))


def files_of(folder: Path) -> list[Path]:
    """All files of a project."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _raw(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
