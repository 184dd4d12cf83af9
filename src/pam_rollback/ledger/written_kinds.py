"""Which kinds of writes a product keeps, by its contract: those are written. What it does not keep cannot be lost, and is named."""

from collections.abc import Mapping

from pam_rollback.ledger.ledger_config import WEIGHTS
from pam_rollback.ledger.ledger_writes import WriteKind
from pam_rollback.product.contract import Contract


def weights_of(contract: Contract) -> Mapping[WriteKind, int]:
    """The kinds that are written, and how often each takes its turn. Empty where the product keeps none."""
    without = {kind for kind, _ in _not_written(contract)}
    return {kind: weight for kind, weight in WEIGHTS.items() if kind not in without}


def kinds_in_window(contract: Contract) -> list[WriteKind]:
    """The kinds that are written while a window is open: those, and PAM is asked, too, where nothing of it is kept."""
    asked = {WriteKind.CHAT} if contract.operation("chat").path else set()
    return [kind for kind in WEIGHTS if kind in weights_of(contract) or kind in asked]


def not_written(contract: Contract) -> str:
    """What is not written, and why; empty where all kinds are."""
    return "; ".join(why for _, why in _not_written(contract))


def _not_written(contract: Contract) -> list[tuple[WriteKind, str]]:
    expenses, chat, settings = (contract.operation(name) for name in ("expenses", "chat", "settings"))
    found = []
    if expenses.path is None:
        found.append((WriteKind.EXPENSE, f"expenses: {expenses.no_endpoint}"))
    if chat.path is None or not chat.kept:
        found.append((WriteKind.CHAT, f"messages: {chat.no_endpoint or 'the product keeps nothing of a question'}"))
    if not contract.takes_settings:
        found.append((WriteKind.SETTING, f"settings: {settings.no_endpoint or 'the product takes none of ours'}"))
    return found
