"""Which answers show that no release is the cause: all of them fit, and what a release can do as well does not."""

import pytest

from pam_rollback.decision.watcher import outside_causes
from pam_rollback.probe.samples import Sample

PAGES, BEHIND = ("front page", "cached front page"), ("health", "history", "profile")
EVERYTHING = (*PAGES, *BEHIND)
REFUSED, NO_NAME = "refused the connection", "the name could not be resolved"
APOLOGY = "an apology instead of an answer (intent: None): 'I have trouble'"


def answers(
    *journeys: str, ok: bool = False, status: int | None = None, why: str = "", void: str = "", n: int = 20
) -> list[Sample]:
    """So many of each journey."""
    return [
        Sample(float(at), 5.0, name, ok=ok, why=why, status=status, void=void) for name in journeys for at in range(n)
    ]


GOOD_PAGES, GOOD_BEHIND = answers(*PAGES, ok=True, status=200), answers(*BEHIND, ok=True, status=200)


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        (answers(*BEHIND, status=403) + GOOD_PAGES, ("edge",)),
        (answers(*EVERYTHING, status=429), ("edge",)),
        (answers(*BEHIND, status=403) + answers("profile", status=500, n=2) + GOOD_PAGES, ("edge",)),
        # A release that takes no token any more, or loses a path for some.
        (answers("history", "profile", status=403) + answers("health", ok=True, status=200) + GOOD_PAGES, ()),
        (answers("health", status=403) + answers("history", "profile", status=500), ()),
        (answers("front page", status=403) + GOOD_BEHIND, ()),
        (answers(*PAGES, why=REFUSED) + answers(*BEHIND, why=NO_NAME), ("hosts",)),
        # A process that is gone, or a site: what a release can do.
        (answers(*BEHIND, why=REFUSED) + GOOD_PAGES, ()),
        (answers(*PAGES, why=REFUSED) + GOOD_BEHIND, ()),
        (answers(*EVERYTHING, why="silent for 5 s"), ()),
        (answers(*EVERYTHING, why=REFUSED, n=10) + GOOD_BEHIND, ()),
        (answers("chat", status=200, why=APOLOGY) + GOOD_PAGES + GOOD_BEHIND, ("model",)),
        (answers("chat", status=500, why="HTTP 500") + GOOD_PAGES + GOOD_BEHIND, ()),
        (answers("chat", status=200, why=APOLOGY) + answers("profile", status=500) + GOOD_PAGES, ()),
        (GOOD_PAGES + GOOD_BEHIND, ()),
        (answers(*EVERYTHING, status=403, void="only we are blocked"), ()),
        ([], ()),
    ],
)
def test_what_is_no_matter_of_a_release(samples: list[Sample], found: tuple[str, ...]) -> None:
    """A ban of everybody, hosts that nobody can connect to, and PAM without its model."""
    assert outside_causes(samples) == found
