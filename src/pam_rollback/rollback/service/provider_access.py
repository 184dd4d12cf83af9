"""The clients of an environment's providers, for fixtures and for undoing, which has none."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.product.client.served_release import ServedApi, ServedSite, page_of_deploy
from pam_rollback.product.rules.contract import BACKEND, Site
from pam_rollback.product.rules.served_release import Served, Wanted
from pam_rollback.rollback.client.git_command import GitCommand
from pam_rollback.rollback.client.release_marks import MarkedApi
from pam_rollback.rollback.providers.github.github import GitHubPulls, github_api
from pam_rollback.rollback.providers.netlify.netlify import NetlifySite, netlify_api
from pam_rollback.rollback.providers.render.render_api import render_api
from pam_rollback.rollback.providers.render.render_deploys import RenderDeploys
from pam_rollback.rollback.rules.deploys import Deploy


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


def pull_requests(environment: Environment, waiter: Waiter) -> GitHubPulls | None:
    """Who takes changes to a branch that takes no pushes; None where nobody says. Raises ActionFailed without a token."""
    if environment.github is None:
        return None
    if not environment.has_secret("git_token"):
        raise ActionFailed("[github] needs the token of [secrets] git_token_env: name its variable, and export it")
    return GitHubPulls(
        github_api(environment.github, environment.secret("git_token"), waiter=waiter), environment.github
    )


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


def marked_api(environment: Environment) -> MarkedApi | None:
    """What tells releases of the back end apart; None where its answers name one."""
    contract = environment.contract
    if contract.health[BACKEND].names_release:
        return None
    urls = {site: str(getattr(environment.urls, site)) for site in get_args(Site)}
    marks = [mark for mark in contract.marks if urls[mark.site]]
    return MarkedApi(marks, urls, environment.probing.request_deadline_s)


def worker_hosts(environment: Environment, waiter: Waiter) -> tuple[RenderDeploys, ...]:
    """The other services that a deploy of the back end covers, in the order of the environment's file."""
    services = environment.render.workers if environment.render is not None else ()
    return tuple(service_host(environment, service, waiter) for service in services)


def service_host(environment: Environment, service_id: str, waiter: Waiter) -> RenderDeploys:
    """Another service of the same account. Raises ActionFailed where the environment has none."""
    return other_service(api_host(environment, waiter), service_id)


def other_service(api: RenderDeploys, service_id: str) -> RenderDeploys:
    """Another service of the account that ``api`` is in."""
    return replace(api, settings=api.settings.model_copy(update={"service_id": service_id, "workers": ()}))


def served_api(environment: Environment) -> ServedApi:
    """What clients get."""
    return ServedApi(environment.url_of("version"), environment.probing.request_deadline_s)
