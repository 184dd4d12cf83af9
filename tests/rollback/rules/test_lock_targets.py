"""A lock's identity is where the action goes: the same for two files with the same addresses, however they are spelled or called."""

from pathlib import Path

import pytest

from pam_rollback.rollback.lock_targets import same_place, targets_of
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.service_settings import Unleash

FILE = """
name = "{name}"
kind = "staging"
abilities = ["git", "flag_admin", "netlify", "render"]
[urls]
frontend = "https://www.example.com"
api = "{api}"
backend = "https://backend.example.com"
[paths]
feature_flags = "/admin/flags"
[netlify]
site_id = "{site}"
[render]
service_id = "srv-1"
[git]
remote = "{remote}"
[secrets]
admin_token_env = "T"
netlify_auth_token_env = "T"
render_api_key_env = "T"
"""


def environment(
    tmp_path: Path,
    *,
    name: str = "one",
    api: str = "https://api.example.com",
    site: str = "s-1",
    remote: str = "https://github.com/wheels/pam.git",
) -> Environment:
    """An environment at these addresses."""
    path = tmp_path / f"{name}.toml"
    path.write_text(FILE.format(name=name, api=api, site=site, remote=remote), encoding="utf-8")
    return load_environment(str(path), tmp_path, {"T": "secret"})


def test_a_second_file_with_the_same_addresses_has_the_same_locks(tmp_path: Path) -> None:
    """Whatever it is called, and however the addresses are written."""
    one = environment(tmp_path)
    two = environment(tmp_path, name="two", api="https://API.example.com:443/", remote="git@github.com:wheels/PAM")

    assert targets_of(one, pushes=True) == targets_of(two, pushes=True)


def test_they_have_one_order_and_show_no_address(tmp_path: Path) -> None:
    """Two sessions that need the same locks never hold one each."""
    targets = targets_of(environment(tmp_path), pushes=True)

    assert list(targets) == sorted(targets)
    assert [name.split("-")[0] for name in targets] == ["flags", "product", "repository", "service", "site"]
    assert not any("example" in name or "github" in name for name in targets)


def test_flags_of_a_service_are_one_place_for_all_who_switch_them(tmp_path: Path) -> None:
    """By service, project and environment there: two products on one server do not wait for each other."""
    at = Unleash(url="https://unleash.example.com", project="pam", environment="production")
    one = environment(tmp_path).model_copy(update={"unleash": at})
    two = environment(tmp_path, name="two", api="https://api.example.org").model_copy(update={"unleash": at})
    other = two.model_copy(update={"unleash": at.model_copy(update={"project": "else"})})

    def flags(of: Environment) -> set[str]:
        found = targets_of(of, pushes=False).items()
        return {name for name, words in found if words == "flags unleash.example.com/pam/production"}

    assert len(flags(one)) == 1
    assert flags(one) == flags(two)
    assert flags(other) == set()


def test_the_repository_is_locked_by_whoever_pushes_only(tmp_path: Path) -> None:
    """Staging and production are built from one: a drill on staging does not keep production from being rolled back."""
    staging = targets_of(environment(tmp_path, api="https://api.staging.example.com", site="s-2"), pushes=False)
    production = targets_of(environment(tmp_path), pushes=True)

    assert not any("repository" in words for words in staging.values())
    assert any("repository" in words for words in production.values())


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("https://github.com/a/b.git", "git@github.com:a/b"),
        ("ssh://git@github.com:22/a/b/", "https://me@GitHub.com/A/b"),
        ("http://localhost:8080", "http://127.0.0.1:8080/"),
        ("http://[::1]:8080", "http://127.0.0.1:8080"),
        (
            "http://pam.Localhost.:8080",
            "http://127.0.0.1:8080",
        ),  # where it leads is not known: nobody acts beside the other
        ("/srv/git/pam.git/", "/srv/git/pam.git"),
    ],
)
def test_spellings_of_one_place(one: str, two: str) -> None:
    """They are one."""
    assert same_place(one) == same_place(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("https://github.com/a/b", "https://gitlab.com/a/b"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081"),
        ("https://api.example.com/v1", "https://api.example.com/v2"),
        ("http://localhost.example.com:8080", "http://127.0.0.1:8080"),
    ],
)
def test_places_that_differ(one: str, two: str) -> None:
    """They are two."""
    assert same_place(one) != same_place(two)


def test_the_spelling_itself() -> None:
    """Without scheme, user, default port and what ends it; a folder of this machine stays what it is."""
    assert same_place("https://me@API.example.com:443/V1/") == "api.example.com/v1"
    assert same_place("http://api.example.com:80") == "api.example.com"
    assert same_place("/srv/git/pam.git/") == "/srv/git/pam.git"


@pytest.mark.parametrize(
    ("abilities", "kinds"),
    [
        (frozenset(), ["product"]),
        (frozenset({"flag_admin"}), ["flags", "product"]),
        (frozenset({"emergency_endpoint"}), ["flags", "product"]),
    ],
)
def test_only_what_is_there_can_be_changed(tmp_path: Path, abilities: frozenset[str], kinds: list[str]) -> None:
    """A host or repository that is not declared has no lock; the emergency endpoint changes the flags, too."""
    bare = environment(tmp_path).model_copy(
        update={"netlify": None, "render": None, "git": None, "abilities": abilities}
    )

    assert [name.split("-")[0] for name in targets_of(bare, pushes=True)] == kinds


def test_names_are_the_same_in_every_release(tmp_path: Path) -> None:
    """Two versions of the suite that act on one product see each other's locks."""
    assert "product-e22848307e50eb3e" in targets_of(environment(tmp_path), pushes=False)
