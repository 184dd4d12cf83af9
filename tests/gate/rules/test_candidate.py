"""Which commit the gate is about."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.gate.stages import candidate_of
from pam_rollback.target.served_release import BACK_END, FRONT_END, Served, Wanted

A, B = "a" * 40, "b" * 40


def site(commit: str, version: str = "1.42.0") -> Served:
    """The front end as it serves that commit."""
    return Served(FRONT_END, Wanted(), commit, version)


def api(commit: str, version: str = "1.42.0") -> Served:
    """The back end."""
    return Served(BACK_END, Wanted(), commit, version)


def test_two_commits_are_no_candidate() -> None:
    """Nor is none."""
    for first, second in ((A, B), ("", "")):
        with pytest.raises(MeasurementFailed, match=r"cannot be told.*--to"):
            candidate_of(None, "", site(first), api(second))


def test_a_named_commit_is_the_candidate_also_where_it_is_not_served() -> None:
    """But then nothing that is measured there says anything of it."""
    found = candidate_of(B, B[:8], site(A), api(A))

    assert (found.commit, found.version, found.served) == (B, "", False)
    with pytest.raises(MeasurementFailed, match="staging does not serve the candidate"):
        found.refuse_absent("staging")
    candidate_of(A, A[:8], site(A), api(A)).refuse_absent("staging")


def test_half_of_it_is_not_it() -> None:
    """The front end alone, or one that does not tell."""
    assert not candidate_of(A, A, site(A), api(B)).served
    assert not candidate_of(A, A, site(A), api("")).served


def test_a_release_is_found_by_its_version_where_it_is_served() -> None:
    """Elsewhere there is no telling."""
    assert candidate_of(None, "1.42.0", site(A), api(A)).commit == A
    with pytest.raises(MeasurementFailed, match=r"--to 1\.43\.0: expected a commit"):
        candidate_of(None, "1.43.0", site(A), api(A))
