"""The page, the table and the pictures of a load test, made of written-out records."""

import csv
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pam_rollback.load.record import LoadRecord
from pam_rollback.load.report import latency_picture, seconds_csv, write_load_report
from tests.load.records import LIMITS, both, failed, never_sent, steady

_SVG = "{http://www.w3.org/2000/svg}"


def words(picture: str) -> str:
    """What stands in a picture as text, so that it can be searched and read aloud."""
    return " ".join("".join(text.itertext()) for text in ET.fromstring(picture).iter(f"{_SVG}text"))  # noqa: S314 - our own


def test_the_picture_says_what_it_shows() -> None:
    """Axes with their units, both releases, and the limits."""
    over_time = words(latency_picture(both(), LIMITS))

    for text in (
        "seconds since the start",
        "p50 candidate",
        "p95 stable",
        "limit of p95: 500 ms",
        "limit of p99: 1000 ms",
    ):
        assert text in over_time


@pytest.mark.parametrize(
    "record",
    [steady(lambda _: failed()), steady(lambda _: never_sent()), replace(steady(), requests=()), steady(duration_s=1)],
    ids=["all failed", "nothing sent", "no request", "one second"],
)
def test_a_bad_run_has_its_report_too(record: LoadRecord, tmp_path: Path) -> None:
    """When everything went wrong the page is wanted most."""
    files = write_load_report(record, LIMITS, [("LG-3", "errors <everywhere>")], host="example.com", folder=tmp_path)

    assert "errors &lt;everywhere&gt;" in (tmp_path / "load.html").read_text(encoding="utf-8")
    assert all(file.is_file() for file in files)


def test_the_table_has_every_second_of_every_release() -> None:
    """An outage is seen in it: what was asked, sent, answered and failed, and no time where nothing was answered."""
    record = both(candidate=lambda at_s: failed() if 10 <= at_s < 12 else {})
    rows = list(csv.DictReader(seconds_csv(record, LIMITS).splitlines()))
    dark = [row for row in rows if row["target"] == "candidate" and row["second"] in {"10", "11"}]

    assert len(rows) == 120
    assert [(row["sent"], row["answered_well"], row["failed"], row["p95_ms"]) for row in dark] == [
        ("20", "0", "20", "")
    ] * 2
    assert {row["asked_hz"] for row in rows} == {"20"}


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """No script and no address: it opens from a mail, years later."""
    write_load_report(steady(), LIMITS, [], host="example.com", folder=tmp_path)
    page = (tmp_path / "load.html").read_text(encoding="utf-8")

    assert "<script" not in page
    assert page.count("<svg") == 1
    assert not [link for link in page.split('href="')[1:] if not link.startswith("#")]
