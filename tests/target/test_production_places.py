"""A file of kind staging at production's addresses, in every spelling."""

from pathlib import Path
from typing import Any

import pytest

from pam_rollback.target.environment_file import load_environment, production_shared
from pam_rollback.target.named_addresses import shared_places
from tests.target.declared_environments import COMMITTED, EXAMPLES, ROOT, folder, running

__all__ = ["folder"]

PRODUCTION = {
    "kind": "production",
    "urls": {"frontend": "https://example.com", "api": "https://api.example.com", "backend": "https://10.1.2.3"},
    "netlify": {"site_id": "0a1b"},
    "render": {"service_id": "srv-1"},
    "backend_host": {"api_url": "https://pier.example.org/v1", "id": "pam"},
    "statuspage": {"page_id": "p1"},
    "git": {"remote": "https://github.com/Shop/pam.git", "branch": "release"},
    "load": {"stable_api": "https://xn--bcher-kva.example"},
}


def shared(**tables: dict[str, Any]) -> list[str]:
    """Which keys of a staging file are production's."""
    lines = shared_places({"kind": "staging", **tables}, PRODUCTION, "environments/production.toml")
    assert all("is production's (environments/production.toml); a file of kind staging" in line for line in lines)
    return [line.partition(":")[0] for line in lines]


@pytest.mark.parametrize(
    "address",
    [
        *("https://api.example.com", "https://API.Example.Com", "https://api.example.com.", "http://api.example.com"),
        *("https://api.example.com:443", "https://api.example.com:8443/v1", "https://ann@api.example.com"),
        *("https://www.example.com", "https://10.1.2.3", "https://[::ffff:10.1.2.3]", "https://167838211"),
        *(
            "https://0xa.0x1.0x2.0x3",
            "https://bücher.example",
            "https://BÜCHER.example.",
            "https://XN--BCHER-KVA.example",
        ),
    ],
)
@pytest.mark.parametrize("key", ["frontend", "api", "backend"])
def test_every_spelling_is_the_same_place(address: str, key: str) -> None:
    """Wherever it stands."""
    assert shared(urls={key: address}) == [f"[urls] {key}"]


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"netlify": {"site_id": "0a1b"}}, "[netlify] site_id"),
        ({"render": {"service_id": "srv-1"}}, "[render] service_id"),
        ({"backend_host": {"api_url": "https://Pier.example.org", "id": "pam"}}, "[backend_host] id"),
        ({"statuspage": {"page_id": "p1"}}, "[statuspage] page_id"),
        ({"load": {"stable_api": "https://example.com"}}, "[load] stable_api"),
        ({"git": {"remote": "git@GitHub.com:shop/pam", "branch": "release"}}, "[git] remote, branch"),
        ({"git": {"remote": "ssh://git@github.com:22/shop/pam.git", "branch": "release"}}, "[git] remote, branch"),
    ],
)
def test_what_a_rollback_would_change_is_compared_too(tables: dict[str, Any], key: str) -> None:
    """The site, the service, the page, and the branch that deploys."""
    assert shared(**tables) == [key]


@pytest.mark.parametrize(
    "tables",
    [
        {"urls": {"frontend": "https://staging.example.com", "api": "https://10.1.2.4"}},
        {"urls": {"status_page": "https://example.com"}},
        {"git": {"remote": "https://github.com/Shop/pam.git"}},
        {"netlify": {"site_id": "other", "api_url": "https://api.netlify.com/api/v1"}},
        {"backend_host": {"api_url": "https://pier.example.org", "id": "pam-staging"}},
        {"backend_host": {"api_url": "https://quay.example.org", "id": "pam"}},
        {"urls": 3, "load": {"stable_api": 3}},
    ],
)
def test_what_may_be_shared_is_let_pass(tables: dict[str, Any]) -> None:
    """A repository with another branch, a provider's API, a page that is only read."""
    assert shared(**tables) == []


def test_on_this_machine_ports_tell_places_apart() -> None:
    """Two sandboxes play staging and production in the tests."""
    here = {"kind": "production", "urls": {"api": "http://127.0.0.1:4002"}}

    assert shared_places({"urls": {"api": "http://127.0.0.1:4003"}}, here, "p.toml") == []
    assert len(shared_places({"urls": {"api": "http://127.0.0.1:4002/x"}}, here, "p.toml")) == 1


def test_the_committed_staging_is_another_place() -> None:
    """As it is delivered."""
    assert (
        production_shared(load_environment(str(EXAMPLES / "staging.toml"), COMMITTED, {}), ROOT / "environments") == []
    )


def test_any_file_of_kind_production_is_production(folder: Path) -> None:
    """Whatever it is called; the sandbox is asked by its token instead."""
    (folder / "prod-eu.toml").write_text('kind = "production"\n[urls]\napi = "https://API.staging.example.com"\n')
    staging = load_environment(
        "staging", folder, {"STAGING_ADMIN_TOKEN": "t-o-k-e-n", "STAGING_SLACK": "https://h.example/x"}
    )

    (line,) = production_shared(staging, folder)
    assert line.startswith("[urls] api: https://api.staging.example.com/ is production's")
    assert "prod-eu.toml" in line
    assert production_shared(load_environment(str(running(folder)), folder, {}), folder) == []
