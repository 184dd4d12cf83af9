"""Files of one object per line: read while they grow, with nothing lost."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe import child as jsonl
from pam_rollback.probe.child import LineReader
from pam_rollback.probe.ledger import LedgerRecord
from pam_rollback.probe.timeline import Timeline


def test_nothing_is_lost_between_two_looks(tmp_path: Path) -> None:
    """Short and long lines come whole, once, and in order; half a line waits."""
    path = tmp_path / "lines.jsonl"
    documents = [{"n": number, "text": "x" * (number * 7 % 200)} for number in range(300)]
    text = "".join(json.dumps(document) + "\n" for document in documents)
    path.write_text(text[:-5])
    reader = LineReader(path)

    assert list(reader.records()) == documents[:-1]
    assert list(reader.records()) == []
    path.write_text(text)
    assert list(reader.records()) == documents[-1:]
    assert list(reader.records()) == []


def test_damage_is_named_by_its_line_and_met_again(tmp_path: Path) -> None:
    """A reader that asks again does not read on behind the damage as if nothing had been."""
    path = tmp_path / "lines.jsonl"
    path.write_text('{"n":1}\n' * 40 + "{broken\n" + '{"n":1}\n' * 40)
    reader = LineReader(path)
    for _ in range(2):
        with pytest.raises(MeasurementFailed, match="line 41: expected a JSON object"):
            list(reader.records())


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """No file is no empty file."""
    with pytest.raises(MeasurementFailed, match="there is no such file"):
        list(LineReader(tmp_path / "none.jsonl").records())


SENT = {"sent": {"seq": 0, "kind": "expense", "marker": "m0", "value": "1.00 fuel", "at_s": 1.0}}
ACKED = {"acked": {"seq": 0, "at_s": 1.5, "row_id": None}}
HEADER = {
    "anchor": {"monotonic_s": 1.0, "wall_s": 1.7e9},
    "rate_hz": 1.0,
    "first_due_s": 1.0,
    "timeout_s": 1.0,
    "journeys": {"health": 1},
}
SAMPLE = {
    "tick": 0,
    "due_s": 1.0,
    "sent_s": 1.0,
    "latency_ms": 3.0,
    "journey": "health",
    "ok": True,
    "why": "",
    "status": 200,
    "release": None,
}
LINES: list[dict[str, Any]] = [SENT, ACKED, HEADER, SAMPLE, {"end": {"reason": ""}}]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A line of one of the records with something else in one of its places."""
    line = json.loads(json.dumps(draw(st.sampled_from(LINES))))
    place = line
    while True:
        key = draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    if draw(st.booleans()):
        place[key] = draw(VALUES)
    else:
        del place[key]
    return json.dumps(line).encode()


FOREIGN = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"[" * 5000,
            b'{"a":' * 5000,
            b'{"sent":{"seq":' + b"9" * 5000 + b',"kind":"expense","marker":"m","value":"v","at_s":1.0}}',
            b'{"acked":{"seq":0,"at_s":' + b"9" * 400 + b'.0,"row_id":null}}',
            b'{"sent":{"seq":0,"kind":"expense","marker":"m","value":"v","at_s":NaN}}',
            b'{"sent":1,"sent":2}',
            b"\xff\xfe",
            b"\r",
        ]
    ),
)
RECORDS = st.lists(
    st.one_of(st.sampled_from(LINES).map(lambda line: json.dumps(line).encode()), spoilt(), FOREIGN), max_size=6
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(lines=RECORDS, torn=st.integers(0, 40))
def test_a_damaged_record_is_one_clear_error(tmp_path: Path, lines: list[bytes], torn: int) -> None:
    """Whatever stands in it: it is read, or refused by the one exception that means 'not known', with the name of the file."""
    path = tmp_path / "record.jsonl"
    text = b"".join(line + b"\n" for line in lines)
    path.write_bytes(text[: len(text) - torn] if torn < len(text) else text)

    def whole_timeline() -> object:
        timeline = Timeline(path)
        return timeline.samples(), timeline.end, timeline.anchor.wall(1.0), timeline.settled_s, timeline.rate_hz()

    for read in (lambda: list(LineReader(path).records()), lambda: list(LedgerRecord(path).writes), whole_timeline):
        try:
            read()
        except MeasurementFailed as refused:
            assert str(path) in str(refused) or "the record is" in str(refused) or "ledger's record" in str(refused)  # noqa: PT017


def test_a_line_without_an_end_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another kind, or a torn one of any length, takes no more memory than the longest line."""
    monkeypatch.setattr(jsonl, "_LINE_BYTES_MAX", 1 << 20)
    path = tmp_path / "record.jsonl"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(
            MeasurementFailed, match=r"line 1: expected a line of at most 1048576 bytes, found no end of it"
        ):
            list(LineReader(path).records())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 16 << 20
