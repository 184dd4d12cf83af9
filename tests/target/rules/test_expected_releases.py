"""Which release each site should serve, as people name it, and which part serves another one."""

import re

import pytest

from pam_rollback.target.served_release import BACK_END, FRONT_END, ExpectedReleases


@pytest.mark.parametrize(
    ("named", "releases", "apart"),
    [
        ([], ("", ""), ()),
        (["1.41.3"], ("1.41.3", "1.41.3"), ()),
        (["frontend=1.41.3"], ("1.41.3", ""), ("frontend",)),
        (["frontend=1.41.3", "backend=1.42.0"], ("1.41.3", "1.42.0"), ("frontend", "backend")),
        (["backend=dep-1", "frontend=dep-2"], ("dep-2", "dep-1"), ("frontend", "backend")),
    ],
)
def test_releases_are_named_for_both_or_one_by_one(
    named: list[str], releases: tuple[str, str], apart: tuple[str, ...]
) -> None:
    """In any order; who names one site says nothing of the other."""
    found = ExpectedReleases.named(named)

    assert ((found.frontend, found.backend), found.apart) == (releases, apart)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ([""], "'': expected one RELEASE for both sites, or frontend=RELEASE and backend=RELEASE"),
        (["frontend="], "'frontend=': expected one RELEASE"),
        (["fronted=1.41.3"], "'fronted=1.41.3': expected one RELEASE for both sites"),
        (["1.41.3", "1.42.0"], "'1.42.0': the frontend is named twice, 1.41.3 before"),
        (["1.41.3", "backend=1.42.0"], "'backend=1.42.0': the backend is named twice, 1.41.3 before"),
        (["backend=1", "backend=1"], "'backend=1': the backend is named twice, 1 before"),
    ],
)
def test_what_cannot_be_meant_is_refused(named: list[str], words: str) -> None:
    """With all forms that there are."""
    with pytest.raises(ValueError, match=re.escape(words)):
        ExpectedReleases.named(named)


@pytest.mark.parametrize(
    ("named", "left_behind"),
    [
        (["1.41.3"], {BACK_END: "1.42.0"}),
        (["frontend=1.41.3", "backend=1.42.0"], {}),
        (["frontend=1.42.0", "backend=1.41.3"], {FRONT_END: "1.41.3", BACK_END: "1.42.0"}),
        (["frontend=1.41.3"], {}),
        ([], {FRONT_END: "1.41.3", BACK_END: "1.42.0"}),
    ],
)
def test_each_part_is_held_against_its_own_site(named: list[str], left_behind: dict[str, str]) -> None:
    """After a rollback of the front end alone there are two releases, and that is right where somebody says so."""
    assert ExpectedReleases.named(named).left_behind({FRONT_END: "1.41.3", BACK_END: "1.42.0"}) == left_behind
