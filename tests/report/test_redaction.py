"""Does any form of a secret get past the redactor?  Texts, data, objects, files and archives."""

import base64
import html
import itertools
import json
import re
import time
import urllib.parse
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.report.redaction import Redactor, scan

SECRET = 'pä"ss/wörd\\+ <&>1'
REDACTED = "[redacted:PAM_TOKEN]"


@pytest.fixture
def redactor() -> Redactor:
    """A redactor that knows one awkward secret."""
    return Redactor({"PAM_TOKEN": SECRET})


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        urllib.parse.quote(SECRET),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        re.sub("%..", lambda match: match.group().lower(), urllib.parse.quote(SECRET, safe="")),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(SECRET))[3:-3],
        html.escape(SECRET),
        repr(SECRET)[1:-1],
    ],
)
def test_every_spelling_of_a_known_secret_goes(redactor: Redactor, form: str) -> None:
    """Quoted, escaped or encoded, the secret is found, and only it."""
    assert redactor.text(f"before {form} after") == f"before {REDACTED} after"


BOTH_QUOTES = "to'k\"en-0123456789-ü-abcdefghij"


WRITERS: tuple[Callable[[str], str], ...] = (
    lambda text: repr(f"say 'a' \"b\" {text}"),
    lambda text: repr({"message": text}),
    lambda text: repr([f"it's {text}"]),
    lambda text: json.dumps({"detail": repr(text)}),
    lambda text: repr(json.dumps({"detail": text})),
    lambda text: json.dumps(json.dumps({"detail": text})),
    ascii,
    lambda text: urllib.parse.quote(text, safe="!'()*~"),
    lambda text: urllib.parse.quote(text, safe=";,/?:@&=+$#!'()*~"),
    lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    lambda text: base64.b64encode(f"ops-1:{text}".encode()).decode(),
)


@pytest.mark.parametrize("written", WRITERS, ids=range(len(WRITERS)))
@pytest.mark.parametrize(
    "secret", [BOTH_QUOTES, "to'ken-0123456789-abc", 'to"ken-0123456789-abc', "tok-0123456789-abcdef"]
)
def test_quotes_within_it_hide_nothing(written: Callable[[str], str], secret: str) -> None:
    """One writer escaped it, the next one escaped that again."""
    clean = Redactor({"PAM_TOKEN": secret}).text(written(secret))

    assert REDACTED in clean
    assert not re.search("0123456789|dG9r", clean)


@pytest.mark.parametrize("fold", ["\n", "\r\n ", "\n\t", "=\n", "  \n> ", "\nE         ", "\n  │ "])
@pytest.mark.parametrize("places", [(1,), (17,), (34,), (5, 11, 30)])
def test_a_secret_on_two_lines_is_one(fold: str, places: tuple[int, ...]) -> None:
    """A folded header, a quoted mail, a wrapped table, pytest's account of a failure: nothing of it is left, and the rest stays."""
    secret = "tok-0123456789-abcdefghij-KLMNOPQRS"
    folded = fold.join(secret[start:end] for start, end in itertools.pairwise((0, *places, len(secret))))
    text = f"first line\n  before {folded} after\nlast line"

    assert Redactor({"PAM_TOKEN": secret}).text(text) == f"first line\n  before {REDACTED} after\nlast line"


@given(before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_base64_goes_at_every_alignment(before: bytes, after: bytes) -> None:
    """Wherever the secret stands in what was encoded, at most the three bytes at each of its ends can still be decoded."""
    redactor = Redactor(["a-rather-long-secret"])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        clean = redactor.text(encode(before + b"a-rather-long-secret" + after).decode())

        assert "[redacted:secret]" in clean
        assert len(clean.replace("[redacted:secret]", "")) <= len(encode(before)) + len(encode(after)) + 8


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_clean_text_stays_and_redacting_twice_changes_nothing(before: str, after: str) -> None:
    """Redaction is stable: it can be done at every door without piling up."""
    redactor = Redactor({"PAM_TOKEN": "0123456789abcdef!"})
    once = redactor.text(f"{before}0123456789abcdef!{after}")

    assert "0123456789abcdef!" not in once
    assert redactor.text(once) == once


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted:authorization]"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic [redacted:authorization]'}"),
        (r"{\"authorization\":\"Bearer x1y2z3w4\"}", r"{\"authorization\":\"Bearer [redacted:authorization]\"}"),
        ("sent bearer 1234567890abc to it", "sent bearer [redacted:bearer] to it"),
        ("id eyJhbGciOi.eyJzdWIiOi.c2ln end", "id [redacted:jwt] end"),
        ("https://hooks.slack.com/services/T0/B0/x1", "https://hooks.slack.com/[redacted:webhook]"),
        ("http://127.0.0.1:80/services/T000/B000/x1", "http://127.0.0.1:80/services/[redacted:webhook]"),
        ("postgresql://pam:s3cr3t@db/pam", "postgresql://pam:[redacted:dsn]@db/pam"),
        ("host=db user=pam password=s3cr3t7 dbname=x", "host=db user=pam password=[redacted:password] dbname=x"),
        ("GET /reset?token=abcdef&lang=en", "GET /reset?token=[redacted:query]&lang=en"),
        ("Cookie: sid=1; theme=dark", "Cookie: [redacted:header]"),
    ],
)
def test_what_is_always_secret_goes(text: str, clean: str) -> None:
    """Tokens and passwords are recognised by their shape, without being known."""
    redactor = Redactor([])

    assert redactor.text(text) == clean
    assert redactor.text(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "401: bearer authentication is required",
        "http://127.0.0.1:8080/health answered 200",
        "postgresql://pam@db:5432/pam",
        "eyJ is how a token begins",
        "release 1.42.0, p95 81.3 ms (n 1500)",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """Messages that only speak of such things can still be read."""
    assert Redactor(["another-secret"]).text(text) == text


def test_short_and_empty_secrets_are_named_not_used() -> None:
    """A three-letter secret would tear every text apart; it is left alone and the reader is told."""
    redactor = Redactor({"EMPTY": "", "SHORT": "abc", "LONG": "abcdefgh"})

    assert redactor.text("abc abcdefgh") == "abc [redacted:LONG]"
    assert [warning.split()[0] for warning in redactor.warnings] == ["SHORT"]


def test_one_string_is_not_taken_for_several_secrets() -> None:
    """A forgotten pair of brackets must not make every letter a secret."""
    with pytest.raises(TypeError, match="one string"):
        Redactor("a-secret")


def test_values_go_by_the_name_of_their_field(redactor: Redactor) -> None:
    """In data, a field called password loses its value, also when name and value are two fields."""
    data = {"password": "unknown", "headers": [{"name": "Cookie", "value": "sid=1"}], "n": 3, "note": f"<{SECRET}>"}

    assert redactor.value(data) == {
        "password": "[redacted:password]",
        "headers": [{"name": "Cookie", "value": "[redacted:cookie]"}],
        "n": 3,
        "note": f"<{REDACTED}>",
    }


@dataclass
class Entry:
    """Stands for the objects of a pytest report."""

    lines: list[str]
    pairs: list[tuple[str, str]]
    parent: "Entry | None" = field(default=None, repr=False)


def test_objects_are_cleaned_in_place_even_in_circles(redactor: Redactor) -> None:
    """A traceback's objects keep their identity and lose their secrets."""
    entry = Entry([SECRET], [("Captured", SECRET)])
    entry.parent = entry

    assert redactor.value(entry) is entry
    assert (entry.lines, entry.pairs) == ([REDACTED], [("Captured", REDACTED)])


def test_json_files_stay_json(tmp_path: Path, redactor: Redactor) -> None:
    """A secret at the edge of a string, and a shape with a quote after it, do not break the document."""
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"a": SECRET, "b": 'password=abcdefg\\"', "c": ["Bearer 0123456789"]}))
    path.chmod(0o600)

    assert redactor.file(path)
    assert json.loads(path.read_text())["a"] == REDACTED
    assert path.stat().st_mode & 0o777 == 0o600
    assert not redactor.file(path)


def test_a_trace_stays_a_trace(tmp_path: Path, redactor: Redactor) -> None:
    """In a browser trace the JSON lines are cleaned one by one; pictures stay byte for byte."""
    path, picture = tmp_path / "trace.zip", b"\x89PNG\x00\xff"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as trace:
        trace.writestr(
            "trace.trace", json.dumps({"type": "fill", "value": SECRET}) + "\n" + json.dumps({"n": 1}) + "\n"
        )
        trace.writestr("resources/1.png", picture)

    assert redactor.file(path)
    with zipfile.ZipFile(path) as trace:
        lines = [json.loads(line) for line in trace.read("trace.trace").splitlines()]
        assert lines == [{"type": "fill", "value": REDACTED}, {"n": 1}]
        assert trace.read("resources/1.png") == picture
        assert trace.getinfo("trace.trace").compress_type == zipfile.ZIP_DEFLATED


def test_the_scan_finds_what_is_left(tmp_path: Path) -> None:
    """The last gate looks into binaries, archives and encodings, and is silent about a clean folder."""
    (tmp_path / "clean.txt").write_text("nothing here")
    assert scan(tmp_path, [SECRET]) == []

    (tmp_path / "shot.bin").write_bytes(b"\xff\x00" + SECRET.encode() + b"\x00")
    (tmp_path / "page.html").write_text(base64.b64encode(b"12" + SECRET.encode() + b"3").decode())
    with zipfile.ZipFile(tmp_path / "trace.zip", "w", zipfile.ZIP_DEFLATED) as trace:
        trace.writestr("resources/1.txt", urllib.parse.quote(SECRET, safe=""))

    assert [path.name for path in scan(tmp_path, [SECRET])] == ["page.html", "shot.bin", "trace.zip"]


def test_a_megabyte_with_many_secrets_is_quick() -> None:
    """Redaction is on the path of every attachment; even with many secrets and many hits it must not be felt."""
    secrets = {f"S{number}": f"secret-number-{number:04}-with-some-length" for number in range(30)}
    text = ("GET /api/v1/pam/history 200 81.3 ms\n" * 300 + f"leak {secrets['S7']}\n") * 100
    started_s = time.thread_time()  # of this thread's processor: a busy machine changes nothing

    clean = Redactor(secrets).text(text)

    assert time.thread_time() - started_s < 3
    assert len(re.findall(r"\[redacted:S7\]", clean)) == 100
