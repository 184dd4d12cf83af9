"""A stand-in for GitHub's issues; each request and answer is held against GitHub's own description.

What a test sets: what fails, and how; who writes (``association``). Two machines at once are one that writes between two requests.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pam_rollback.environment.channel_settings import Tracker
from tests.github_pulls import held

TOKEN = "ghp_only-for-these-tests"
REPOSITORY = "wheels/wins"
_OWN = "/repos/{owner}/{repo}/issues"


@dataclass
class Fault:
    """How a request fails: a status with its words and headers, or the answer's raw bytes, or none in time (``hangs_s``)."""

    status: int = 200
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hangs_s: float = 0.0
    done_all_the_same: bool = False


@dataclass
class Issues:
    """What a test sets and sees."""

    url: str = ""
    issues: list[dict[str, Any]] = field(default_factory=list)
    association: str = "COLLABORATOR"
    faults: dict[str, Fault] = field(default_factory=dict)
    """By method: what becomes of each such request from now on."""
    once: bool = False
    """Only of the next one."""
    before_open: Callable[[], None] | None = None
    asked: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What does not fit GitHub's description, of requests and of answers."""

    def settings(self) -> Tracker:
        """An environment's table for it."""
        return Tracker.model_validate({"repository": REPOSITORY, "api_url": self.url})

    def said(self, number: int) -> list[str]:
        """The comments of an issue."""
        return [comment["body"] for comment in self.issues[number - 1]["said"]]

    def add(self, title: str, body: str, *, association: str = "", pull: bool = False) -> dict[str, Any]:
        """One that somebody opened."""
        number = len(self.issues) + 1
        made: dict[str, Any] = {
            "number": number,
            "html_url": f"https://github.example/{REPOSITORY}/issues/{number}",
            "title": title,
            "body": body,
            "state": "open",
            "state_reason": None,
            "author_association": association or self.association,
            "user": {"login": "kim", "type": "User"},
            "said": [],
        }
        if pull:
            made["pull_request"] = {"html_url": made["html_url"].replace("issues", "pull")}
        self.issues.append(made)
        return made

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """The first route that fits."""
        base = f"/repos/{REPOSITORY}/issues"
        for pattern, template, route in (
            (f"GET {base}", f"GET {_OWN}", self._list),
            (f"POST {base}", f"POST {_OWN}", self._open),
            (rf"GET {base}/(\d+)", f"GET {_OWN}/{{issue_number}}", self._look),
            (rf"PATCH {base}/(\d+)", f"PATCH {_OWN}/{{issue_number}}", self._change),
            (rf"GET {base}/(\d+)/comments", f"GET {_OWN}/{{issue_number}}/comments", self._comments),
            (rf"POST {base}/(\d+)/comments", f"POST {_OWN}/{{issue_number}}/comments", self._comment),
        ):
            found = re.fullmatch(pattern, f"{method} {path}")
            if found is not None:
                status, answer = route(query, body, *map(int, found.groups()))
                self.problems += held(template, query, body, status, answer)
                return status, answer
        self.problems.append(f"{method} {path}: no operation that is used here")
        return 404, {"message": "Not Found"}

    def _list(self, query: dict[str, str], _body: Any) -> tuple[int, Any]:
        found = [one for one in reversed(self.issues) if query["state"] in {"all", one["state"]}]
        size, page = int(query["per_page"]), int(query["page"])
        return 200, [_shown(one) for one in found[size * (page - 1) : size * page]]

    def _open(self, _query: Any, body: Any) -> tuple[int, Any]:
        if self.before_open is not None:
            before, self.before_open = self.before_open, None
            before()
        return 201, _shown(self.add(body["title"], body["body"]))

    def _look(self, _query: Any, _body: Any, number: int) -> tuple[int, Any]:
        return (200, _shown(self.issues[number - 1])) if number <= len(self.issues) else (404, {"message": "Not Found"})

    def _change(self, _query: Any, body: Any, number: int) -> tuple[int, Any]:
        self.issues[number - 1].update(body)
        return 200, _shown(self.issues[number - 1])

    def _comments(self, query: dict[str, str], _body: Any, number: int) -> tuple[int, Any]:
        size, page = int(query["per_page"]), int(query["page"])
        return 200, self.issues[number - 1]["said"][size * (page - 1) : size * page]

    def _comment(self, _query: Any, body: Any, number: int) -> tuple[int, Any]:
        issue = self.issues[number - 1]
        made = {
            "id": len(issue["said"]) + 1,
            "html_url": f"{issue['html_url']}#c{len(issue['said']) + 1}",
            "body": body["body"],
            "user": issue["user"],
            "author_association": self.association,
        }
        issue["said"].append(made)
        return 201, made


def _shown(issue: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in issue.items() if name != "said"}


@contextmanager
def stand_in() -> Iterator[Issues]:
    """Run it on a free port."""
    made = Issues()
    turn = threading.Lock()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            parts = urlsplit(self.path)
            told = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            with turn:
                made.asked.append(f"{self.command} {parts.path.removeprefix(f'/repos/{REPOSITORY}')}")
                fault = made.faults.get(self.command)
                if made.once:
                    made.faults = {}
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    fault = Fault(401, "Bad credentials")
                status, answer = 500, None
                if fault is None or fault.done_all_the_same:
                    status, answer = made.answer(self.command, parts.path, query, json.loads(told) if told else None)
            if fault is not None and fault.hangs_s:
                over.wait(fault.hangs_s)
                self.close_connection = True
                return
            body = json.dumps(answer).encode()
            if fault is not None:
                status = fault.status
                body = json.dumps({"message": fault.message}).encode() if fault.raw is None else fault.raw
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            for name, value in (fault.headers if fault is not None else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = handle_request  # noqa: N815 - the names of the base class

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        server.shutdown()
        server.server_close()
