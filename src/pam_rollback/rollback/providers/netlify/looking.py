"""The site at an address, as Netlify tells of it; only reading calls."""

from collections.abc import Mapping
from typing import Any

from pam_rollback.environment.hosts import Netlify
from pam_rollback.outside.provider import is_at
from pam_rollback.rollback.providers.netlify.netlify import netlify_api
from pam_rollback.rollback.rules.hosts_seen import HostSeen, NotFound, listed

_PAGE = "100"


def look(token: str, address: str, named: str, *, api_url: str) -> HostSeen:
    """The site whose address it is, or the one of the id ``named``. Raises NotFound, or ProviderError."""
    api = netlify_api(Netlify(api_url=api_url), token, patience_s=0)
    operation = "list the sites (listSites)"
    answer = api.ask(operation, "/sites", query=(("per_page", _PAGE),))
    sites: list[Mapping[str, Any]] = [site.document for site in api.told_list(operation, answer, "a site")]
    meant = (
        one
        for one in sites
        if (str(one.get("id")) == named if named else is_at(one, address, ("ssl_url", "url", "custom_domain")))
    )
    site = next(meant, None)
    if site is None:
        raise NotFound(
            f"no site of this token answers at {address}; it has {listed(sites, 'site')}. Say --netlify-site ID"
        )
    built = site.get("build_settings")
    settings: Mapping[str, Any] = built if isinstance(built, dict) else {}
    command = str(settings.get("cmd") or "")
    return HostSeen(
        str(site.get("id") or ""),
        remote=str(settings.get("repo_url") or ""),
        branch=str(settings.get("repo_branch") or ""),
        build_command=command.removeprefix("npm run ") if command.startswith("npm run ") else "",
        frontend_folder=str(settings.get("base") or ""),
        publish_folder=str(settings.get("dir") or ""),
    )
