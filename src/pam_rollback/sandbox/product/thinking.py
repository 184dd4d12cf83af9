"""Whoever thinks of PAM's answers, behind a circuit breaker: a model provider that is down is not waited for again and again."""

from __future__ import annotations

from pam_rollback.sandbox.product.assistant import Facts, Reply, reply_to
from pam_rollback.sandbox.product.breaker import OpenCircuitError
from pam_rollback.sandbox.product.services import Services


class ModelUnavailableError(RuntimeError):
    """Whoever thinks of the answers does not answer."""


def think(parts: Services, message: str, facts: Facts) -> Reply:
    """Have an answer thought of; raises ModelUnavailableError, at once when it failed several times a moment ago."""
    try:
        with parts.model.guard(ModelUnavailableError):
            if parts.faults.is_on("model-down"):
                raise ModelUnavailableError("the model provider does not answer")
            return reply_to(message, facts)
    except OpenCircuitError as error:
        raise ModelUnavailableError(str(error)) from error
