"""What stand-ins for parts of GitHub share: a server, its token, failures to order, and GitHub's own description of each answer."""

import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft4Validator  # type: ignore[import-untyped]

DESCRIPTION = json.loads(
    (Path(__file__).parent / "rollback" / "providers" / "github-openapi.json").read_text(encoding="utf-8")
)
TOKEN = "ghp_only-for-these-tests"
REPOSITORY = "wheels/wins"
BASE, OWN = f"/repos/{REPOSITORY}", "/repos/{owner}/{repo}"
Reply = tuple[int, Any]
Route = tuple[str, str, Callable[..., Reply]]
"""Method and path as a pattern, its name in the description, and who answers: with query, body, and the groups of the pattern."""


@dataclass
class Fault:
    """How a request fails: a status with its words and headers, or the answer's raw bytes, or none in time (``hangs_s``)."""

    status: int = 200
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hangs_s: float = 0.0
    lost: bool = False
    """The connection ends without an answer."""
    done_all_the_same: bool = False


@dataclass
class GitHubPart(ABC):
    """What a test sets and sees of any part."""

    url: str = ""
    faults: dict[str, Fault] = field(default_factory=dict)
    """By method: what becomes of each such request from now on."""
    once: bool = False
    """Only of the next one."""
    asked: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What does not fit GitHub's description, of requests and of answers."""

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """What is asked here. The first that fits answers."""

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Reply:
        """As GitHub would."""
        for pattern, template, route in self.routes():
            found = re.fullmatch(pattern, f"{method} {path}")
            if found is not None:
                status, answer = route(query, body, *found.groups())
                self.problems += held(template, query, body, status, answer)
                return status, answer
        self.problems.append(f"{method} {path}: no operation that is used here")
        return 404, {"message": "Not Found"}

    def fault_of(self, method: str, asked: str) -> Fault | None:  # noqa: ARG002 - for those who go by it
        """How this request fails; None: it does not. ``asked``: ``METHOD path``, below the repository."""
        found = self.faults.get(method)
        if self.once:
            self.faults = {}
        return found


Part = TypeVar("Part", bound=GitHubPart)


@contextmanager
def served(part: Part) -> Iterator[Part]:
    """Run it on a free port."""
    turn, over = threading.Lock(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            parts = urlsplit(self.path)
            told = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            with turn:
                asked = f"{self.command} {parts.path.removeprefix(BASE)}"
                part.asked.append(asked)
                fault = part.fault_of(self.command, asked)
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    fault = Fault(401, "Bad credentials")
                status, answer = 500, None
                if fault is None or fault.done_all_the_same:
                    status, answer = part.answer(self.command, parts.path, query, json.loads(told) if told else None)
            if fault is not None and (fault.hangs_s or fault.lost):
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

        do_GET = do_POST = do_PATCH = do_PUT = handle_request  # noqa: N815 - the names of the base class

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    part.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield part
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def held(template: str, query: Mapping[str, str], body: Any, status: int, answer: Any) -> list[str]:
    """What does not fit GitHub's description of an operation."""
    described = DESCRIPTION["operations"][template]
    problems = [f"{template}: no query {name}" for name in query.keys() - set(described["query"])]
    if str(status) not in described["statuses"]:
        problems.append(f"{template}: no status {status}")
    for schema, document in ((described.get("request"), body), (described["responses"].get(str(status)), answer)):
        if schema is not None:
            errors = Draft4Validator(_nullable(schema)).iter_errors(document)
            problems += [f"{template} {status}: {error.message}" for error in errors]
    return problems


def _nullable(schema: Any) -> Any:
    """OpenAPI 3.0 says ``nullable`` where JSON Schema has a second type."""
    if isinstance(schema, list):
        return [_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _nullable(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable"):
        found["type"] = [schema["type"], "null"]
        if "enum" in schema:
            found["enum"] = [*schema["enum"], None]
    return {key: value for key, value in found.items() if not (key == "required" and value == [])}
