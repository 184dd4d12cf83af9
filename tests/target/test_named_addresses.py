"""The one list of addresses, and what belongs to a sandbox."""

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import AfterValidator, BaseModel

from pam_rollback.core.addresses import server_of, web_address
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.named_addresses import all_addresses, place_of, strangers, web_addresses
from tests.target.declared_environments import RUNNING, SECRET, folder, running

__all__ = ["folder"]

OWN = {
    "frontend": "http://127.0.0.1:4001",
    "api": "http://127.0.0.1:4002",
    "control": "http://127.0.0.1:4003",
    "slack": "http://127.0.0.1:4004",
    "status_page": "http://127.0.0.1:4005",
    "render": "http://127.0.0.1:4006",
    "netlify": "http://127.0.0.1:4007",
    "channels": "http://127.0.0.1:4008",
    "mail": "smtp://127.0.0.1:4009",
    "stable": "http://127.0.0.1:4010",
    "repository": "/tmp/range/repository.git",
    "database": "postgresql://127.0.0.1:5432/x",
    "copy of the database": "postgresql://127.0.0.1:5432/x_copy",
}


GITHUB = '[github]\nrepository = "a/b"\napi_url = "http://127.0.0.1:9"\n[sandbox]\n'
TRACKER = '[tracker]\nrepository = "a/b"\napi_url = "http://127.0.0.1:9"\n[sandbox]\n'
SLACK = '[slack]\nchannel = "C0123ABCD"\napi_url = "http://127.0.0.1:9"\n[sandbox]\n'


def found_in(folder: Path, old: str = "", new: str = "") -> list[str]:
    """What does not belong to the sandbox after one change of its file."""
    assert old in RUNNING
    text = RUNNING.replace(old, new)
    return strangers(all_addresses(load_environment(str(running(folder, text)), folder, {})), OWN)


def test_the_file_that_a_sandbox_wrote_is_its_own(folder: Path) -> None:
    """Every address of it."""
    assert found_in(folder) == []


@pytest.mark.parametrize(
    ("old", "new", "key", "place"),
    [
        ("127.0.0.1:4001", "127.0.0.1:9", "[urls] frontend", "http://127.0.0.1:9"),
        ('api = "http://127.0.0.1:4002', 'api = "http://127.0.0.1:9', "[urls] api", "http://127.0.0.1:9"),
        ('backend = "http://127.0.0.1:4002', 'backend = "http://[::1]:4002', "[urls] backend", "http://[::1]:4002"),
        ("http://127.0.0.1:4005", "https://127.0.0.1:4005", "[urls] status_page", "https://127.0.0.1:4005"),
        ("127.0.0.1:4006", "127.0.0.1:9", "[render] api_url", "http://127.0.0.1:9"),
        ("127.0.0.1:4007", "127.0.0.1:9", "[netlify] api_url", "http://127.0.0.1:9"),
        ("127.0.0.1:4008/v1", "127.0.0.1:9/v1", "[statuspage] api_url", "http://127.0.0.1:9"),
        ('127.0.0.1:4008"', 'localhost:4008"', "[pagerduty] api_url", "http://localhost:4008"),
        ("port = 4009", "port = 25", "[email] host, port", "smtp://127.0.0.1:25"),
        ("/tmp/range/repository.git", "/tmp/other.git", "[git] remote", "/tmp/other.git"),
        ("/tmp/range/repository.git", "git@github.com:a/b.git", "[git] remote", "not shown"),
        ('stable_api = "http://127.0.0.1:4010', 'stable_api = "http://127.0.0.1:9', "[load] stable_api", ":9"),
        ("[sandbox]\n", GITHUB, "[github] api_url", "http://127.0.0.1:9"),
        ("[sandbox]\n", TRACKER, "[tracker] api_url", "http://127.0.0.1:9"),
        ("[sandbox]\n", SLACK, "[slack] api_url", "http://127.0.0.1:9"),
        ("127.0.0.1:4004", "127.0.0.1:9", "[secrets] slack_webhook_env (PAM_SLACK_WEBHOOK_URL)", "http://127.0.0.1:9"),
        ("@127.0.0.1/x_copy", "@db.example.com/x_copy", "[secrets] staging_copy_dsn_env", "db.example.com:5432/x_copy"),
        ('@127.0.0.1/x"', '@127.0.0.1:5433/x"', "[secrets] database_dsn_env", "127.0.0.1:5433/x"),
        ('@127.0.0.1/x"', '@127.0.0.1/x?host=db.example.com"', "[secrets] database_dsn_env", "not shown"),
        ('@127.0.0.1/x"', '@127.0.0.1/x?%68ostaddr=10.0.0.1"', "[secrets] database_dsn_env", "not shown"),
        ('@127.0.0.1/x"', '@127.0.0.1,db.example.com/x"', "[secrets] database_dsn_env", "not shown"),
        ('@127.0.0.1/x"', '@db.example.com@127.0.0.1/x"', "[secrets] database_dsn_env", "not shown"),
    ],
)
def test_each_address_is_seen(folder: Path, old: str, new: str, key: str, place: str) -> None:
    """Its key, where it leads, and what the sandbox has instead; never a password."""
    (line,) = found_in(folder, old, new)

    assert line.startswith(key)
    assert place in line
    assert "it has frontend http://127.0.0.1:4001, api http://127.0.0.1:4002" in line
    assert SECRET not in line


def test_what_is_only_read_may_be_elsewhere(folder: Path) -> None:
    """A Prometheus that scrapes the sandbox is no part of it."""
    more = (
        '[prometheus]\nurl = "http://127.0.0.1:9090"\nrequests = "r"\n[probing]\ncontrol_url = "http://127.0.0.1:9"\n'
    )
    assert found_in(folder, "[sandbox]\n", f"{more}[sandbox]\n") == []


def test_no_address_is_forgotten(folder: Path) -> None:
    """Every field that is a web address stands in the list: who adds one adds it there."""
    listed = {
        one.key.partition(" #")[0] for one in web_addresses(load_environment(str(running(folder)), folder, {}))
    } | {
        "[prometheus] url",
        "[github] api_url",
        "[frontend_host] api_url",
        "[backend_host] api_url",
        "[tracker] api_url",
        "[slack] api_url",
        "[unleash] frontend_url",
        "[unleash] url",
    }
    assert set(_address_fields(Environment)) == listed


def _address_fields(model: type[BaseModel], table: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        parts = [field.annotation, *field.metadata, *typing.get_args(field.annotation)]
        if any(_is_address(part) for part in parts):
            yield f"[{table}] {name}"
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _address_fields(part, field.alias or name)


def _is_address(part: Any) -> bool:
    inner = typing.get_args(part)
    return part == AfterValidator(web_address) or AfterValidator(web_address) in inner


@pytest.mark.parametrize(
    "spelling",
    [
        *("https://example.com", "https://EXAMPLE.com", "https://example.com.", "https://example.com:443"),
        *("https://ann:pw@example.com/path?query", "HTTPS://Example.COM/"),
    ],
)
def test_one_server_has_many_spellings(spelling: str) -> None:
    """They are all the same."""
    assert server_of(spelling) == "https://example.com:443"


@pytest.mark.parametrize(
    ("spelling", "server"),
    [
        ("http://bücher.example", "http://xn--bcher-kva.example:80"),
        ("http://xn--bcher-kva.example", "http://xn--bcher-kva.example:80"),
        ("http://[::ffff:10.0.0.1]:80", "http://10.0.0.1:80"),
        ("http://167772161", "http://10.0.0.1:80"),
        ("http://0x0a.0.0.1", "http://10.0.0.1:80"),
        ("http://[0:0::1]:8080", "http://[::1]:8080"),
        ("http://example.com:8080", "http://example.com:8080"),
        ("nonsense", ""),
    ],
)
def test_a_server_is_its_scheme_host_and_port(spelling: str, server: str) -> None:
    """International names and IP addresses too."""
    assert server_of(spelling) == server


def test_what_cannot_be_read_is_nobodys(folder: Path) -> None:
    """Two forms that are not understood are never taken for the same place, even where a sandbox has one of them."""
    own = {**OWN, "database": "service=practice"}
    named = all_addresses(load_environment(str(running(folder)), folder, {}))

    assert [line.partition(":")[0] for line in strangers(named, own)] == [
        "[secrets] database_dsn_env (PAM_DATABASE_DSN)"
    ]
    assert place_of("service=production") == place_of("postgresql://h/d?service=production") == ""
