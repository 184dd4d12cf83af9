"""The hosts' own word about the site, the service, the repository and the branch; each knows itself how it is asked."""

from dataclasses import replace

from pam_rollback.connect.rules.found import Hosted
from pam_rollback.environment.hosts import NETLIFY, RENDER
from pam_rollback.rollback.service.provider_access import looking_at


def at_netlify(token: str, frontend: str, *, site_id: str = "", api_url: str = NETLIFY.api_url) -> Hosted:
    """The site whose address is the front end's. Raises NotFound, or ProviderError."""
    seen = looking_at("netlify").look(token, frontend, site_id=site_id, api_url=api_url)
    return Hosted(
        netlify_site=seen.id,
        netlify_api="" if api_url == NETLIFY.api_url else api_url,
        remote=seen.remote,
        branch=seen.branch,
        build_command=seen.build_command,
        frontend_folder=seen.frontend_folder,
        publish_folder=seen.publish_folder,
    )


def at_render(key: str, backend: str, *, service_id: str = "", api_url: str = RENDER.api_url) -> Hosted:
    """The service whose address is the back end's, or the one of that id. Raises NotFound, or ProviderError."""
    seen = looking_at("render").look(key, backend, service_id=service_id, api_url=api_url)
    return Hosted(
        render_service=seen.id,
        render_owner=seen.owner,
        render_api="" if api_url == RENDER.api_url else api_url,
        remote=seen.remote,
        branch=seen.branch,
    )


def workers_at_render(key: str, service: Hosted, *, api_url: str = RENDER.api_url) -> tuple[str, ...]:
    """The other services that a push deploys with this one. Raises ProviderError."""
    found: tuple[str, ...] = looking_at("render").beside(key, service.render_service, service.source, api_url=api_url)
    return found


def together(netlify: Hosted, render: Hosted) -> Hosted:
    """What both say; of the repository the front end's host knows more."""
    return replace(
        netlify,
        render_service=render.render_service,
        render_owner=render.render_owner,
        render_api=render.render_api,
        render_workers=render.render_workers,
        remote=netlify.remote or render.remote,
        branch=netlify.branch or render.branch,
    )
