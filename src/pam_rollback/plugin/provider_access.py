"""The clients of an environment's providers, for fixtures and for undoing, which has none."""

from collections.abc import Callable

from pam_rollback.adapters.git_command import GitCommand
from pam_rollback.adapters.netlify import NetlifySite, netlify_api
from pam_rollback.adapters.render_api import render_api
from pam_rollback.adapters.render_deploys import RenderDeploys
from pam_rollback.adapters.served_release import ServedApi, ServedSite, page_of_deploy
from pam_rollback.core.deploys import Deploy
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.served_release import Served, Wanted
from pam_rollback.core.wait import Waiter


def site_host(environment: Environment, waiter: Waiter) -> NetlifySite:
    """The site on Netlify. Raises ActionFailed where the environment has none."""
    if environment.netlify is None:
        raise ActionFailed(f"{environment.name} has no table [netlify]: its front end cannot be rolled back from here")
    api = netlify_api(environment.netlify, environment.secret("netlify_auth_token"), waiter=waiter)
    return NetlifySite(api, environment.netlify)


def api_host(environment: Environment, waiter: Waiter) -> RenderDeploys:
    """The service on Render. Raises ActionFailed where the environment has none."""
    if environment.render is None:
        raise ActionFailed(f"{environment.name} has no table [render]: its back end cannot be rolled back from here")
    api = render_api(environment.render, environment.secret("render_api_key"), waiter=waiter)
    return RenderDeploys(api, environment.render)


def git_command(environment: Environment) -> GitCommand:
    """Git for the product's repository. Raises ActionFailed where the environment has none."""
    if environment.git is None:
        raise ActionFailed(f"{environment.name} has no table [git]: its history cannot be changed from here")
    token = environment.secret("git_token") if environment.has_secret("git_token") else ""
    return GitCommand(environment.git.remote, token)


def site_look(site: ServedSite) -> Callable[[Deploy], Served]:
    """Says what visitors get, held against a deploy: its commit, and the page at its own address."""
    pages: dict[str, str] = {}

    def look(deploy: Deploy) -> Served:
        page = pages.get(deploy.id) or page_of_deploy(deploy.url)
        if page:
            pages[deploy.id] = page  # asked once; where it did not answer, the next look asks again
        return site.look(Wanted(commit=deploy.commit, page_sha256=page))

    return look


def served_site(environment: Environment) -> ServedSite:
    """What visitors get. Only a deploy that publishes a version document names its release; the page tells in any case."""
    version = environment.url_of("frontend_version") if "asset_manifest" in environment.abilities else ""
    return ServedSite(environment.urls.frontend + "/", version, environment.probing.request_deadline_s)


def served_api(environment: Environment) -> ServedApi:
    """What clients get."""
    return ServedApi(environment.url_of("version"), environment.probing.request_deadline_s)
