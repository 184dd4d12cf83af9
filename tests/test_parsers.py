"""Whatever comes from outside, a parser gives a value or its own clear error: no other exception, no hang, bounded memory.

Each gets a good document with a part of it damaged or of another shape, and hostile ones. Errors stay readable.
"""

import json
import math
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pam_rollback.core.answer import Answer
from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.errors import MeasurementFailed, ProviderError, Refused
from pam_rollback.http import provider
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe import memory_readings as metrics
from pam_rollback.probe.child import LineReader
from pam_rollback.redeploy.ramp.invocation import RampJournal
from pam_rollback.report import run_record
from pam_rollback.report.baseline_record import load_baseline
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.lock import read_holder
from pam_rollback.rollback.providers.netlify import NetlifySite, netlify_api
from pam_rollback.rollback.providers.render import RenderDeploys, render_api
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.health import HealthReport
from pam_rollback.target.hosts import Netlify, Render
from tests.contracts import usual

ROOT = Path(__file__).resolve().parents[1]
READABLE_CHARACTERS = 20_000
"""All problems of one file at once; nobody reads more."""
LARGE_BYTES = 1 << 18
PEAK_BYTES = 40 * LARGE_BYTES
"""What the standard library's readers need for the worst of it, small numbers in lists, with room to spare."""
_SITE = {"id": "site-1", "name": "pam", "published_deploy": {"id": "d1", "site_id": "site-1", "state": "ready"}}
_DEPLOY = {
    "id": "dep-1",
    "status": "live",
    "commit": {"id": "a" * 40, "message": "x"},
    "createdAt": "2026-11-25T05:00:00Z",
}
_HEALTH = {"status": "healthy", "version": "1.42.0", "checks": {"database": {"status": "healthy"}}, "issues": []}


@dataclass(frozen=True)
class Parser:
    """One reader of outside data, and what it may raise."""

    name: str
    read: Callable[[bytes, Path], object]
    good: bytes
    """A document that it reads without complaint."""
    raises: tuple[type[Exception], ...] = ()

    def run(self, data: bytes, folder: Path) -> str:
        """Its complaint, empty when it gave a value. Any other exception passes."""
        try:
            self.read(data, folder)
        except self.raises as problem:
            return str(problem).strip() or f"{type(problem).__name__} says nothing".ljust(READABLE_CHARACTERS)
        return ""


def _as_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    def parse(data: bytes, folder: Path) -> object:
        file = folder / name
        file.write_bytes(data)
        file.chmod(0o600)
        return read(file)

    return parse


def _answer(data: bytes, content_type: str = "application/json") -> Answer:
    return Answer("GET", "http://127.0.0.1:1/x", 200, content_type, data, 1.0)


def _of_answer(read: Callable[[Answer], object]) -> Callable[[bytes, Path], object]:
    return lambda data, _: read(_answer(data))


def _fed(module: Any, ask: Callable[[], object]) -> Callable[[bytes, Path], object]:
    """Whoever fetches in this module gets the bytes as an answer."""

    def parse(data: bytes, _: Path) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "fetch", lambda *_, **__: _answer(data))
            return ask()

    return parse


def _text(read: Callable[[str], object]) -> Callable[[bytes, Path], object]:
    return lambda data, _: read(data.decode("utf-8", "replace"))


def _environment(file: Path) -> object:
    return load_environment(str(file), ROOT / "environments", {})


def _netlify() -> NetlifySite:
    settings_ = Netlify(site_id="site-1", api_url="http://127.0.0.1:1/api/v1")
    return NetlifySite(netlify_api(settings_, "token", patience_s=0), settings_)


def _render() -> RenderDeploys:
    settings_ = Render(service_id="srv-aaaaaaaaaaaaaaaaaaaa", api_url="http://127.0.0.1:1/v1")
    return RenderDeploys(render_api(settings_, "token", patience_s=0), settings_)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


PARSERS = [
    Parser("the plan", _as_file("plan.toml", load_plan), (ROOT / "plan.toml").read_bytes(), (ConfigurationError,)),
    Parser(
        "an environment",
        _as_file("staging.toml", _environment),
        (ROOT / "environments" / "examples" / "production.toml").read_bytes(),
        (ConfigurationError,),
    ),
    Parser(
        "a journal",
        _as_file("journal.jsonl", lambda file: (Journal(file).entries(), Journal(file).owed())),
        b'{"at":"2026-11-25T00:00:00+00:00","at_s":1.5,"event":"undo-owed","number":1,"kind":"set-flags","facts":{}}\n',
        (MeasurementFailed, Refused),
    ),
    Parser(
        "a ramp's journal",
        _as_file("ramp.jsonl", lambda file: RampJournal(file, lambda: 0.0).events()),
        b'{"at":"2026-11-25T00:00:00+00:00","at_s":1.5,"event":"stage","share_pct":10}\n',
        (Refused,),
    ),
    Parser(
        "a timeline",
        _as_file("timeline.jsonl", lambda file: list(LineReader(file).records())),
        b'{"due_s":1.0,"latency_ms":12.5,"journey":"history","ok":true}\n',
        (MeasurementFailed,),
    ),
    Parser("a baseline", _as_file("baseline.json", load_baseline), b'{"schema_version": 3}', (MeasurementFailed,)),
    Parser(
        "a run record", _as_file("run.json", run_record.read), b'{"schema_version": 1}', (run_record.UnreadableRecord,)
    ),
    Parser(
        "a lock",
        _text(read_holder),
        _json({"who": "a", "host": "b", "run": "c", "since": "2026-11-25T00:00:00+00:00"}),
    ),
    Parser("a health answer", _of_answer(lambda answer: str(HealthReport.of(usual(), answer))), _json(_HEALTH)),
    Parser(
        "metrics",
        _fed(metrics, lambda: metrics.read_memory("http://127.0.0.1:1/metrics", deadline_s=1)),
        b"# TYPE pam_memory_usage_bytes gauge\npam_memory_usage_bytes 81000000\n",
        (MeasurementFailed,),
    ),
    Parser("Netlify's site", _fed(provider, lambda: _netlify().live()), _json(_SITE), (ProviderError,)),
    Parser("Netlify's deploys", _fed(provider, lambda: _netlify().deploys()), _json([]), (ProviderError,)),
    Parser("Render's deploy", _fed(provider, lambda: _render().deploy("dep-1")), _json(_DEPLOY), (ProviderError,)),
    Parser("Render's deploys", _fed(provider, lambda: _render().deploys()), _json([]), (ProviderError,)),
]
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([math.inf, 10**400, "", "NaN", "2026-11-25T00:00:00Z", "healthy", -1, 0]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_DAMAGES = st.lists(
    st.tuples(
        st.integers(0, 1 << 16),
        st.integers(0, 40),
        st.binary(max_size=8) | st.sampled_from([b'"', b"{", b"[", b"\n", b"null"]),
    ),
    min_size=1,
    max_size=3,
)


def _damaged(good: bytes, damages: list[tuple[int, int, bytes]]) -> bytes:
    """The document with pieces of it replaced."""
    for at, length, by in damages:
        start = at % (len(good) + 1)
        good = good[:start] + by + good[start + length :]
    return good


def _other_value(good: bytes, data: st.DataObject) -> bytes:
    """The document with another value for the whole or one of its parts; as it is where it is not JSON."""
    try:
        document = [json.loads(good)]
    except ValueError:
        return good
    holder, name = data.draw(st.sampled_from(_places(document)))
    holder[name] = data.draw(_JSON)
    return json.dumps(document[0]).encode() + b"\n"


def _places(value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, dict | list):
        return []
    named = list(value if isinstance(value, dict) else range(len(value)))
    return [(value, name) for name in named] + [place for name in named for place in _places(value[name])]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_it_gives_a_value_or_its_own_error(parser: Parser, tmp_path: Path, data: st.DataObject) -> None:
    """JSON of any shape, whole or in part, and a good document that is damaged."""
    damaged = data.draw(st.booleans())
    given_ = _damaged(parser.good, data.draw(_DAMAGES)) if damaged else _other_value(parser.good, data)

    complaint = parser.run(given_, tmp_path)

    assert len(complaint) < READABLE_CHARACTERS, complaint


_HOSTILE = {
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number without end": b'{"status":"healthy","version":"1","n":' + b"9" * 100_000 + b"}",
    "a large exponent": b'{"status":"healthy","version":"1","n":1e999999999}',
    "one long line": b"x" * LARGE_BYTES,
    "a long list": b"[" + b"1," * (LARGE_BYTES // 2) + b"1]",
    "zeros": bytes(1000),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "lone surrogates": b'{"status":"\\ud800","version":"\\udfff"}',
    "nothing": b"",
}


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_hostile_document_ends_soon_and_small(parser: Parser, tmp_path: Path) -> None:
    """Nested beyond the stack, larger than anybody needs, in no alphabet: the same, with bounded memory."""
    for hostile, document in _HOSTILE.items():
        tracemalloc.start()
        try:
            complaint = parser.run(document, tmp_path)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert len(complaint) < READABLE_CHARACTERS, (hostile, complaint[:500])
        assert peak < PEAK_BYTES, hostile


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_good_document_is_read(parser: Parser, tmp_path: Path) -> None:
    """What the damaged ones are made from is understood, so that they are nearly good. Records have samples of their own."""
    assert (parser.run(parser.good, tmp_path) == "") is (parser.name not in {"a baseline", "a run record"})
