"""What Render's words for the state of a deploy mean."""

from pam_rollback.rollback.rules.deploys import WERE_LIVE, Rules

RENDER = Rules(
    "Render",
    WERE_LIVE,
    lambda deploy: deploy.state in WERE_LIVE,
    under_way=frozenset({"created", "queued", "build_in_progress", "update_in_progress", "pre_deploy_in_progress"}),
    ours=frozenset({"rollback", "api"}),
)
"""``deactivated`` was live and was replaced. Whether its build is still kept, only a rollback tells."""
