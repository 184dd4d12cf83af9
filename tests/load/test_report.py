"""The picture of a load test, made of written-out records."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pam_rollback.redeploy.load.record import LoadRecord
from pam_rollback.redeploy.load.report import write_load_report
from tests.load.records import LIMITS, failed, never_sent, steady

_SVG = "{http://www.w3.org/2000/svg}"


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
    """When everything went wrong the picture is wanted most; the limits stand in it as text."""
    pictures = write_load_report(record, LIMITS, folder=tmp_path)

    for picture in pictures:
        drawn = ET.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 - our own
        assert "limit of p95: 500 ms" in "".join("".join(text.itertext()) for text in drawn.iter(f"{_SVG}text"))
    assert bool(pictures) == bool(record.requests)
