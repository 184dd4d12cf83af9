"""What is written is what the product's contract says is kept and takes; the rest is named."""

from pathlib import Path
from typing import Any

import pytest

from pam_rollback.ledger.ledger_config import WEIGHTS, WriteKind, not_written, weights_of
from pam_rollback.product.contract import Contract
from pam_rollback.product.files import load_contract

PRODUCTS = Path(__file__).parents[3] / "products"
NOTHING_KEPT = "messages: the product keeps nothing of a question"
NO_COLUMN = "settings: the product takes none of ours"


def contract(name: str, **operations: dict[str, Any]) -> Contract:
    """A committed product, with other operations."""
    found = load_contract(PRODUCTS / f"{name}.toml")
    changed = {one: found.operation(one).model_copy(update=facts) for one, facts in operations.items()}
    return found.model_copy(update={"operations": {**found.operations, **changed}})


def test_the_plans_product_keeps_all_kinds() -> None:
    """As often as ever, and nothing is left out."""
    plans = contract("pam-plan")

    assert weights_of(plans) == WEIGHTS
    assert not_written(plans) == ""


def test_todays_product_keeps_expenses() -> None:
    """What is said to PAM is kept nowhere, and its settings have no column for another one."""
    today = contract("pam-today")

    assert weights_of(today) == {WriteKind.EXPENSE: WEIGHTS[WriteKind.EXPENSE]}
    assert not_written(today) == f"{NOTHING_KEPT}; {NO_COLUMN}"


@pytest.mark.parametrize(
    ("name", "operations", "left", "said"),
    [
        ("pam-plan", {"chat": {"kept": False}}, {WriteKind.EXPENSE, WriteKind.SETTING}, NOTHING_KEPT),
        ("pam-plan", {"settings": {"path": None, "no_endpoint": "no more"}}, {"expense", "chat"}, "settings: no more"),
        (
            "pam-today",
            {"expenses": {"path": None, "no_endpoint": "sold"}},
            set(),
            f"expenses: sold; {NOTHING_KEPT}; {NO_COLUMN}",
        ),
    ],
)
def test_what_is_not_kept_is_not_written(name: str, operations: Any, left: set[WriteKind], said: str) -> None:
    """Each kind by itself, down to none at all, with its reason."""
    other = contract(name, **operations)

    assert set(weights_of(other)) == left
    assert not_written(other) == said
