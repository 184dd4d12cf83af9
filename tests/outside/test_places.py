"""How a command of the suite is typed: in a checkout, and where a wheel is installed."""

import pytest

from pam_rollback.outside import places


def test_a_command_is_named_as_it_works_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no make in the product's repository that knows the suite."""
    assert places.command("incident RUN=r", "postmortem r") == "make incident RUN=r"

    monkeypatch.setattr(places, "IS_CHECKOUT", False)

    assert places.command("report") == "pam-rollback run report"
    assert places.command("incident RUN=r", "postmortem r") == "pam-rollback run postmortem r"
