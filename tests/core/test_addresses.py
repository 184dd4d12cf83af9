"""Which addresses stay on this machine: for certain, or by their name alone."""

import pytest

from pam_rollback.core.addresses import is_loopback, is_named_local, loopback_hint


@pytest.mark.parametrize(
    ("host", "certain", "by_name"),
    [
        ("localhost", True, True),
        ("127.0.0.1", True, False),
        ("127.8.9.1", True, False),
        ("[::1]", True, False),
        ("pam.localhost", False, True),
        ("a.b.LOCALHOST.", False, True),
        ("localhost.example.com", False, False),
        ("notlocalhost", False, False),
        ("127.example.com", False, False),
        ("192.0.2.7", False, False),
    ],
)
def test_only_what_no_resolver_decides_is_loopback(host: str, certain: bool, by_name: bool) -> None:  # noqa: FBT001 - cases
    """RFC 6761 asks resolvers to keep names below .localhost here, and does not oblige them: such a name permits nothing."""
    assert (is_loopback(f"http://{host}:8080/a"), is_named_local(host)) == (certain, by_name)


@pytest.mark.parametrize("given", ["http://pam.localhost:8080", "pam.localhost"])
def test_whoever_is_refused_is_told_what_to_write(given: str) -> None:
    """Where the name is what is wrong."""
    assert loopback_hint(given).endswith("write 127.0.0.1")
    assert loopback_hint("http://192.0.2.7") == loopback_hint("smtp.example.com") == ""
