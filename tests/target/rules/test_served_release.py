"""What is served is the target only when everything by which both are known agrees."""

from typing import Any

import pytest

from pam_rollback.target.served_release import Served, Wanted, same_commit

STABLE = Wanted(commit="a" * 40, version="1.41.3", page_sha256="1" * 64)


@pytest.mark.parametrize(
    ("served", "is_wanted"),
    [
        pytest.param({"commit": "a" * 40, "version": "1.41.3", "page_sha256": "1" * 64}, True, id="all agree"),
        pytest.param({"commit": "a" * 12}, True, id="a shortened commit is enough"),
        pytest.param({"version": "1.41.3"}, True, id="the version is enough"),
        pytest.param({"commit": "b" * 40, "version": "1.41.3"}, False, id="same version, another commit"),
        pytest.param(
            {"version": "1.41.3", "page_sha256": "2" * 64}, False, id="the version says so, the page does not"
        ),
        pytest.param({"commit": "a" * 40, "problem": "refused"}, False, id="nothing was served"),
        pytest.param({}, False, id="nothing names a release: that is not the target"),
        pytest.param({"commit": "a" * 6}, False, id="six digits are no commit"),
    ],
)
def test_the_target_is_recognised(served: dict[str, Any], *, is_wanted: bool) -> None:
    """And nothing else is taken for it."""
    seen = Served(site="the front end", wanted=STABLE, **served)

    assert seen.is_wanted is is_wanted, seen


def test_a_target_that_nothing_is_known_of_is_never_served() -> None:
    """Empty is not equal."""
    assert not Served(site="the back end", wanted=Wanted(), version="1.41.3").is_wanted


SHARED = Wanted(commit="a" * 40, version="1.41.3", no_proof="dep-b has the version 1.41.3, too")


@pytest.mark.parametrize(
    ("served", "is_wanted", "cannot_be_told"),
    [
        pytest.param({"version": "1.41.3"}, False, True, id="the version alone is no proof"),
        pytest.param({"version": "1.42.0"}, False, False, id="another version is a disproof all the same"),
        pytest.param({"version": "1.41.3", "commit": "a" * 40}, True, False, id="the commit proves it"),
        pytest.param({"version": "1.41.3", "commit": "b" * 40}, False, False, id="another commit disproves it"),
        pytest.param({"version": "1.41.3", "problem": "HTTP 502"}, False, False, id="nothing was served"),
        pytest.param({}, False, False, id="nothing names a release"),
    ],
)
def test_a_version_that_two_have_is_no_proof(served: dict[str, Any], *, is_wanted: bool, cannot_be_told: bool) -> None:
    """And that is said."""
    seen = Served(site="the back end", wanted=SHARED, **served)

    assert (seen.is_wanted, seen.cannot_be_told) == (is_wanted, cannot_be_told), seen
    assert ("dep-b has the version 1.41.3, too" in str(seen)) is cannot_be_told


def test_hashes_are_compared_by_their_beginning() -> None:
    """Upper or lower case, in either order."""
    assert same_commit("ABCDEF0", "abcdef0123")
    assert same_commit("abcdef0123", "abcdef0")
    assert not same_commit("", "abcdef0")


@pytest.mark.parametrize(
    ("found", "another"),
    [
        ({"commit": "a" * 40}, False),
        ({"commit": "b" * 40}, True),
        ({"page_sha256": "other"}, True),
        ({"problem": "HTTP 404"}, False),
        ({}, False),
    ],
)
def test_another_is_what_is_seen_to_be_one(found: dict[str, Any], another: bool) -> None:  # noqa: FBT001 - a case
    """What shows nothing that could be told is no other one."""
    wanted = Wanted(commit="a" * 40, page_sha256="wanted")

    assert Served("the front end", wanted, **found).is_another is another
