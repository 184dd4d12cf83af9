"""Large attachments lie beside the evidence, once, with a link; small ones and everything else stay as they are."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pam_rollback.report.attachments_beside import FOLDER, LARGEST_INSIDE_BYTES, staged

LARGE = b"x" * (LARGEST_INSIDE_BYTES + 1)


def results(tmp_path: Path, files: Mapping[str, bytes | dict[str, Any]]) -> Path:
    """A folder of results."""
    folder = tmp_path / "allure-results"
    folder.mkdir()
    for name, body in files.items():
        path = folder / name
        path.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
    return folder


def test_large_ones_are_beside_and_equal_ones_once(tmp_path: Path) -> None:
    """Of a test, of a step in it, and of a fixture whose test it is."""
    test: dict[str, Any] = {
        "uuid": "t1",
        "description": "All is well.",
        "attachments": [{"name": "note", "source": "s-attachment.txt"}],
        "steps": [{"attachments": [{"name": "trace [1]", "source": "a-attachment.zip"}]}],
    }
    container: dict[str, Any] = {
        "children": ["t1"],
        "befores": [{"attachments": [{"name": "record", "source": "b-attachment.zip"}]}],
    }
    folder = results(
        tmp_path,
        {
            "t1-result.json": test,
            "c1-container.json": container,
            "a-attachment.zip": LARGE,
            "b-attachment.zip": LARGE,
            "s-attachment.txt": b"short",
            "environment.properties": b"a=b",
        },
    )
    work, report = tmp_path / "work", tmp_path / "report"
    work.mkdir()

    copy = staged(folder, work, report)

    (only,) = (report / FOLDER).iterdir()
    assert only.read_bytes() == LARGE
    found = json.loads((copy / "t1-result.json").read_text())
    assert found["attachments"] == test["attachments"]
    assert found["steps"][0]["attachments"] == []
    assert found["description"].startswith("All is well.\n\n")
    assert f"[trace 1](../{FOLDER}/{only.name}) (32 KB)" in found["description"]
    assert f"[record](../{FOLDER}/{only.name}) (32 KB)" in found["description"]
    assert json.loads((copy / "c1-container.json").read_text())["befores"][0]["attachments"] == []
    assert {path.name for path in copy.iterdir()} == {
        "t1-result.json",
        "c1-container.json",
        "s-attachment.txt",
        "environment.properties",
    }
    assert json.loads((folder / "t1-result.json").read_text()) == test  # the results themselves are as they were


def test_text_is_compressed(tmp_path: Path) -> None:
    """A prober's record is a megabyte of text."""
    test: dict[str, Any] = {"uuid": "t1", "attachments": [{"name": "probes", "source": "p-attachment.jsonl"}]}
    folder = results(tmp_path, {"t1-result.json": test, "p-attachment.jsonl": LARGE})
    work = tmp_path / "work"
    work.mkdir()

    staged(folder, work, tmp_path / "report")

    (only,) = (tmp_path / "report" / FOLDER).iterdir()
    assert only.name.endswith(".jsonl.gz")
    assert gzip.decompress(only.read_bytes()) == LARGE


def test_what_is_small_stays_inside(tmp_path: Path) -> None:
    """Nothing is beside the report, and nothing is changed."""
    test: dict[str, Any] = {"uuid": "t1", "attachments": [{"name": "note", "source": "s-attachment.txt"}]}
    folder = results(tmp_path, {"t1-result.json": test, "s-attachment.txt": b"short", "c-container.json": {}})
    work = tmp_path / "work"
    work.mkdir()

    copy = staged(folder, work, tmp_path / "report")

    assert not (tmp_path / "report").exists()
    assert json.loads((copy / "t1-result.json").read_text()) == test
    assert (copy / "c-container.json").is_file()


def test_what_the_runs_folder_has_is_not_copied(tmp_path: Path) -> None:
    """The link leads to it; what differs from it by a byte is copied, and so is all of another run."""
    test: dict[str, Any] = {
        "uuid": "t1",
        "attachments": [
            {"name": "probes", "source": "p-attachment.jsonl"},
            {"name": "other", "source": "o-attachment.jsonl"},
        ],
    }
    folder = results(
        tmp_path, {"t1-result.json": test, "p-attachment.jsonl": LARGE, "o-attachment.jsonl": LARGE + b"y"}
    )
    own = tmp_path / "after it" / "timeline.jsonl"
    own.parent.mkdir()
    own.write_bytes(LARGE)
    work = tmp_path / "work"
    work.mkdir()

    copy = staged(folder, work, tmp_path / "report")

    (copied,) = (tmp_path / "report" / FOLDER).iterdir()
    assert gzip.decompress(copied.read_bytes()) == LARGE + b"y"
    assert "[probes](../../after%20it/timeline.jsonl) (32 KB)" in (copy / "t1-result.json").read_text()
    (tmp_path / "elsewhere").mkdir()
    staged(folder, tmp_path / "elsewhere", tmp_path / "elsewhere" / "report")
    assert len(list((tmp_path / "elsewhere" / "report" / FOLDER).iterdir())) == 2


def test_links_lead_to_pages_that_are_elsewhere(tmp_path: Path) -> None:
    """A page within a description runs no script, so nothing there could lead on. Other links stay."""
    said = "Red: [here](../runbook.html#data-loss), [there](../fault-matrix.html#x)."
    folder = results(tmp_path, {"t1-result.json": {"uuid": "t1", "description": said}})
    work = tmp_path / "work"
    work.mkdir()

    copy = staged(folder, work, tmp_path / "report", {"runbook.html": "../../../common/runbook-1.html"})

    found = json.loads((copy / "t1-result.json").read_text())["description"]
    assert found == "Red: [here](../../../common/runbook-1.html#data-loss), [there](../fault-matrix.html#x)."
