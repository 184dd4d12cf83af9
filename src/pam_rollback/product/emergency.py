"""The emergency call as the strategy speaks of it: one request to the product, and the way past the product when that is what is down."""

from typing import Protocol

from pam_rollback.base.errors import ActionFailed
from pam_rollback.product.served_release import Served


class ProductDown(ActionFailed):
    """The product gave no answer, or one that says that it is broken: what is asked of it cannot be done by it."""


class EmergencyCall(Protocol):
    """Who takes the one request."""

    def call(self, reason: str, initiated_by: str) -> str:
        """Ask for the emergency rollback; gives what was answered. Raises ProductDown, or ActionFailed when it refuses."""


class OutOfBand(Protocol):
    """Who rolls the back end back without the product's help, through its provider."""

    def roll_back(self, reason: str) -> Served:
        """Do it, and wait until users have the release; gives what they get. Raises ActionFailed."""
