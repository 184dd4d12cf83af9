"""What a bundle names: the API, Supabase and its public key, and nothing that merely looks like them."""

import base64
import json

import pytest

from pam_rollback.connect.rules.bundle import reachable, read_bundle, role_of, title_words


def key_of(role: str, **claims: str) -> str:
    """A key as Supabase makes them."""
    sides = ({"alg": "HS256"}, {"role": role, **claims})
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in sides]
    return ".".join([*parts, "c2lnbmF0dXJlLW9mLWEta2V5"])


ANON = key_of("anon", ref="abcdefghij")


def test_the_project_of_the_key_goes_before_others() -> None:
    """A bundle names projects of long ago, too."""
    script = f'const a="https://zzzzzzzzzz.supabase.co",b="https://abcdefghij.supabase.co",c="{ANON}";fetch("https://api.example/x")'
    found = read_bundle([script.encode()], ["https://www.example"])

    assert found.supabase[0] == "https://abcdefghij.supabase.co"
    assert found.keys == (ANON,)
    assert found.names("https://api.example/api/v1")
    assert not found.names("https://other.example")


def test_what_stands_beside_the_key_may_be_the_project() -> None:
    """One that is called otherwise, such as a stand-in."""
    script = f'const API="http://127.0.0.1:18000";const S="http://127.0.0.1:54321";const K="{key_of("anon")}";'

    assert read_bundle([script.encode()]).supabase == ("http://127.0.0.1:54321",)


@pytest.mark.parametrize(
    ("named", "reached"),
    [
        ("http://supabase.co.localhost:54321", "http://127.0.0.1:54321"),
        ("https://abcdefghij.supabase.co", "https://abcdefghij.supabase.co"),
        ("http://localhost.example:1", "http://localhost.example:1"),
        ("", ""),
    ],
)
def test_a_name_of_this_machine_is_its_address(named: str, reached: str) -> None:
    """A bundle that was built for a stand-in names one."""
    assert reachable(named) == reached


def test_only_public_keys_are_taken() -> None:
    """A key that may do everything has no business in a page, and none here."""
    service, publishable = key_of("service_role"), "sb_publishable_abcdefghijklmno"
    found = read_bundle([f'"{service}" "{publishable}"'.encode()])

    assert found.keys == (publishable,)
    assert role_of(service) == "service_role"
    assert role_of("no.key.atall") == ""
    assert role_of("none") == ""


def test_a_build_without_its_variables_names_nobody() -> None:
    """Only the site itself, and what is no address."""
    found = read_bundle([b'const API="";"https://www.example/logo.png";"https://${host}/x"'], ["https://www.example"])

    assert (found.addresses, found.supabase, found.keys) == ((), (), ())


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Wheels & Wins - RV Trip Planner", "Wheels & Wins"),
        ("Login | Wheels", "Login"),
        ("Well-known", "Well-known"),
        ("", ""),
    ],
)
def test_a_title_begins_with_the_name(title: str, words: str) -> None:
    """What stays when the rest changes."""
    assert title_words(title) == words
