"""What is written in an environment, and where."""

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.ledger.rules.ledger_config import LedgerConfig, Place
from pam_rollback.ledger.rules.written_kinds import not_written, weights_of
from pam_rollback.observation.rules.probed_journeys import sign_in_of


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
