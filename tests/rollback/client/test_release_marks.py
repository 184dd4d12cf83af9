"""What the answers of a back end are like: fingerprints that stay while only the order differs, and the age of its process."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plugin.topics import hosts as parts
from pam_rollback.rollback import told_versions
from pam_rollback.rollback.release_proof import MarksSeen
from pam_rollback.rollback.told_versions import MarkedApi
from pam_rollback.target.contract import Mark

ALL, BUILD, ETAG, AGE = (
    Mark(path="/openapi.json"),
    Mark.model_validate({"path": "/about", "json": "/build"}),
    Mark(path="/about", header="ETag"),
    Mark.model_validate({"path": "/about", "json": "/uptime", "tells": "uptime_s"}),
)


def api(monkeypatch: pytest.MonkeyPatch, *marks: Mark, answers: dict[str, Any]) -> MarkedApi:
    """A back end that answers so by path: a body, a status, or the reason why nothing comes."""
    asked: list[str] = []

    def fetch(url: str, *, deadline_s: float) -> Answer:
        assert deadline_s > 0
        assert url not in asked, "each path is asked once"
        asked.append(url)
        found = answers[url.removeprefix("http://api")]
        if isinstance(found, str):
            return Answer("GET", url, None, "", b"", 1, problem=found)
        status = found if isinstance(found, int) else 200
        body = b"" if isinstance(found, int) else json.dumps(found).encode()
        return Answer("GET", url, status, "application/json", body, 1, headers={"etag": '"1"'})

    monkeypatch.setattr(told_versions, "fetch", fetch)
    return MarkedApi(marks, {"api": "http://api"})


def test_a_fingerprint_is_of_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of the order in which it is said; another path makes it another."""
    seen = [
        api(monkeypatch, ALL, answers={"/openapi.json": body}).look().fingerprints
        for body in ({"a": 1, "b": [2, 3]}, {"b": [2, 3], "a": 1}, {"a": 1, "b": [3, 2]})
    ]

    assert seen[0] == seen[1] != seen[2]
    assert list(seen[0]) == ["/openapi.json"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param("refused the connection", "refused the connection", id="no answer"),
        pytest.param(404, "HTTP 404", id="not there"),
        pytest.param({"build": 1}, "the answer has no 'uptime'", id="no such value"),
        pytest.param({"uptime": "long"}, "expected seconds, found 'long'", id="no number"),
        pytest.param({"uptime": -1}, "expected seconds, found '-1'", id="before the future"),
        pytest.param({"uptime": True}, "expected seconds, found 'True'", id="a truth"),
    ],
)
def test_what_tells_nothing_says_why(monkeypatch: pytest.MonkeyPatch, answer: object, words: str) -> None:
    """And is no fingerprint of nothing."""
    seen = api(monkeypatch, AGE, answers={"/about": answer}).look()

    assert (seen.fingerprints, seen.started_at) == ({}, None)
    assert words in seen.problem


def test_a_baseline_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a part of its own; one that is damaged or too old proves nothing, and stops nothing."""
    seen = MarksSeen(datetime.now(UTC), {"/openapi.json": "x"})
    parts.write_marks(tmp_path, seen)
    monkeypatch.setattr(parts, "stored", lambda _, name: tmp_path / name)
    runbook = cast("Any", SimpleNamespace())

    assert parts.stored_marks(runbook) == seen
    for damaged in ("[]", '{"at": "yesterday", "fingerprints": {}}', '{"at": 1}', "{"):
        (tmp_path / parts.MARKS_FILE).write_text(damaged, encoding="utf-8")
        assert parts.stored_marks(runbook) is None

    def too_old(*_: object) -> Path:
        raise MeasurementFailed("too old")

    monkeypatch.setattr(parts, "stored", too_old)
    assert parts.stored_marks(runbook) is None
