"""The components of the plan's product, for tests that are about something else."""

from typing import Any

from pam_rollback.product.rules.contract import Component

HEALTHY = {"json": "/status", "equals": "healthy"}


def usual(title: str = "the database", **others: Any) -> Component:
    """A component whose answer says healthy with HTTP 200, as the plan asks."""
    given = {"item": "HC-3", "title": title, "site": "api", "path": "/health/db", "conditions": [HEALTHY]}
    return Component.model_validate({**given, **others})
