"""The page, the table and the pictures of a load test, made of written-out records."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pam_rollback.load.record import LoadRecord
from pam_rollback.load.report import write_load_report
from tests.load.records import LIMITS, failed, never_sent, steady

_SVG = "{http://www.w3.org/2000/svg}"


def words(picture: str) -> str:
    """What stands in a picture as text, so that it can be searched and read aloud."""
    return " ".join("".join(text.itertext()) for text in ET.fromstring(picture).iter(f"{_SVG}text"))  # noqa: S314 - our own


@pytest.mark.parametrize(
    "record",
    [
        steady(lambda _: failed("<nonsense>")),
        steady(lambda _: never_sent()),
        replace(steady(), requests=()),
        steady(duration_s=1),
    ],
    ids=["all failed", "nothing sent", "no request", "one second"],
)
def test_a_bad_run_has_its_report_too(record: LoadRecord, tmp_path: Path) -> None:
    """When everything went wrong the page is wanted most; what a service answers is text in it."""
    files = write_load_report(record, LIMITS, host="example.com", folder=tmp_path)

    page = (tmp_path / "load.html").read_text(encoding="utf-8")
    assert "error rate under load" in page
    assert "<nonsense>" not in page
    assert all(file.is_file() for file in files)
