"""What the ledger asks of the product: known before anything is sent."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pam_rollback.environment.environment import Environment
from pam_rollback.ledger.rules.ledger_writes import WriteKind
from pam_rollback.ledger.rules.written_kinds import weights_of
from pam_rollback.ledger.service.configuring import ROUNDS, in_window
from pam_rollback.observation.service.asked import hosts_of_the_api
from pam_rollback.product.rules.limits import Asks, Steady

_MINUTE_S = 60.0
_WRITTEN: Mapping[WriteKind, str] = {
    WriteKind.EXPENSE: "expenses",
    WriteKind.CHAT: "chat",
    WriteKind.SETTING: "settings",
}


def asked(environment: Environment, rate_hz: float) -> Asks:
    """What it writes over and over. A drill on a sandbox bothers nobody."""
    if environment.kind == "sandbox" or "test_account" not in environment.abilities:
        return Asks()
    return _steady(environment, weights_of(environment.contract), rate_hz)


def asked_in_window(environment: Environment, duration_s: float) -> Asks:
    """What it writes while a window is open and reads again, and what it asks of PAM."""
    if "test_account" not in environment.abilities:
        return Asks()
    config = in_window(environment, duration_s=duration_s)
    # What is written is read as often, at the same place or beside it.
    asked = _steady(environment, config.weights, 2 * config.rate_hz)
    questions = 1 + ROUNDS if WriteKind.CHAT in config.weights else 0
    return asked + Asks(questions=questions)


def _steady(environment: Environment, weights: Mapping[WriteKind, int], rate_hz: float) -> Asks:
    whole = sum(weights.values())
    hosts = hosts_of_the_api(environment)
    urls = (
        (environment.url_of(_WRITTEN[kind]), rate_hz * _MINUTE_S * weight / whole) for kind, weight in weights.items()
    )
    return Asks(
        steady=tuple(
            Steady(urlsplit(url).path, per_minute, token=True)
            for url, per_minute in urls
            if urlsplit(url).netloc in hosts
        )
    )
