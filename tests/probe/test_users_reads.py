"""What users read, asked once of each part: what nobody asked is not known."""

from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe import health as service
from pam_rollback.probe.health import UsersReads, read_as_users
from pam_rollback.target.pam_api import Account
from tests.probe.test_probed_journeys import READS, staging


def read(monkeypatch: pytest.MonkeyPatch, environment: Any, wrong: str = "") -> UsersReads:
    """Each part that is asked answers like this."""
    answer = Answer("GET", "https://api.prelive.example.org/", 200, "application/json", b"{}", 1.0)
    monkeypatch.setattr(service, "signed_in", lambda _: Account("user", "token"))
    monkeypatch.setattr(service, "_read", lambda *_: answer)
    monkeypatch.setattr(service, "_wrong", lambda *_: wrong)
    return read_as_users(environment)


def test_a_part_that_nothing_asks_is_not_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a decision, also where the others were answered; one that is bad decides."""
    assert read(monkeypatch, staging(tmp_path)).bad == {}

    no_browser = staging(tmp_path, weights='weights = { "as a browser" = 0 }')
    with pytest.raises(MeasurementFailed, match="as a browser asks: everything that asks it has the weight 0"):
        _ = read(monkeypatch, no_browser).bad
    assert read(monkeypatch, no_browser, wrong="HTTP 500").bad


def test_without_any_read_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is no good answer."""
    nothing = ", ".join(f'"{name}" = 0' for name in ("as a browser", *READS))
    with pytest.raises(MeasurementFailed, match="back end: everything that asks it has the weight 0"):
        _ = read(monkeypatch, staging(tmp_path, weights=f"weights = {{ {nothing} }}")).bad
    with pytest.raises(MeasurementFailed, match="nothing that users read could be asked"):
        _ = UsersReads({}).bad
