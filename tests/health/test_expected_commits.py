"""The commit that each site must name after a rollback: the one that was seen to answer when it was done."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.health.fixtures import expected_commits
from pam_rollback.product.served_release import BACK_END, FRONT_END, ExpectedReleases, Served, Wanted
from tests.plan.plan_scene import body

COMMIT = "7cce05406677"
API, SITE = Served(BACK_END, Wanted(), commit=COMMIT), Served(FRONT_END, Wanted(), commit=COMMIT)


@pytest.mark.parametrize(
    ("rollback", "expected"),
    [
        (SimpleNamespace(served=API), ExpectedReleases(backend=COMMIT)),
        (
            SimpleNamespace(frontend=SimpleNamespace(served=SITE), backend=SimpleNamespace(served=API)),
            ExpectedReleases(COMMIT, COMMIT),
        ),
        (SimpleNamespace(served=Served(BACK_END, Wanted(), version="1.41.3")), ExpectedReleases()),
        (SimpleNamespace(), ExpectedReleases()),
        (None, ExpectedReleases()),
    ],
)
def test_what_the_story_brought_is_expected(rollback: Any, expected: ExpectedReleases) -> None:
    """Where the site names its commit. Flags bring none, and where nobody acted nobody said."""
    assert body(expected_commits)(rollback) == expected
