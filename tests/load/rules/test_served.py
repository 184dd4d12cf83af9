"""Whether all of a load was put on one release: what the address said before it, and what it says afterwards."""

import pytest

from pam_rollback.load.rules.served import Served, why_not_one
from tests.load.records import BEGAN_S

CANDIDATE = {"release": "1.42.0", "commit": "4f2c91ab03de0123456789abcdef0123456789ab"}
BEFORE = Served(CANDIDATE, started_s=BEGAN_S - 3600)


def why(after: Served, before: Served = BEFORE) -> str:
    """What is said."""
    return why_not_one("http://api", before, after, began_s=BEGAN_S)


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        Served(CANDIDATE),
        Served(CANDIDATE, started_s=BEGAN_S - 60),
        Served(CANDIDATE, started_s=BEGAN_S + 4),
    ],
)
def test_the_same_release_is_one(after: Served) -> None:
    """Also when another of its processes answers, as long as that is older than the load, as clocks tell it."""
    assert why(after) == ""


def test_another_release_is_not() -> None:
    """Named, with what to do; of a release that is built anew the commit tells."""
    other = why(Served({"release": "1.41.3", "commit": CANDIDATE["commit"]}))
    rebuilt = why(Served({"release": "1.42.0", "commit": "0000000000000000000000000000000000000000"}))

    assert other.startswith("http://api served release 1.42.0 when the load began and 1.41.3 when it was over: ")
    assert "deploy nothing meanwhile, and test again" in other
    assert "commit 4f2c91ab03de when the load began and 000000000000 when it was over" in rebuilt


def test_a_process_that_began_in_the_middle_is_named() -> None:
    """It died under the load, or another release came and went."""
    assert "by a process that began 20 s after the load did" in why(Served(CANDIDATE, started_s=BEGAN_S + 20))
    assert why(Served(CANDIDATE, started_s=BEGAN_S + 20), Served(CANDIDATE)) == ""


def test_silence_afterwards_is_not_known() -> None:
    """Where something was told before; a product that never tells is not blamed for it."""
    assert why(Served(problem="HTTP 503")).endswith("at the end of the load is not known: HTTP 503")
    assert why(Served(problem="HTTP 404"), Served(problem="HTTP 404")) == ""


def test_a_commit_that_is_not_named_any_more_is_not_known() -> None:
    """Another build may name none; of a product that never did nothing is compared."""
    bare = Served({"release": "1.42.0"})

    assert why(bare) == (
        "which commit http://api served at the end of the load is not known: it named 4f2c91ab03de before, and none then"
    )
    assert why(bare, bare) == ""
    assert why(BEFORE, bare) == ""
