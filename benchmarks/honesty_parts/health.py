"""What a health endpoint can say, and what it means. A reader that trusts one word or one status is wrong in most of these."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from honesty_parts import peers
from honesty_parts.hostile import DATABASE, EVERYTHING, HEALTH, PAM, RELEASE, Said, as_json, healthy
from honesty_parts.lane import Lane
from honesty_parts.sabotage import Sabotage

_ASK = ("-m", "health")
_LONG_AGO = "2019-03-01T08:00:00Z"
_DEEP = 5_000
_BANNED = Said(b'{"detail":"blocked"}', status=403)
_LIMITED = Said(b'{"detail":"Too many requests"}', status=429, headers={"Retry-After": "3600"})
_PAGE = Said(b"<!doctype html><html><body><div id='root'></div></body></html>", content_type="text/html")
_ERROR_SCREEN = Said(
    b"<!doctype html><html lang='en'><head><title>Wheels &amp; Wins</title></head><body><div id='root'>"
    b"<h1>Oops! Something went wrong</h1><button>Reload</button></div></body></html>",
    content_type="text/html",
)


def _raw(text: str) -> Said:
    return Said(text.encode())


def _named(**changed: Any) -> Said:
    return as_json({**healthy(), **changed})


_UNHEALTHY: Mapping[str, Said] = {
    "status twice": _raw(f'{{"status":"unhealthy","status":"healthy","version":"{RELEASE}"}}'),
    "version twice": _raw(f'{{"status":"healthy","version":"1.0.0","version":"{RELEASE}"}}'),
    "not a number": _raw(f'{{"status":"healthy","version":"{RELEASE}","latency_ms":NaN}}'),
    "infinity": _raw(f'{{"status":"healthy","version":"{RELEASE}","latency_ms":Infinity}}'),
    "a part is unhealthy": _named(checks={"database": {"status": "unhealthy"}, "cache": {"status": "healthy"}}),
    "a part is down": _named(checks={"database": {"status": "healthy"}, "redis": "down"}),
    "parts in a list, one failed": _named(checks=[{"name": "database", "status": "failed"}]),
    "healthy is false": _named(healthy=False),
    "a live error": _named(error="connection to the database refused"),
    "filled issues": _named(issues=["database unreachable"]),
    "filled errors": _named(errors=[{"code": "db_down"}]),
    "another release": _named(version="1.40.9"),
    "degraded": _named(status="degraded"),
    "unhealthy with 200": _named(status="unhealthy"),
    "status null": _named(status=None),
    "status is a list": _named(status=["healthy"]),
    "no status": as_json({"version": RELEASE}),
    "only a word": as_json("healthy"),
    "a list": as_json([healthy()]),
    "two documents": _raw(json.dumps(healthy(status="unhealthy")) + "\n" + json.dumps(healthy())),
    "cut off": _raw(json.dumps(healthy())[:-2]),
    "empty": _raw(""),
    "nested without end": _raw('{"status":"healthy","version":"1.42.0","a":' + "[" * _DEEP + "]" * _DEEP + "}"),
    "the page instead": _PAGE,
    "JSON called text": as_json(healthy(), content_type="text/plain"),
    "healthy with 503": as_json(healthy(), status=503),
    "healthy with 500": as_json(healthy(), status=500),
    "no content": Said(b"", status=204),
    "sent to the login": Said(b"", status=302, headers={"Location": "/login"}),
    "closed to us alone": Said(b'{"detail":"Forbidden"}', status=403),
    "cut in the middle": Said(json.dumps(healthy()).encode(), how="half"),
    "never ends": Said(json.dumps(healthy()).encode(), how="drip"),
    "silent": Said(b"", how="silent"),
    "not what it is packed as": as_json(healthy(), headers={"Content-Encoding": "gzip"}),
    "another alphabet": Said(json.dumps(healthy()).encode("utf-16")),
    "packed in text": as_json(base64.b64encode(json.dumps(healthy()).encode()).decode()),
}
"""The database's endpoint says this, and all others are well."""
_HEALTHY: Mapping[str, Said] = {
    "as it should be": _named(),
    "no error": _named(error=None, errors=[], issues=[]),
    "parts that are well": _named(checks={"database": {"status": "healthy", "latency_ms": 3}, "redis": "up"}),
    "an error that is over": _named(last_error="timeout", last_error_at=_LONG_AGO, resolved=True),
    "in another order, with blanks": _raw(
        f'\n{{ "version" : "{RELEASE}",\n "note" : "caf\u00e9", "status" : "healthy" }}\n'
    ),
    "with a character set": as_json(healthy(), content_type="application/json; charset=utf-8"),
}


_VERSIONS: Mapping[str, object] = {"unknown": "unknown", "blank": "   ", "None": "None", "null": None, "a number": 1.42}
"""All parts say so, and agree."""


def _says(server: str, path: str, said: Said) -> Callable[[Lane], None]:
    return lambda lane: lane.hostile.say(server, path, said)


def _all_say(said: Said) -> Callable[[Lane], None]:
    return lambda lane: lane.hostile.say_everywhere(said)


def _all_named(version: object) -> Callable[[Lane], None]:
    def prepare(lane: Lane) -> None:
        for path in (DATABASE, PAM, EVERYTHING):
            lane.hostile.say("api", path, _named(version=version))
        for server in ("frontend", "backend"):
            lane.hostile.say(server, HEALTH, _named(version=version))

    return prepare


def _row(name: str, truth: str, prepare: Callable[[Lane], None]) -> Sabotage:
    return Sabotage(
        f"health: {name}",
        "health answers",
        truth,
        _ASK,
        prepare=prepare,
        environment="hostile",
        chaos=peers.health_of_hostile,
        plan=peers.plan_health_of_hostile,
    )


def rows() -> Iterator[Sabotage]:
    """Each answer by itself, then what is said everywhere at once."""
    for name, said in _UNHEALTHY.items():
        yield _row(name, "broken", _says("api", DATABASE, said))
    for name, said in _HEALTHY.items():
        yield _row(name, "well", _says("api", DATABASE, said))
    for name, version in _VERSIONS.items():
        yield _row(f"all versions are {name}", "broken", _all_named(version))
    yield _row("PAM has issues", "broken", _says("api", PAM, _named(issues=["model provider: no answer"])))
    yield _row("an old back end", "broken", _says("backend", HEALTH, _named(version="1.41.3")))
    yield _row("we are banned", "unknown", _all_say(_BANNED))
    yield _row("we ask too often", "unknown", _all_say(_LIMITED))
    yield _row("the page on every path", "broken", _all_say(_PAGE))
    yield _row("the front page is an error screen", "broken", _says("frontend", "/", _ERROR_SCREEN))
    yield _row("a script is the page", "broken", _says("frontend", "/assets/main.js", _PAGE))
    yield _row("all parts cut us off", "broken", lambda lane: lane.hostile.close("frontend", "api", "backend"))
    yield _row("we are offline", "unknown", lambda lane: lane.hostile.close("frontend", "api", "backend", "control"))
