"""What is written in an environment, and where."""

from collections.abc import Mapping

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.open_loop import Steady
from pam_rollback.environment.environment import Environment
from pam_rollback.ledger.ledger_config import NOWHERE, WINDOW_SETTING, LedgerConfig, Place
from pam_rollback.ledger.ledger_writes import WriteKind
from pam_rollback.ledger.window_writes import SEEN_WITHIN_S
from pam_rollback.ledger.written_kinds import kinds_in_window, not_written, weights_of
from pam_rollback.observation.probed_journeys import sign_in_of
from pam_rollback.product.expectation import Expect

ROUNDS = 5
"""So often each kind is written in a window: the last but one falls into its last third."""
_RATE_MAX_HZ = 10.0
_MINUTE_S = 60.0
_WRITTEN_ONCE: Mapping[WriteKind, str] = {
    WriteKind.FORGET: "history",
    WriteKind.PROFILE: "profile",
    WriteKind.TICKET: "tickets",
}


def configured(environment: Environment, rate_hz: float) -> LedgerConfig:
    """The ledger of this environment. Raises MeasurementFailed where its product keeps nothing that could be written."""
    weights = weights_of(environment.contract)
    if not weights:
        raise MeasurementFailed(
            f"the contract of {environment.product} names nothing that is kept and can be written ("
            f"{not_written(environment.contract)}); describe one in products/{environment.product}.toml: "
            "docs/how-to/describe-a-product.md",
            cause="nothing can be written before anything is done: a write that is lost would not be seen",
        )
    return _config(environment, weights, rate_hz)


def steady_of(config: LedgerConfig) -> list[Steady]:
    """What it writes over and over; what is looked for as users read is read as often."""
    places = {WriteKind.EXPENSE: config.expenses, WriteKind.CHAT: config.chat, WriteKind.SETTING: config.settings}
    places |= config.others
    rate = config.rate_hz * _MINUTE_S * (2 if config.seen_within_s else 1) / sum(config.weights.values())
    return [Steady(places[kind].url, rate * weight, token=True) for kind, weight in config.weights.items()]


def in_window(environment: Environment, *, duration_s: float) -> LedgerConfig:
    """Each kind some times while the window is open: questions to PAM cost money. It is looked for as users read."""
    kinds = kinds_in_window(environment.contract)
    config = _config(environment, dict.fromkeys(kinds, 1), min(ROUNDS * len(kinds) / duration_s, _RATE_MAX_HZ))
    expect = Expect(chat=environment.chat_intent, good=environment.chat_good)
    return config.model_copy(
        update={
            "chat": config.chat.model_copy(update={"expect": expect}),
            "history": config.history if environment.contract.operation("chat").kept else NOWHERE,
            "setting_name": WINDOW_SETTING,
            "seen_within_s": SEEN_WITHIN_S,
        }
    )


def when_it_ends(environment: Environment, config: LedgerConfig, *, shared: bool) -> LedgerConfig:
    """Once more each kind, in a session of its own, and what is written once only.

    ``shared``: somebody else works with the account, whose history and tickets stay as they are.
    """
    # The history first: after it something is asked, so that it is not empty for those who look there.
    written = {kind: environment.contract.operation(name).written for kind, name in _WRITTEN_ONCE.items()}
    others = {
        kind: _place(environment, _WRITTEN_ONCE[kind]).model_copy(update={"written": how})
        for kind, how in written.items()
        if how is not None and not (shared and kind in {WriteKind.FORGET, WriteKind.TICKET})
    }
    run = f"{config.run}end"
    weights = dict.fromkeys([*others, *config.weights], 1)
    return config.model_copy(update={"others": others, "weights": weights, "once": True, "run": run})


def _config(environment: Environment, weights: Mapping[WriteKind, int], rate_hz: float) -> LedgerConfig:
    return LedgerConfig(
        sign_in=sign_in_of(environment),
        expenses=_place(environment, "expenses"),
        chat=_place(environment, "chat"),
        history=_place(environment, "history"),
        settings=_place(environment, "settings"),
        rate_hz=rate_hz,
        weights=dict(weights),
        timeout_s=environment.probing.timeout_s,
    )


def _place(environment: Environment, name: str) -> Place:
    operation = environment.contract.operation(name)
    return Place(
        url=environment.url_of(name),
        headers=environment.headers_of(name),
        items=operation.items,
        are_rows=operation.site == "supabase",
    )
