"""Render, who runs the back end."""

from pam_rollback.environment.environment import Environment
from pam_rollback.environment.hosts import Render
from pam_rollback.outside.provider import Asking
from pam_rollback.rollback.host_records import HostRecords
from pam_rollback.rollback.providers.render import render_metrics
from pam_rollback.rollback.providers.render.render_api import RenderApi, render_api
from pam_rollback.rollback.providers.render.render_deploys import RenderDeploys


def host(environment: Environment, asking: Asking) -> RenderDeploys:
    """The environment's service."""
    settings, key = environment.render or Render(), environment.host_token("backend")
    api = render_api(settings, key, deadline_s=asking.deadline_s, patience_s=asking.patience_s, waiter=asking.waiter)
    return RenderDeploys(api, settings)


def records(environment: Environment) -> HostRecords:
    """Return what its metrics tell of the service."""
    settings, deadline_s = environment.render or Render(), environment.probing.request_deadline_s
    sources = render_metrics.sources(RenderApi(settings, environment.host_token("backend"), deadline_s=deadline_s))
    return HostRecords(f"Render, {settings.service_id}", sources, settings.resolution_s, settings.gap_max_s)
