"""GitHub, where a protected main takes pull requests only."""

from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.service_settings import GitHub
from pam_rollback.rollback.providers.github.github import GitHubPulls, github_api


def pulls(environment: Environment, settings: GitHub, waiter: Waiter) -> GitHubPulls:
    """Those of the environment's repository."""
    return GitHubPulls(github_api(settings, environment.secret("git_token"), waiter=waiter), settings)
