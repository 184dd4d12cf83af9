"""The emergency call as the strategy speaks of it: one request to the product, and the way past the product when that is what is down."""

from typing import Protocol

from pam_rollback.base.errors import ActionFailed


class ProductDown(ActionFailed):
    """The product gave no answer, or one that says that it is broken: what is asked of it cannot be done by it."""


class EmergencyCall(Protocol):
    """Who takes the one request."""

    def call(self, reason: str, initiated_by: str) -> str:
        """Ask for the emergency rollback; gives what was answered. Raises ProductDown, or ActionFailed when it refuses."""
