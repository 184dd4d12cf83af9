"""How a command of the suite is typed: in a checkout, and where a wheel is installed."""

import pytest

from pam_rollback.outside import places


def test_a_command_is_named_as_it_works_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no make in the product's repository that knows the suite."""
    assert places.command("incident RUN=r", "postmortem r") == "make incident RUN=r"

    monkeypatch.setattr(places, "IS_CHECKOUT", False)

    assert places.command("report") == "pam-rollback run report"
    assert places.command("incident RUN=r", "postmortem r") == "pam-rollback run postmortem r"


COMMANDS = {
    "pytest --undo run --env staging": "pam-rollback --undo run --env staging",
    "look: pytest -m decision --env e": "look: pam-rollback -m decision --env e",
    "take one with 'pytest -m baseline'": "take one with 'pam-rollback -m baseline'",
    "`pytest --markers` lists them": "`pam-rollback --markers` lists them",
    "finish it: pytest drills/test_gradual.py --resume r; put it back: pytest --undo r": (
        "finish it: pam-rollback drills/test_gradual.py --resume r; put it back: pam-rollback --undo r"
    ),
    "pytest drills": "pam-rollback drills",
    "pytest …": "pam-rollback …",
    "usage: python -m pytest [options]": "usage: pam-rollback [options]",
    "ERROR: usage: pytest [options]\npytest: error: unrecognized": (
        "ERROR: usage: pam-rollback [options]\npam-rollback: error: unrecognized"
    ),
    "usage: python -m pam_rollback.alerts [-h]": "usage: pam-rollback run alerts [-h]",
    "python -m pam_rollback.session.forget --yes": "pam-rollback run forget --yes",
    "start it with `make sandbox`, then": "start it with `pam-rollback run sandbox`, then",
    "begin with `make incident`": "begin with `pam-rollback run postmortem`",
}
"""As in a checkout, and where a wheel is installed."""
PROSE = (
    "lost, and without it pytest's own verdict would stand",
    "pytest-playwright -m is not loaded",
    "pytest took /srv for the project",
    "/usr/bin/pytest -m decision",
    "python -m pytest -m decision",
    "run pytest in the project's folder",
    "pytest - the runner - ended",
    "`pytest --pyargs pam_rollback -m decision` does the same",
    "pytest tests/outside",
    "the module pam_rollback.alerts",
    "room to make connect faster; `make lint`",
)
"""No command of a session of ours."""


@pytest.mark.parametrize(("in_a_checkout", "from_a_wheel"), COMMANDS.items())
def test_commands_can_be_copied_where_they_are_shown(
    in_a_checkout: str, from_a_wheel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a checkout nothing changes; what is as it has to be stays so."""
    assert places.as_typed_here(in_a_checkout) == in_a_checkout

    monkeypatch.setattr(places, "IS_CHECKOUT", False)

    assert places.as_typed_here(in_a_checkout) == from_a_wheel
    assert places.as_typed_here(from_a_wheel) == from_a_wheel


@pytest.mark.parametrize("prose", PROSE)
def test_only_commands_change(prose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the program alone, a path, and a word of prose are left."""
    monkeypatch.setattr(places, "IS_CHECKOUT", False)

    assert places.as_typed_here(prose) == prose
