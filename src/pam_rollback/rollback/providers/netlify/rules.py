"""What Netlify's words for the state of a deploy mean (the filter ``state`` of its OpenAPI document)."""

from pam_rollback.rollback.rules.deploys import READY, Rules

PRODUCTION = "production"
_WAITING = ("new", "pending_review", "accepted", "enqueued", "retrying")
_WORKING = ("building", "uploading", "uploaded", "preparing", "prepared", "processing", "processed")
NETLIFY = Rules(
    "Netlify",
    frozenset({READY, "old"}),
    lambda deploy: deploy.finished_at is not None,
    PRODUCTION,
    under_way=frozenset({*_WAITING, *_WORKING}),
)
"""A deploy that was never published has no ``published_at``."""
