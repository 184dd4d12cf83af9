"""A stand-in for GitHub's pull requests over a real bare repository; each answer is held against GitHub's own description.

What a test sets: rules of main, checks and how they end, what keeps a request from being merged. Merges are real ones.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from pam_rollback.environment.provider_settings import GitHub
from tests.bare_repository import Origin, git

DESCRIPTION = json.loads(
    (Path(__file__).parent / "rollback" / "providers" / "github-openapi.json").read_text(encoding="utf-8")
)
TOKEN = "ghp_only-for-these-tests"
REPOSITORY = "wheels/wins"
BEGAN, ENDED = "2026-11-27T12:00:00Z", "2026-11-27T12:06:20Z"
Reply = tuple[int, Any]


@dataclass
class StandIn:
    """What a test sets and sees."""

    origin: Origin
    url: str = ""
    protected: bool = True
    approvals: int = 0
    required: tuple[str, ...] = ("build", "test")
    by_rule_set: bool = True
    """The required checks stand in a rule set; else in the branch's own protection."""
    conclusions: dict[str, str | None] = field(default_factory=lambda: {"build": "success", "test": "success"})
    """What becomes of each check; None: it never ends."""
    refuses_merge: str = ""
    """Why, in GitHub's words."""
    state: str = "clean"
    moved_before_merge: Callable[[], None] | None = None
    loses: set[str] = field(default_factory=set)
    """Requests whose answer is lost although they are done, as ``METHOD path``."""
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What does not fit GitHub's description, of requests and of answers."""

    def settings(self, **changes: object) -> GitHub:
        """An environment's table for it."""
        return GitHub.model_validate({"repository": REPOSITORY, "api_url": self.url, **changes})

    def open_pulls(self) -> list[int]:
        """The numbers of those that are open."""
        return [number for number, pull in self.pulls.items() if pull["state"] == "open"]

    # ---------------------------------------------------------------- what GitHub does

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Reply:
        """The first route that fits."""
        for pattern, template, route in self._routes():
            found = re.fullmatch(pattern, f"{method} {path}")
            if found is not None:
                status, answer = route(query, body, *found.groups())
                self.problems += held(template, query, body, status, answer)
                return status, answer
        self.problems.append(f"{method} {path}: no operation that is used here")
        return 404, {"message": "Not Found"}

    def _routes(self) -> tuple[tuple[str, str, Callable[..., Reply]], ...]:
        base = f"/repos/{REPOSITORY}"
        own = "/repos/{owner}/{repo}"
        return (
            (f"GET {base}/branches/(.+)", f"GET {own}/branches/{{branch}}", self._branch),
            (f"GET {base}/rules/branches/(.+)", f"GET {own}/rules/branches/{{branch}}", self._rules),
            (f"GET {base}/pulls", f"GET {own}/pulls", self._list),
            (f"POST {base}/pulls", f"POST {own}/pulls", self._open),
            (rf"GET {base}/pulls/(\d+)", f"GET {own}/pulls/{{pull_number}}", self._look),
            (rf"PATCH {base}/pulls/(\d+)", f"PATCH {own}/pulls/{{pull_number}}", self._change),
            (rf"PUT {base}/pulls/(\d+)/merge", f"PUT {own}/pulls/{{pull_number}}/merge", self._merge),
            (f"GET {base}/commits/(.+)/check-runs", f"GET {own}/commits/{{ref}}/check-runs", self._check_runs),
            (f"GET {base}/commits/(.+)/status", f"GET {own}/commits/{{ref}}/status", self._status),
        )

    def _branch(self, _query: Any, _body: Any, name: str) -> Reply:
        commit = self.origin.head(name)
        if not commit:
            return 404, {"message": "Branch not found"}
        contexts = [] if self.by_rule_set else [*self.required]
        return 200, {
            "name": name,
            "commit": {"sha": commit},
            "protected": self.protected,
            "protection": {"required_status_checks": {"contexts": contexts}},
        }

    def _rules(self, _query: Any, _body: Any, _name: str) -> Reply:
        if not self.protected or not self.by_rule_set:
            return 200, []
        checks = [{"context": name} for name in self.required]
        return 200, [
            {"type": "deletion"},
            {"type": "pull_request", "parameters": {"required_approving_review_count": self.approvals}},
            {
                "type": "required_status_checks",
                "parameters": {"required_status_checks": checks, "strict_required_status_checks_policy": False},
            },
        ]

    def _list(self, query: Mapping[str, str], _body: Any) -> Reply:
        owner, _, head = query.get("head", "").partition(":")
        found = [
            number
            for number, pull in self.pulls.items()
            if owner == "wheels" and pull["head"] == head and query.get("state") in {"all", pull["state"]}
        ]
        shown = ("number", "html_url", "state", "head", "base")
        return 200, [{name: self._shown(number)[name] for name in shown} for number in reversed(found)]

    def _open(self, _query: Any, body: Any) -> Reply:
        if any(pull["head"] == body["head"] and pull["state"] == "open" for pull in self.pulls.values()):
            return 422, {"message": "Validation Failed"}
        number = len(self.pulls) + 1
        self.pulls[number] = {
            "head": body["head"],
            "base": body["base"],
            "state": "open",
            "merged": False,
            "commit": None,
            "sha": "",
        }
        return 201, self._shown(number)

    def _look(self, _query: Any, _body: Any, number: str) -> Reply:
        return (200, self._shown(int(number))) if int(number) in self.pulls else (404, {"message": "Not Found"})

    def _change(self, _query: Any, body: Any, number: str) -> Reply:
        self.pulls[int(number)]["state"] = body["state"]
        return 200, self._shown(int(number))

    def _merge(self, _query: Any, body: Any, number: str) -> Reply:
        pull = self.pulls[int(number)]
        if self.moved_before_merge is not None:
            self.moved_before_merge()
        if self.refuses_merge:
            return 405, {"message": self.refuses_merge}
        head, base = self.origin.head(pull["head"]), self.origin.head(pull["base"])
        if body["sha"] != head:
            return 409, {"message": "Head branch was modified. Review and try the merge again."}
        tree = git(self.origin.folder, "merge-tree", "--write-tree", base, head)
        made = git(
            self.origin.folder, "commit-tree", tree, "-p", base, "-p", head, "-m", f"Merge pull request #{number}"
        )
        git(self.origin.folder, "update-ref", f"refs/heads/{pull['base']}", made, base)
        pull.update(state="closed", merged=True, commit=made)
        return 200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"}

    def _check_runs(self, _query: Any, _body: Any, _ref: str) -> Reply:
        runs = [
            {
                "name": name,
                "status": "completed" if conclusion else "in_progress",
                "conclusion": conclusion,
                "started_at": BEGAN,
                "completed_at": ENDED if conclusion else None,
            }
            for name, conclusion in self.conclusions.items()
        ]
        return 200, {"total_count": len(runs), "check_runs": runs}

    def _status(self, _query: Any, _body: Any, ref: str) -> Reply:
        return 200, {"state": "pending", "sha": ref, "total_count": 0, "statuses": []}

    def _shown(self, number: int) -> dict[str, Any]:
        pull = self.pulls[number]
        # GitHub remembers where a branch was that is gone.
        pull["sha"] = head = self.origin.head(pull["head"]) or pull["sha"]
        return {
            "number": number,
            "html_url": f"https://github.example/{REPOSITORY}/pull/{number}",
            "state": pull["state"],
            "merged": pull["merged"],
            "mergeable": self.state != "dirty",
            "mergeable_state": self.state,
            "merge_commit_sha": pull["commit"],
            "head": {"ref": pull["head"], "sha": head},
            "base": {"ref": pull["base"], "sha": self.origin.head(pull["base"])},
        }


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


@contextmanager
def stand_in(origin: Origin) -> Iterator[StandIn]:
    """Run it on a free port."""
    made = StandIn(origin)
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            parts = urlsplit(self.path)
            told = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with turn:
                made.asked.append(f"{self.command} {parts.path.removeprefix(f'/repos/{REPOSITORY}')}")
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    status, answer = 401, {"message": "Bad credentials"}
                else:
                    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                    status, answer = made.answer(self.command, parts.path, query, json.loads(told) if told else None)
            if made.asked[-1] in made.loses:
                made.loses.discard(made.asked[-1])
                self.close_connection = True
                return
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = handle_request  # noqa: N815 - the names of the base class

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
