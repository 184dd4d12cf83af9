"""Parts that a library can do without are not there while it is loaded, and are there again afterwards."""

import importlib
import sys
from pathlib import Path

import pytest

from pam_rollback.outside.http import left_out


def test_what_is_left_out_is_missing_only_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when loading the library fails."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_part_of_it.py").write_text("", encoding="utf-8")

    with pytest.raises(ImportError, match="a_part_of_it"), left_out("a_part_of_it"):
        importlib.import_module("a_part_of_it")

    assert importlib.import_module("a_part_of_it").__name__ == "a_part_of_it"


def test_what_is_loaded_already_stays() -> None:
    """Somebody else uses it."""
    with left_out("json"):
        assert importlib.import_module("json") is sys.modules["json"]

    assert "json" in sys.modules
