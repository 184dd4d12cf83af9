"""Netlify, who publishes the front end."""

from pam_rollback.environment.environment import Environment
from pam_rollback.environment.hosts import Netlify
from pam_rollback.outside.provider import Asking
from pam_rollback.rollback.providers.netlify.netlify import NetlifySite, netlify_api


def host(environment: Environment, asking: Asking) -> NetlifySite:
    """The environment's site."""
    settings, token = environment.netlify or Netlify(), environment.host_token("frontend")
    api = netlify_api(settings, token, deadline_s=asking.deadline_s, patience_s=asking.patience_s, waiter=asking.waiter)
    return NetlifySite(api, settings)
