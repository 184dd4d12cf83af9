"""Site, service and branch by the hosts' own word: found by their addresses, or named with what there is."""

import json
from functools import partial
from typing import Any

import pytest

from pam_rollback.base.errors import ProviderError
from pam_rollback.connect.client.hosts import seen_at, workers_at
from pam_rollback.connect.rules.found import Found, Site, Where
from pam_rollback.environment.hosts import NETLIFY, RENDER
from pam_rollback.rollback.rules.hosts_seen import NotFound
from tests.recording_server import recording_server

SITE = {
    "id": "5f0c0ffe-0000-0000-0000-000000000000",
    "name": "wheels",
    "ssl_url": "https://wheels.example.org",
    "custom_domain": "www.example.org",
    "build_settings": {
        "repo_url": "https://git.example.org/wheels/pam",
        "repo_branch": "main",
        "cmd": "npm run build:netlify",
        "dir": "dist",
    },
}
SERVICE = {
    "id": "srv-abc123",
    "name": "pam-backend",
    "ownerId": "tea-abc123",
    "repo": "https://git.example.org/wheels/pam",
    "branch": "production",
    "serviceDetails": {"url": "https://pam-backend.onrender.example"},
}
WORKER = {**SERVICE, "id": "srv-worker1", "name": "pam-celery", "type": "background_worker", "serviceDetails": {}}
OTHER = {"id": "srv-other", "name": "worker", "serviceDetails": {}}

at_netlify, at_render = partial(seen_at, NETLIFY), partial(seen_at, RENDER)


def answered(document: Any) -> bytes:
    """What a host says."""
    return json.dumps(document).encode()


@pytest.mark.parametrize("frontend", ["https://wheels.example.org", "https://www.example.org", "https://example.org"])
def test_the_site_is_found_by_its_addresses(frontend: str) -> None:
    """By its own and by the custom domain, with and without www."""
    with recording_server(answered([{"id": "x", "name": "other", "url": "https://other.example"}, SITE])) as netlify:
        found = at_netlify("invented-token", frontend, api_url=netlify.url)

    assert (found.id, found.branch, found.build_command) == (SITE["id"], "main", "build:netlify")
    assert (found.remote, found.publish_folder) == ("https://git.example.org/wheels/pam", "dist")
    assert netlify.changing == []


def test_the_service_is_found_by_its_address() -> None:
    """Among those of the key."""
    with recording_server(answered([{"service": OTHER}, {"service": SERVICE, "cursor": "c"}])) as render:
        found = at_render("invented-key", "https://pam-backend.onrender.example", api_url=render.url)

    assert (found.id, found.owner, found.branch) == ("srv-abc123", "tea-abc123", "production")
    assert render.changing == []


def test_workers_are_what_a_push_deploys_too() -> None:
    """Of the same repository and branch, without an address; not the service itself, a schedule, another branch or one that rests."""
    others = [
        {**SERVICE, "type": "web_service"},
        {**WORKER, "id": "srv-staging", "branch": "staging"},
        {**WORKER, "id": "srv-elsewhere", "repo": "https://git.example.org/wheels/other"},
        {**WORKER, "id": "srv-resting", "suspended": "suspended"},
        {**WORKER, "id": "crn-nightly", "type": "cron_job"},
    ]
    with recording_server(answered([{"service": one} for one in (*others, WORKER)])) as render:
        service = at_render("invented-key", "https://pam-backend.onrender.example", api_url=render.url)
        workers = workers_at(RENDER, "invented-key", service, api_url=render.url)

    assert workers == ("srv-worker1",)


def test_what_is_not_there_is_named_with_what_is() -> None:
    """So that somebody can say which."""
    with recording_server(answered([SITE])) as netlify, pytest.raises(NotFound) as site:
        at_netlify("invented-token", "https://elsewhere.example", api_url=netlify.url)
    with recording_server(answered([{"service": OTHER}])) as render, pytest.raises(NotFound) as service:
        at_render("invented-key", "https://elsewhere.example", api_url=render.url)

    assert "wheels (5f0c0ffe-0000-0000-0000-000000000000)" in str(site.value)
    assert "worker (srv-other)" in str(service.value)


def test_an_id_goes_before_addresses() -> None:
    """Whoever names one knows better."""
    with recording_server(answered([SITE])) as netlify:
        found = at_netlify("invented-token", "https://elsewhere.example", str(SITE["id"]), api_url=netlify.url)
    with recording_server(answered(SERVICE)) as render:
        service = at_render("invented-key", "https://else.example", "srv-abc123", api_url=render.url)

    assert found.id == SITE["id"]
    assert render.asked == ["GET /services/srv-abc123"]
    both = Found(Where("", "", ""), Site("", (), (), (), 0), {}, {}, hosted={"render": service, "netlify": found})
    assert (both.repository["branch"], service.id, found.api_url) == ("main", "srv-abc123", netlify.url)


def test_nonsense_is_an_error_of_the_host() -> None:
    """Not an empty list."""
    with recording_server(b"<html>", content_type="text/html") as netlify, pytest.raises(ProviderError):
        at_netlify("invented-token", "https://www.example.org", api_url=netlify.url)
    answers: list[Any] = [{"services": []}, [{"name": "no service"}]]
    for nonsense in answers:
        with recording_server(answered(nonsense)) as render, pytest.raises(ProviderError):
            at_render("invented-key", "https://www.example.org", api_url=render.url)
